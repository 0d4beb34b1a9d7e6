"""A part of a picture: where it lies, and what it shows of a region (docs/method.md section 4).

A `Window` is what one UNet call denoises, in cells of the call. A `coordinates.Place` is the part of a picture that a
run or a row of a call shows, in fractions, as other tools have cut it. A `chosen_part.PixelPart` is what the user crops
to, in pixels. A `refine.Part` is what lies around one region and is drawn again with it, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import torch

from ..errors import RegionError
from ..regions.document import MAX_SIDE, Box, Region, RegionDocument
from .masks import PIXELS_PER_LATENT, Edges, Size, any_inside, box_pixels

Pair = tuple[float, float]  # (height, width)


@dataclass(frozen=True)
class Window:
    """The part of a picture that a call denoises: offset and size in a picture of `full` size, all (height, width) in
    cells of the call.

    A tool that resizes what it cuts makes `full` and `offset` fractions; whole numbers stay int. The part may reach
    beyond the picture. wraps: what lies beyond the right and the lower edge is the picture's other side.
    """

    full: Pair
    offset: Pair
    size: Size
    wraps: bool = False

    @classmethod
    def whole(cls, size: Size) -> Window:
        return cls(size, (0, 0), size)

    @classmethod
    def of_box(cls, box: Box, size: Size) -> Window:
        """The part `box`, in fractions of the picture, denoised as `size` cells."""
        full = tuple(size[a] / (box[3 - a] - box[1 - a]) for a in (0, 1))
        return cls(full, tuple(box[1 - a] * full[a] for a in (0, 1)), size)

    def inside(self, outer: Window) -> Window:
        """This part of what `outer` shows, as a part of outer's picture. Expects a picture of `outer.size`."""
        if outer == Window.whole(outer.size):
            return self
        return replace(
            self, full=outer.full, offset=tuple(a + b for a, b in zip(outer.offset, self.offset, strict=True))
        )

    def pieces(self) -> list[Window]:
        """The parts without wrapping that together show what this one shows."""
        if not self.wraps:
            return [self]
        turns = [(0, 1) if o + s > f else (0,) for o, s, f in zip(self.offset, self.size, self.full, strict=True)]
        moved = (
            tuple(o - t * f for o, t, f in zip(self.offset, turn, self.full, strict=True)) for turn in product(*turns)
        )
        return [Window(self.full, offset, self.size) for offset in moved]


def crop(region: Region, window: Window) -> Region | None:
    """`region` in fractions of `window`, which does not wrap, or None if no pixel of it is inside."""
    if window == Window.whole(window.full):
        # A mask may be finer than the image: whatever is painted in it owns a cell.
        return region if region.mask is not None or _has_pixel(region.box, _pixels(window.size)) else None
    return _crop(region, *(_pixels(pair) for pair in (window.full, window.offset, window.size)))


def crop_document(
    document: RegionDocument, left: int, top: int, width: int, height: int, scale: float = 1.0
) -> RegionDocument:
    """The document of a part of its picture: `width` x `height` pixels from (left, top), then resized by `scale`.

    The part may reach beyond the picture, where nothing is. Regions without a pixel in it are left out. Raises
    RegionError for a part that makes no picture.
    """
    sides = [round(side * scale) for side in (height, width)]
    if not all(PIXELS_PER_LATENT <= side <= MAX_SIDE for side in sides):
        raise RegionError(
            f"The part of {width} x {height} pixels, scaled by {scale:g}, makes a picture of {sides[1]} x {sides[0]}; "
            f"{PIXELS_PER_LATENT} to {MAX_SIDE} pixels a side are possible: choose a larger or smaller part."
        )
    if (left, top, *sides) == (0, 0, document.height, document.width):
        kept = tuple(r for r in document.regions if r.mask is not None or _crop_moving(r, sides, (0, 0), sides))
        return document if len(kept) == len(document.regions) else replace(document, regions=kept)
    factors = [size / side for size, side in zip(sides, (height, width), strict=True)]
    factors = [int(f) if f == int(f) else f for f in factors]
    full, offset = (
        [v * f for v, f in zip(p, factors, strict=True)] for p in ((document.height, document.width), (top, left))
    )
    shown = (_crop_moving(region, full, offset, sides) for region in document.regions)
    return replace(document, width=sides[1], height=sides[0], regions=tuple(r for r in shown if r))


def _pixels(pair: Pair) -> Pair:
    return pair[0] * PIXELS_PER_LATENT, pair[1] * PIXELS_PER_LATENT


def _crop_moving(region: Region, full: Pair, offset: Pair, size: Size) -> Region | None:
    """`_crop` of a region in all of its frames: None if it never comes near the part."""
    if not region.keyframes:
        return _crop(region, full, offset, size)
    axes = tuple(zip(full, offset, size, strict=True))[::-1]
    # Not clipped: between clipped boxes the lines would be other ones than between the boxes, clipped.
    keys = [
        replace(key, box=tuple((c * axes[i % 2][0] - axes[i % 2][1]) / axes[i % 2][2] for i, c in enumerate(key.box)))
        for key in region.keyframes
    ]
    around = (*(min(key.box[i] for key in keys) for i in (0, 1)), *(max(key.box[i] for key in keys) for i in (2, 3)))
    reached = tuple(min(max(c, 0.0), 1.0) for c in around)
    if not _has_pixel(reached, size):
        return None
    plain = _crop(replace(region, keyframes=()), full, offset, size) or replace(region, box=reached)
    return replace(plain, keyframes=tuple(keys))


def _crop(region: Region, full: Pair, offset: Pair, size: Size) -> Region | None:
    """`crop` by (height, width) in pixels of the part."""
    if region.mask is not None:
        edges = (_part_edges(region.mask.shape[a], full[a], offset[a], size[a]) for a in (0, 1))
        mask = any_inside(region.mask, *edges)
        return region.with_mask(mask) if mask.any() else None
    axes = tuple(zip(full, offset, size, strict=True))[::-1]
    box = tuple(_moved(c, *axes[i % 2]) for i, c in enumerate(region.box))
    return replace(region, box=box) if _has_pixel(box, size) else None


def _moved(coordinate: float, full: float, offset: float, size: int) -> float:
    """A fraction of `full` pixels as a fraction of the `size` pixels from `offset` on; it stays on the pixel that it
    rounds to, where the part lies on whole pixels of the picture.
    """
    moved = min(max((coordinate * full - offset) / size, 0.0), 1.0)
    if not (isinstance(full, int) and isinstance(offset, int)):
        return moved
    pixel = min(max(round(coordinate * full) - offset, 0), size)
    return moved if round(moved * size) == pixel else pixel / size


def _has_pixel(box: Box, pixels: Size) -> bool:
    height, width = pixels
    return box_pixels(box, width, height) is not None


def _part_edges(mask_side: int, full: float, offset: float, size: int) -> Edges:
    """Which stretch of a mask's side each pixel of the part lies on."""
    starts = [(offset + i) * mask_side // full for i in range(size)]
    ends = [-(-(offset + i + 1) * mask_side // full) for i in range(size)]
    return tuple(torch.tensor(edges, dtype=torch.float64).clamp(0, mask_side).long() for edges in (starts, ends))
