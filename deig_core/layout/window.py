"""A part of a picture: where it lies, and what it shows of a region."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..regions.document import Box, Region
from .masks import PIXELS_PER_LATENT, Size


@dataclass(frozen=True)
class Window:
    """The part of a latent that a call denoises: offset and size inside a latent of `full` size, all (height, width)
    in cells.
    """

    full: Size
    offset: Size
    size: Size

    @classmethod
    def whole(cls, size: Size) -> Window:
        return cls(size, (0, 0), size)


def crop(region: Region, window: Window) -> Region | None:
    """`region` in fractions of `window`, or None if no pixel of it is inside."""
    if window == Window.whole(window.full):
        # A mask may be finer than the image: whatever is painted in it owns a cell.
        return region if region.mask is not None or _has_pixel(region.box, window.size) else None
    if region.mask is not None:
        return _crop_mask(region, window)
    axes = tuple(zip(window.full, window.offset, window.size, strict=True))[::-1]
    box = tuple(_moved(c, *(side * PIXELS_PER_LATENT for side in axes[i % 2])) for i, c in enumerate(region.box))
    return replace(region, box=box) if _has_pixel(box, window.size) else None


def _moved(coordinate: float, full: int, offset: int, size: int) -> float:
    """A fraction of `full` pixels as a fraction of the `size` pixels from `offset` on; it stays on the pixel that it
    rounds to.
    """
    moved = min(max((coordinate * full - offset) / size, 0.0), 1.0)
    pixel = min(max(round(coordinate * full) - offset, 0), size)
    return moved if round(moved * size) == pixel else pixel / size


def _has_pixel(box: Box, latent: Size) -> bool:
    height, width = (side * PIXELS_PER_LATENT for side in latent)
    return round(box[0] * width) < round(box[2] * width) and round(box[1] * height) < round(box[3] * height)


def _crop_mask(region: Region, window: Window) -> Region | None:
    # At the image's own resolution a crop falls on whole pixels, whatever the mask's was.
    full = torch.Size(side * PIXELS_PER_LATENT for side in window.full)
    mask = torch.nn.functional.adaptive_max_pool2d(region.mask[None].float(), full)[0] > 0
    (top, left), (height, width) = ((v * PIXELS_PER_LATENT for v in pair) for pair in (window.offset, window.size))
    mask = mask[top : top + height, left : left + width]
    return region.with_mask(mask) if mask.any() else None
