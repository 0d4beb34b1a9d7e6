"""Small regions and the parts of a picture around them, to be denoised again at the model's own resolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..regions.document import RegionDocument
from ..regions.rules import counting
from .masks import PIXELS_PER_LATENT, box_pixels, grown, region_pixels
from .overlap import left_of

LEAST = 64  # pixels a side of a part: what is drawn again is enlarged eight times at most for a model of 512


@dataclass(frozen=True)
class Part:
    """A part of a picture around one region.

    region: its place in the document. left, top, width, height: pixels of the picture. size: (height, width) that the
    part is denoised at.
    """

    region: int
    left: int
    top: int
    width: int
    height: int
    size: tuple[int, int]

    @property
    def rows(self) -> slice:
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.left + self.width)


def small_parts(document: RegionDocument, smaller_than: int, context: float, size: int) -> tuple[list[Part], list[str]]:
    """The parts around the regions whose longer side is below `smaller_than` pixels, each `context` times as long,
    in the document's order; and sentences about small ones that gain nothing.

    size: pixels of a part's longer side when it is denoised. Only regions that count have one.
    """
    parts, notes = [], []
    for i in counting(document):
        pixels = box_pixels(document.regions[i].box, document.width, document.height)
        if pixels is None or max(pixels[2] - pixels[0], pixels[3] - pixels[1]) >= smaller_than:
            continue
        side = max(LEAST, round(context * max(pixels[2] - pixels[0], pixels[3] - pixels[1])))
        if side >= size or side >= max(document.width, document.height):
            notes.append(
                f"Region {i + 1} was left as it was: the part around it, {side} pixels, is no smaller than the picture "
                f"or than the {size} that it would be drawn at; lower context."
            )
            continue
        width, height = min(side, document.width), min(side, document.height)
        left, top = (
            min(max((pixels[a] + pixels[a + 2] - part) // 2, 0), whole - part)
            for a, part, whole in ((0, width, document.width), (1, height, document.height))
        )
        sizes = (max(1, round(n * size / side / PIXELS_PER_LATENT)) * PIXELS_PER_LATENT for n in (height, width))
        parts.append(Part(i, left, top, width, height, tuple(sizes)))
    return parts, notes


def soft_mask(document: RegionDocument, region: int, feather: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(bool [h, w], float32 [h, w]) of the document's picture: where a region is drawn again, 2 * feather pixels beyond
    its edge; and how much of that is taken, from 1 within the region to 0 at that edge. What regions in front take
    from it is not drawn over.
    """
    width, height = document.width, document.height
    shown = counting(document)
    left = left_of([document.regions[i] for i in shown], document.overlap, width, height)
    own = left.get(shown.index(region))
    if own is None:
        own = region_pixels(document.regions[region], width, height)
    near = grown(own, feather).float()
    side = 2 * feather + 1
    taken = torch.nn.functional.avg_pool2d(near[None], side, 1, feather, count_include_pad=False)[0]
    return grown(own, 2 * feather), taken
