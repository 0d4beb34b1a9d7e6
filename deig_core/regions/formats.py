"""Other ways in than the editor: boxes of other nodes, tools and models (which `reader` reads), and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from ..errors import RegionError
from .document import COLORS, Region, RegionDocument, check_count, checked_text, log
from .painted import mask_bounds
from .reader import LAYOUTS, UNITS, Reading, read
from .reader.reading import WHOLE_IMAGE

__all__ = [
    "LAYOUTS",
    "UNITS",
    "Reading",
    "check_descriptions",
    "from_boxes",
    "from_masks",
    "read_boxes",
    "read_masks",
    "separate",
]


def from_boxes(
    source: Any,
    width: int,
    height: int,
    *,
    layout: str = "auto",
    units: str = "auto",
    size: tuple[int, int] | None = None,
    descriptions: Sequence[str] = (),
) -> RegionDocument:
    """`read_boxes` for those who only want the document: what was left out or cut is a warning in the log."""
    reading = read_boxes(source, width, height, layout=layout, units=units, size=size, descriptions=descriptions)
    for note in reading.notes:
        log.warning("%s", note)
    return reading.document


def read_boxes(
    source: Any,
    width: int,
    height: int,
    *,
    layout: str = "auto",
    units: str = "auto",
    size: tuple[int, int] | None = None,
    descriptions: Sequence[str] = (),
) -> Reading:
    """`reader.read`, with `descriptions` instead of the boxes' own texts where they are not empty, in order; texts
    beyond the last box get a box of the whole picture. Raises RegionError as `read` does.
    """
    reading = read(source, width, height, layout=layout, units=units, size=size)
    document = reading.document
    check_count(max(len(document.regions), len(descriptions)))
    notes = reading.notes
    if (extra := len(descriptions) - len(document.regions)) > 0:
        notes = (*notes, f"{extra} of the descriptions have no box of their own and got the whole picture.")
    return replace(reading, document=replace(document, regions=_described(document.regions, descriptions)), notes=notes)


def _described(regions: Sequence[Region], descriptions: Sequence[str]) -> tuple[Region, ...]:
    """The regions with these descriptions where they are not empty, and one of the whole picture for each more."""
    texts = [checked_text(text, f"Region {i + 1}", "description") for i, text in enumerate(descriptions)]
    named = [replace(r, description=texts[i]) if i < len(texts) and texts[i] else r for i, r in enumerate(regions)]
    for i in range(len(regions), len(texts)):
        taken = {r.id for r in named}
        free = next(name for n in range(i + 1, i + len(taken) + 2) if (name := f"r{n}") not in taken)
        named.append(Region(free, WHOLE_IMAGE, texts[i], color=COLORS[i % len(COLORS)]))
    return tuple(named)


def from_masks(masks: torch.Tensor, width: int, height: int, descriptions: Sequence[str] = ()) -> RegionDocument:
    """`read_masks` for those who only want the document: what was left out is a warning in the log."""
    document, notes = read_masks(masks, width, height, descriptions)
    for note in notes:
        log.warning("%s", note)
    return document


def read_masks(
    masks: torch.Tensor, width: int, height: int, descriptions: Sequence[str] = ()
) -> tuple[RegionDocument, tuple[str, ...]]:
    """One region for each mask (see `separate`), with its mask and its bounding box, and what is to be said of them.

    Empty masks are left out together with their description. Raises RegionError for more than 64 masks, for fewer masks
    than descriptions, and where all are empty.
    """
    masks, notes = separate(masks)
    check_count(len(masks))
    check_descriptions(len(masks), descriptions)
    regions = []
    for i, mask in enumerate(masks):
        if not mask.any():
            notes.append(f"Mask {i + 1} is empty and was left out.")
            continue
        text = descriptions[i] if i < len(descriptions) else ""
        regions.append(Region(f"r{i + 1}", mask_bounds(mask), text, color=COLORS[i % len(COLORS)], mask=mask))
    if not regions:
        raise RegionError("All masks are empty; connect masks in which the regions are white.")
    return RegionDocument(width, height, tuple(regions)), tuple(notes)


def separate(masks: torch.Tensor) -> tuple[torch.Tensor, list[str]]:
    """(bool [count, h, w], notes) of masks [h, w], [count, h, w], [count, 1, h, w] or [count, h, w, 1]: a pixel belongs
    to one from half of white on; white is 1, or 255 where a number is larger, and in a soft mask its brightest pixel.
    """
    shape, notes = list(masks.shape), []
    if masks.ndim == 4 and 1 in (shape[1], shape[3]):
        masks = masks.squeeze(1 if shape[1] == 1 else 3)
    elif masks.ndim == 2:
        masks = masks[None]
    if masks.ndim != 3 or 0 in masks.shape:
        raise RegionError(f"Masks must be a batch [count, height, width]; got the shape {shape}.")
    masks = masks.detach().cpu().float()
    if masks.isnan().any():
        raise RegionError("The masks hold NaN; connect masks with numbers from 0 to 1.")
    if masks.max() > 1.5:
        masks = masks / 255
    brightest = masks.amax((1, 2))
    soft = (brightest > 0.01) & (brightest < 0.5)
    for i in soft.nonzero().flatten().tolist():
        notes.append(
            f"Mask {i + 1} is nowhere brighter than {brightest[i]:.2f}: what is at least half as bright was taken."
        )
    threshold = torch.where(soft, brightest / 2, 0.5)
    return masks >= threshold[:, None, None], notes


def check_descriptions(masks: int, descriptions: Sequence[str]) -> None:
    """Raise RegionError for descriptions that have no mask."""
    if (count := len(descriptions)) > masks:
        have = "is 1 mask" if masks == 1 else f"are {masks} masks"
        merged = " (is it several masks merged into one?)" if masks == 1 else ""
        raise RegionError(
            f"There {have} for {count} descriptions{merged}: connect one mask for each description, or remove "
            f"{count - masks} of them."
        )
