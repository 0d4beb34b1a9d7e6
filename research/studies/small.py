"""Things smaller than what the model learned: as they are drawn, after a pass over the whole picture at twice the size,
and drawn again one by one as DEIG Refine Regions has it, at the same cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from deig_core.layout.masks import mask_cells
from deig_core.layout.refine import Part, blend, resized, small_parts, soft_mask
from deig_core.layout.window import crop_document
from deig_core.regions.document import RegionDocument

from ..demo.evaluate import judged
from ..demo.generate import LATENT
from ..demo.render import render
from ..demo.report import measured
from ..demo.report import table as measures
from ..demo.scorer import Classifier, judge
from ..demo.world import GAP, SIZE, Placed, Scene, draw_thing
from .curves import Table
from .paint import Asked, Painter, document, whole

THINGS = 4  # so that a picture of twice the sides costs as much as all of them
SIDES = (18, 26)  # pixels; the smallest that the model learned are 34
DENOISE, CONTEXT, FEATHER, SMALLER_THAN = 0.7, 2.0, 4, 32


def small_scene(number: int, classifier: Classifier) -> Scene:
    """Small things apart from each other, whose rendered picture the scorer reads rightly."""
    lot = np.random.default_rng((0x5A11, number))
    while True:
        boxes: list[tuple[int, ...]] = []
        for _ in range(200):
            width, height = (2 * round(lot.uniform(*SIDES) / 2) for _ in range(2))
            x, y = int(lot.integers(2, SIZE - width - 1)), int(lot.integers(2, SIZE - height - 1))
            if len(boxes) < THINGS and all(
                x >= b[2] + GAP or b[0] >= x + width + GAP or y >= b[3] + GAP or b[1] >= y + height + GAP for b in boxes
            ):
                boxes.append((x, y, x + width, y + height))
        things = tuple(Placed(draw_thing(lot, int(lot.integers(1, 3))), box) for box in boxes)
        scene = Scene(things, 50_000_000 + number)
        if len(boxes) == THINGS and all(v.passes() for v in judge(classifier, render(scene), scene)):
            return scene


def table(painter: Painter, classifier: Classifier, layouts: int, seed: int) -> Table:
    """A row for each way to draw `layouts` pictures, and the CPU seconds of a picture. seed: of their noise."""
    scenes = [small_scene(n, classifier) for n in range(layouts)]
    documents = [document(scene, SIZE) for scene in scenes]
    found, seconds = {}, []

    def row(name: str, draw: Callable[[], np.ndarray]) -> np.ndarray:
        began = time.process_time()
        pictures = draw()
        seconds.append(f"{name}: {(time.process_time() - began) / layouts:.1f} s")
        found[name] = measured(judged(classifier, pictures, scenes))
        del found[name]["3"]  # small things have two attributes at most
        return pictures

    plain = row("as drawn", lambda: painter.drawn(documents, scenes, seed))
    row("and a pass at 256 x 256", lambda: twice(painter, plain, documents, scenes, seed))
    row("and each thing again at 128 x 128", lambda: refined(painter, plain, documents, scenes, seed))
    about = f"{layouts} layouts, {THINGS * layouts} things of {SIDES[0]} to {SIDES[1]} pixels, seed {seed}"
    return Table(f"{about}\n\n{measures(found)}\n\nCPU a picture: {'; '.join(seconds)}")


def _tensor(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


@torch.no_grad()
def twice(
    painter: Painter, plain: np.ndarray, documents: Sequence[RegionDocument], scenes: Sequence[Scene], seed: int
) -> np.ndarray:
    """The pictures enlarged, denoised again and made small again."""
    drawn = []
    for picture, regions, scene in zip(_tensor(plain), documents, scenes, strict=True):
        before = painter.autoencoder.encode(resized(picture[None], (2 * SIZE, 2 * SIZE)))
        asked = Asked(painter.said(regions), painter.noise(seed + 1, scene, 2 * LATENT), whole(2 * LATENT))
        after = painter.again([asked], before, DENOISE, torch.ones(1, 1, 1, 1))
        drawn.append(resized(painter.autoencoder.decode(after), (SIZE, SIZE)))
    return torch.cat(drawn).permute(0, 2, 3, 1).numpy()


@torch.no_grad()
def refined(
    painter: Painter, plain: np.ndarray, documents: Sequence[RegionDocument], scenes: Sequence[Scene], seed: int
) -> np.ndarray:
    """The pictures with their things drawn again, as the node does it."""
    pictures = _tensor(plain).clone()
    parts = [small_parts(regions, SMALLER_THAN, CONTEXT, FEATHER, SIZE)[0] for regions in documents]
    for number in range(THINGS):
        asked, before, masks, taken = [], [], [], []
        for picture, regions, scene, part in zip(pictures, documents, scenes, (p[number] for p in parts), strict=True):
            where, share = soft_mask(regions, part.region, FEATHER)
            piece = crop_document(regions, part.left, part.top, part.width, part.height)
            noise = painter.noise(seed + 2 + number, scene, LATENT)
            asked.append(Asked(painter.said(piece), noise, whole(LATENT)))
            before.append(resized(_cut(picture, part)[None], part.size))
            masks.append(mask_cells(_cut(where, part), (LATENT, LATENT), (LATENT, LATENT)).float()[None])
            taken.append(_cut(share, part))
        latents = painter.autoencoder.encode(torch.cat(before))
        new = painter.autoencoder.decode(painter.again(asked, latents, DENOISE, torch.stack(masks)))
        for i, part in enumerate(p[number] for p in parts):
            blend(_cut(pictures[i], part), new[i], taken[i])
    return pictures.permute(0, 2, 3, 1).numpy()


def _cut(picture: torch.Tensor, part: Part) -> torch.Tensor:
    return picture[..., part.rows, part.columns]
