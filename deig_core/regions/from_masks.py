"""Regions from masks of other nodes: what counts as a mask, and whose mask each one is."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..errors import RegionError
from .box import WidthHeight
from .colors import palette_color
from .document import MIN_SIDE, Region, RegionDocument, check_count
from .painted import mask_bounds
from .rules import with_masks


def read_masks(
    masks: torch.Tensor,
    descriptions: Sequence[str] = (),
    regions: RegionDocument | None = None,
    *,
    size: WidthHeight | None = None,
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
        Region(f"r{i + 1}", mask_bounds(masks[i]), texts[i], color=palette_color(i + 1), mask=masks[i]) for i in kept
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
