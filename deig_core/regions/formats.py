"""Other ways in than the editor: boxes of other nodes, tools and models (which `reader` reads), and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from ..errors import RegionError
from .document import COLORS, Region, RegionDocument, check_count, checked_text, log, mask_bounds
from .reader import LAYOUTS, UNITS, Reading, read
from .reader.reading import WHOLE_IMAGE

__all__ = ["LAYOUTS", "UNITS", "Reading", "from_boxes", "from_masks", "read_boxes"]


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
    """One region for each mask [n, h, w] (a pixel belongs to it from 0.5 on), each with its mask and its bounding box.

    Empty masks are left out with a warning in the log, together with their description. Raises RegionError for more
    than 64 masks.
    """
    if masks.ndim != 3:
        raise RegionError(f"Masks must be a batch [count, height, width]; got the shape {list(masks.shape)}.")
    check_count(len(masks))
    regions = []
    for i, mask in enumerate(masks.detach().cpu() >= 0.5):
        if not mask.any():
            log.warning("Mask %d is empty and was left out.", i + 1)
            continue
        text = descriptions[i] if i < len(descriptions) else ""
        regions.append(Region(f"r{i + 1}", mask_bounds(mask), text, color=COLORS[i % len(COLORS)], mask=mask))
    return RegionDocument(width, height, tuple(regions))
