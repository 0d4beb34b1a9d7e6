"""Two things whose boxes overlap: who owns what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from deig_core.call import GroundedCall, GroundedRows
from deig_core.layout.masks import PIXELS_PER_LATENT, Size, box_pixels, cell_rectangle, mask_cells
from deig_core.model.fuser import LevelInstances
from deig_core.regions.document import FRONT, SHARED, Region
from deig_core.regions.tracks import iou

from ..demo.render import render
from ..demo.scorer import ANSWERS, Classifier, Verdict, judge
from ..demo.world import SIDES, SIZE, Placed, Scene, draw_thing
from ..intervals import over_pictures
from .curves import Table
from .paint import UNCHANGED, Changed, Painter, document

PAIRS = 2  # a layout of the command
BANDS = (0.1, 0.2, 0.3, 0.4)  # where the IoU of a pair begins, in turns; each is 0.1 wide
APART = 0.2  # in a channel, from which on a pixel shows what lies in front
Words = Callable[[Sequence[Region], Size, Size], torch.Tensor]
"""(regions, the later one in front; (h, w) of the latent; of a level's grid) -> membership words int64 [h * w]."""


def pair(number: int, classifier: Classifier) -> Scene:
    """Two things, the later one in front, whose rendered picture the scorer reads rightly."""
    lot = np.random.default_rng((0x0E71A9, number))
    low = BANDS[number % len(BANDS)]
    while True:
        boxes = [_box(lot) for _ in range(2)]
        if not low <= iou(*boxes) <= low + 0.1:
            continue
        things = [draw_thing(lot, int(lot.integers(1, 4))) for _ in boxes]
        scene = Scene(tuple(Placed(t, b) for t, b in zip(things, boxes, strict=True)), 40_000_000 + number)
        if things[0].colour != things[1].colour and all(map(_right, judge(classifier, render(scene), scene))):
            return scene


def _box(lot: np.random.Generator) -> tuple[int, int, int, int]:
    side, aspect = lot.uniform(*SIDES[2]), lot.uniform(0.85, 1.18)
    width, height = (2 * round(side * a / 2) for a in (aspect**0.5, aspect**-0.5))
    x, y = int(lot.integers(2, SIZE - width - 1)), int(lot.integers(2, SIZE - height - 1))
    return x, y, x + width, y + height


def _right(verdict: Verdict) -> bool:
    """Every attribute; the place of a thing that touches another is not to be seen."""
    return all(verdict.right(a) for a in ANSWERS)


def shared_pixels(picture: np.ndarray, scene: Scene) -> float | None:
    """Of the pixels that show which thing lies in front, the share that is nearer to the picture that was asked for
    than to that with the other one in front; None where there are hardly any.
    """
    wanted, swapped = render(scene), render(Scene(scene.things[::-1], scene.seed))
    zone = np.abs(wanted - swapped).max(-1) > APART
    nearer = np.abs(picture - wanted).mean(-1) < np.abs(picture - swapped).mean(-1)
    return float(nearer[zone].mean()) if zone.sum() >= 20 else None


def soft_edged(regions: Sequence[Region], latent: Size, grid: Size) -> torch.Tensor:
    """`Words` where the front one gives up its outermost cell of the latent."""
    height, width = (side * PIXELS_PER_LATENT for side in latent)
    words = torch.zeros(grid, dtype=torch.int64)
    for r, region in enumerate(regions):
        pixels = torch.zeros(height, width, dtype=torch.bool)
        for other, taken, edge in ((region, True, 0), *((f, False, PIXELS_PER_LATENT) for f in regions[r + 1 :])):
            x0, y0, x1, y1 = box_pixels(other.box, width, height)
            pixels[y0 + edge : y1 - edge, x0 + edge : x1 - edge] = taken
        words |= mask_cells(pixels, latent, grid).long() << r
    return words.flatten()


def by_cells(regions: Sequence[Region], latent: Size, grid: Size) -> torch.Tensor:
    """`Words` where each cell of a level, margins too, belongs to the front one of its owners."""
    words = torch.zeros(grid, dtype=torch.int64)
    for r, region in enumerate(regions):
        x0, y0, x1, y1 = cell_rectangle(region.box, latent, grid)
        words[y0:y1, x0:x1] = 1 << r
    return words.flatten()


class Owned:
    """A call whose cells belong to the regions that `words` says."""

    def __init__(self, words: Words, call: GroundedCall):
        self._words, self._call = words, call
        self._levels: dict[Size, list[LevelInstances]] = {}

    def instances(self, grid: Size, device: torch.device) -> list[LevelInstances]:
        """As `GroundedCall.instances`."""
        if grid not in self._levels:
            self._levels[grid] = [
                level if level.members is None else replace(level, members=self._members(group, grid).to(device))
                for level, group in zip(self._call.instances(grid, device), self._call.groups, strict=True)
            ]
        return self._levels[grid]

    def _members(self, group: GroundedRows, grid: Size) -> torch.Tensor:
        return torch.stack([self._words(layout.regions, group.window.size, grid) for layout in group.layouts])


def table(painter: Painter, classifier: Classifier, layouts: int, seed: int) -> Table:
    """A row for each way to own what two things share, of PAIRS x `layouts` pictures. seed: of their noise."""
    scenes = [pair(n, classifier) for n in range(PAIRS * layouts)]
    lines = ["| | front | back | both | shared pixels |", "|---|---|---|---|---|"]
    for name, overlap, words in (
        ("shared, as trained", SHARED, None),
        ("the front one owns what both have", FRONT, None),
        ("the same, but for its outermost cell, which both own", FRONT, soft_edged),
        ("the front one owns its cells on every level, margins too", FRONT, by_cells),
    ):
        documents = [document(scene, SIZE, overlap=overlap) for scene in scenes]
        changed = Changed(seen=partial(Owned, words)) if words else UNCHANGED
        drawn = painter.drawn(documents, scenes, seed, changed)
        pictures = np.rint(255 * drawn).astype(np.uint8).astype(np.float32) / 255
        verdicts = [judge(classifier, picture, scene) for picture, scene in zip(pictures, scenes, strict=True)]
        owned = [shared_pixels(picture, scene) for picture, scene in zip(pictures, scenes, strict=True)]
        columns = (
            [[_right(v[1])] for v in verdicts],
            [[_right(v[0])] for v in verdicts],
            [[all(map(_right, v))] for v in verdicts],
            [[share] for share in owned if share is not None],
        )
        lines.append(f"| {name} | " + " | ".join(map(_cell, columns)) + " |")
    return Table("\n".join([f"{len(scenes)} pairs of IoU 0.1 to 0.5, seed {seed}\n", *lines]))


def _cell(values: Sequence[Sequence[float]]) -> str:
    found = over_pictures(values)
    return f"{found.value:.3f} ± {(found.high - found.low) / 2:.3f}"
