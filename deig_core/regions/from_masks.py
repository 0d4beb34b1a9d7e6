"""Other ways in than the editor: boxes of other nodes, tools and models (which `reader` reads), and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from ..errors import RegionError
from .checks import checked_text
from .document import COLORS, MIN_SIDE, Region, RegionDocument, check_count
from .painted import mask_bounds
from .reader import LAYOUTS, UNITS, Reading, read
from .reader.placing import WHOLE_IMAGE
from .rules import with_masks

__all__ = [
    "LAYOUTS",
    "UNITS",
    "Reading",
    "check_descriptions",
    "read_boxes",
    "read_masks",
    "separate",
]


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
    """`reader.read`, with `descriptions` instead of the boxes' own texts where they are not empty, in the order of the
    boxes as they were given: that of a box which is left out goes with it. Texts beyond the last box get a box of the
    whole picture. Raises RegionError as `read` does.
    """
    reading = read(source, width, height, layout=layout, units=units, size=size)
    texts = [checked_text(text, f"Region {i + 1}", "description") for i, text in enumerate(descriptions)]
    regions = [
        replace(r, description=texts[n - 1]) if n <= len(texts) and texts[n - 1] else r
        for r, n in zip(reading.document.regions, reading.numbers, strict=True)
    ]
    more = texts[reading.entries :]
    check_count(len(regions) + len(more))
    notes = [
        f"Description {n} belongs to a box that was left out."
        for n, text in enumerate(texts[: reading.entries], 1)
        if text and n not in reading.numbers
    ]
    if more:
        notes.append(f"{len(more)} of the descriptions have no box of their own and got the whole picture.")
    for i, text in enumerate(more, reading.entries):
        taken = {r.id for r in regions}
        free = next(name for n in range(i + 1, i + len(taken) + 2) if (name := f"r{n}") not in taken)
        regions.append(Region(free, WHOLE_IMAGE, text, color=COLORS[i % len(COLORS)]))
    document = replace(reading.document, regions=tuple(regions))
    return replace(reading, document=document, notes=(*reading.notes, *notes))


def read_masks(
    masks: torch.Tensor,
    descriptions: Sequence[str] = (),
    regions: RegionDocument | None = None,
    *,
    size: tuple[int, int] | None = None,
) -> tuple[RegionDocument, tuple[str, ...]]:
    """One region for each mask (see `separate`), with its mask and its bounding box, and what is to be said of them.

    regions: what the masks are given to in their order, instead of new regions. size: width and height of the picture
    in pixels, those of the masks where it is None. An empty mask is left out: a new region together with its
    description, and one that there was keeps its place. Raises RegionError for more than 64 masks, for fewer masks than
    descriptions, for more masks than regions, and where all are empty.
    """
    masks, notes = separate(masks)
    check_count(len(masks))
    check_descriptions(len(masks), descriptions)
    kept = [i for i, mask in enumerate(masks) if mask.any()]
    if not kept:
        raise RegionError("All masks are empty; connect masks in which the regions are white.")
    notes += [f"Mask {i + 1} is empty and was left out." for i in range(len(masks)) if i not in kept]
    if regions is not None:
        return with_masks(regions, masks, descriptions), tuple(notes)
    texts = [*descriptions, *[""] * (len(masks) - len(descriptions))]
    made = (
        Region(f"r{i + 1}", mask_bounds(masks[i]), texts[i], color=COLORS[i % len(COLORS)], mask=masks[i]) for i in kept
    )
    width, height = size or (max(MIN_SIDE, side) for side in (masks.shape[2], masks.shape[1]))
    return RegionDocument(width, height, tuple(made)), tuple(notes)


def separate(masks: torch.Tensor) -> tuple[torch.Tensor, list[str]]:
    """(bool [count, h, w], notes) of masks [h, w], [count, h, w], [count, 1, h, w] or [count, h, w, 1]: a pixel belongs
    to one from half of white on; white is 1, or 255 where a number is larger, and in a soft mask its brightest pixel.
    Raises RegionError for anything else.
    """
    if not isinstance(masks, torch.Tensor) or masks.is_complex() or masks.is_quantized or masks.layout != torch.strided:
        raise RegionError("Masks must be an ordinary tensor of numbers; connect the output of a node that gives MASK.")
    shape, notes = list(masks.shape), []
    if masks.ndim == 4 and 1 in (shape[1], shape[3]):
        masks = masks.squeeze(1 if shape[1] == 1 else 3)
    elif masks.ndim == 2:
        masks = masks[None]
    if masks.ndim != 3 or 0 in masks.shape:
        raise RegionError(f"Masks must be a batch [count, height, width]; got the shape {shape}.")
    if shape[-1] in (3, 4) and min(shape[-3:-1]) > 4:
        raise RegionError(
            f"Masks of the shape {shape} are pictures with channels: turn them with Convert Image to Mask."
        )
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
