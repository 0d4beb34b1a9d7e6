"""Small regions and the parts of a picture around them, to be denoised again at the model's own resolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..regions.document import RegionDocument
from ..regions.rules import counting
from .masks import PIXELS_PER_LATENT, Size, box_pixels, grown, region_pixels, softened
from .overlap import left_of

LEFT = "Region {} was left as it was: {}."
GAINS_NOTHING = (
    "the part around it, {} pixels, is no smaller than the picture or than the {} that it would be drawn at; lower {}"
)
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
    size: Size

    @property
    def rows(self) -> slice:
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.left + self.width)


def small_parts(
    document: RegionDocument, smaller_than: int, context: float, feather: int, size: int
) -> tuple[list[Part], list[str]]:
    """The parts around the regions whose longer side is below `smaller_than` pixels, each `context` times as long, or
    as long as `soft_mask` needs it, in the document's order; and sentences about small ones that get none.

    size: pixels of a part's longer side when it is denoised.
    """
    parts, notes = [], []
    shown = counting(document)
    for i, region in enumerate(document.regions):
        pixels = box_pixels(region.box, document.width, document.height)
        longest = pixels and max(pixels[2] - pixels[0], pixels[3] - pixels[1])
        if not region.visible or longest is None or longest >= smaller_than:
            continue
        if i not in shown:
            notes.append(LEFT.format(i + 1, "it has no description; describe it, or disable it"))
            continue
        side = max(LEAST, round(context * longest), faded := longest + 4 * feather)
        if side >= size or side >= max(document.width, document.height):
            less = "feather" if side == faded else "context"
            notes.append(LEFT.format(i + 1, GAINS_NOTHING.format(side, size, less)))
            continue
        width, height = min(side, document.width), min(side, document.height)
        left, top = (
            min(max((pixels[a] + pixels[a + 2] - part) // 2, 0), whole - part)
            for a, part, whole in ((0, width, document.width), (1, height, document.height))
        )
        sizes = (max(1, round(n * size / side / PIXELS_PER_LATENT)) * PIXELS_PER_LATENT for n in (height, width))
        parts.append(Part(i, left, top, width, height, tuple(sizes)))
    return parts, notes


def resized(pictures: torch.Tensor, size: Size) -> torch.Tensor:
    """Pictures [B, 3, h, w] in 0..1 -> [B, 3, *size], bicubic, as a part is enlarged and made small again."""
    return torch.nn.functional.interpolate(pictures, tuple(size), mode="bicubic", antialias=True).clamp(0, 1)


def blend(old: torch.Tensor, new: torch.Tensor, taken: torch.Tensor) -> None:
    """Lay a part drawn again, new [3, H, W] of any size, over old [3, h, w], in place. taken: [h, w], how much of it,
    as `soft_mask` says.
    """
    old += taken.to(old) * (resized(new[None].to(old), old.shape[1:])[0] - old)


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
    return grown(own, 2 * feather), softened(grown(own, feather), feather)
