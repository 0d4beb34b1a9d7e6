"""The part of a picture that a user means by numbers, a mask or a box, and the regions in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..errors import RegionError
from ..regions.box import Box
from ..regions.document import RegionDocument
from ..regions.painted import mask_bounds
from ..regions.reader import read
from ..regions.reader.tools import segs_parts
from .window import crop_document

EMPTY = "No region has a pixel in this part."


@dataclass(frozen=True)
class PixelPart:
    """A part of a picture in whole pixels of it; it may reach beyond the picture."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of_box(cls, box: Box, width: int, height: int) -> PixelPart:
        """The part `box` of a picture of width x height pixels, its edges on the nearest ones, half to even."""
        x0, y0, x1, y1 = (round(c * side) for c, side in zip(box, (width, height) * 2, strict=True))
        return cls(x0, y0, x1 - x0, y1 - y0)

    def padded(self, pad: int) -> PixelPart:
        """With `pad` pixels more on every side."""
        return PixelPart(self.left - pad, self.top - pad, self.width + 2 * pad, self.height + 2 * pad)


@dataclass(frozen=True)
class Cropped:
    """document: the regions of `part`, placed in it, and its size when it is resized; notes: sentences about how the
    part was read, and on one without a region.
    """

    document: RegionDocument
    part: PixelPart
    notes: tuple[str, ...]


def crop_to_chosen(
    document: RegionDocument,
    part: PixelPart,
    *,
    mask: torch.Tensor | None = None,
    box: Any = None,
    pad: int = 0,
    scale: float = 1.0,
) -> Cropped:
    """The document of a part of its picture, with `pad` pixels on every side, then resized by `scale`.

    mask: [1, h, w] or [h, w] over the whole picture, of any resolution, 0 to 1; its bounding box from half of white on
    is meant instead of `part`. box: what `reader.read` reads as one box, or the Impact Pack's SEGS with one segment,
    whose crop is meant. Raises RegionError for both of them, for what is not one part, and for a part that makes no
    picture.
    """
    if mask is not None and box is not None:
        raise RegionError("Crop DEIG Regions got a mask and a box: connect the one that is the part.")
    notes: tuple[str, ...] = ()
    if mask is not None:
        part = PixelPart.of_box(_box_of_mask(mask), document.width, document.height)
    elif box is not None:
        meant, notes = _the_one_box(box, document)
        part = PixelPart.of_box(meant, document.width, document.height)
    part = part.padded(pad)
    cropped = crop_document(document, part.left, part.top, part.width, part.height, scale)
    if document.regions and not cropped.regions:
        notes = (*notes, EMPTY)
    return Cropped(cropped, part, notes)


def _box_of_mask(mask: torch.Tensor) -> Box:
    masks = mask.reshape(-1, *mask.shape[-2:])
    if len(masks) != 1:
        raise RegionError(f"Crop DEIG Regions got {len(masks)} masks; one mask says one part: pick one of them.")
    return mask_bounds(masks[0] >= 0.5, "to crop to")


def _the_one_box(given: Any, document: RegionDocument) -> tuple[Box, tuple[str, ...]]:
    """The one box that is given, and sentences about how it was read."""
    notes: tuple[str, ...] = ()
    found = segs_parts(given)
    if found is None:
        reading = read(given, document.width, document.height)
        if reading.unplaced:
            raise RegionError("Crop DEIG Regions got a text without a place: give a box of four numbers.")
        found, notes = [region.box for region in reading.document.regions], reading.sentences
    if len(found) != 1:
        raise RegionError(f"Crop DEIG Regions got {len(found)} boxes; one box says one part: pick one of them.")
    return found[0], notes
