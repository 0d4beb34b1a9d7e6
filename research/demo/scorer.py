"""Judges a picture against its layout, as DEIG-Bench does: where an object is, by analysis; what it is, by a small
classifier.

The classifier learns from rendered crops alone; it has never seen a generated picture, and it can answer "nothing".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from deig_core.regions.tracks import iou

from .world import COLOURS, PATTERNS, SHAPES, SIZE, Placed, Scene, Thing

CROP = 64
MARGIN = 0.12  # of the box, on every side
# What each head can answer; None is "nothing of that kind".
ANSWERS = {
    "shape": (None, *SHAPES),
    "colour": (None, *COLOURS),
    "pattern": (None, *PATTERNS),
    "second": (None, *COLOURS),
    "outline": (None, *COLOURS),
}
SMALLEST = 80  # pixels of an object


class Classifier(nn.Module):
    """Crops [N, 3, CROP, CROP] in 0..1 -> logits of each head, by its name."""

    def __init__(self):
        super().__init__()
        widths = (3, 24, 48, 72, 96)
        self.body = nn.Sequential(
            *(
                layer
                for i in range(4)
                for layer in (nn.Conv2d(widths[i], widths[i + 1], 3, 2, 1), nn.GroupNorm(8, widths[i + 1]), nn.SiLU())
            )
        )
        self.heads = nn.ModuleDict({name: nn.Linear(2 * widths[-1], len(answers)) for name, answers in ANSWERS.items()})

    def forward(self, crops: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.body(crops * 4 - 2)
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)
        return {name: head(x) for name, head in self.heads.items()}


@dataclass(frozen=True)
class Verdict:
    """What was found for one requested instance."""

    wanted: Placed
    iou: float
    found: dict[str, str | None]

    def right(self, attribute: str) -> bool:
        """Whether the picture has what was asked for, and nothing where nothing was. attribute: a key of ANSWERS."""
        return self.found[attribute] == getattr(self.wanted.thing, attribute)

    def passes(self) -> bool:
        """Every requested attribute right, nothing else added, and the place: IoU >= 0.5."""
        return self.iou >= 0.5 and all(self.right(a) for a in ANSWERS)


def labels(thing: Thing | None) -> list[int]:
    """What each head should answer, as indices of its ANSWERS. None: a crop that shows nothing."""
    return [answers.index(getattr(thing, name) if thing else None) for name, answers in ANSWERS.items()]


def cut(picture: torch.Tensor, box: tuple[float, float, float, float]) -> torch.Tensor:
    """The crop of `box` (pixels) with a margin, from float [3, H, W] -> [3, CROP, CROP]; the picture's edge is
    repeated.
    """
    x0, y0, x1, y1 = box
    mx, my = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    theta = torch.tensor(
        [[[(x1 - x0 + 2 * mx) / SIZE, 0, (x0 + x1) / SIZE - 1], [0, (y1 - y0 + 2 * my) / SIZE, (y0 + y1) / SIZE - 1]]],
        dtype=torch.float32,
    )
    grid = F.affine_grid(theta, [1, 3, CROP, CROP], align_corners=False)
    return F.grid_sample(picture[None], grid, padding_mode="border", align_corners=False)[0]


def find_objects(picture: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Boxes in pixels of what differs from the smooth background of float32 [H, W, 3] in 0..1."""
    from scipy import ndimage

    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    plane = np.stack([np.ones_like(x), x / width, y / height], -1).reshape(-1, 3).astype(np.float32)
    pixels = picture.reshape(-1, 3)
    dull = (pixels.max(1) - pixels.min(1) < 0.22) & (np.abs(pixels.mean(1) - 0.54) < 0.22)
    for _ in range(3):
        if dull.sum() < 300:
            return []
        fit = np.linalg.lstsq(plane[dull], pixels[dull], rcond=None)[0]
        away = np.abs(pixels - plane @ fit).max(1)
        dull = away < 0.1
    objects = ndimage.binary_opening((away > 0.14).reshape(height, width), iterations=1)
    numbered, _ = ndimage.label(objects)
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), 1):
        if (numbered[rows, columns] == number).sum() >= SMALLEST:
            found.append((columns.start, rows.start, columns.stop, rows.stop))
    return found


@torch.no_grad()
def judge(classifier: Classifier, picture: np.ndarray, scene: Scene) -> list[Verdict]:
    """A verdict on each instance of `scene` in float32 [SIZE, SIZE, 3] in 0..1."""
    boxes = find_objects(picture)
    tensor = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    answers = {
        name: logits.argmax(1).tolist()
        for name, logits in classifier(torch.stack([cut(tensor, p.box) for p in scene.things])).items()
    }
    return [
        Verdict(
            placed,
            max((iou(placed.box, b) for b in boxes), default=0.0),
            {name: ANSWERS[name][answers[name][i]] for name in ANSWERS},
        )
        for i, placed in enumerate(scene.things)
    ]
