"""What a document asks for: which of its regions count, the prompt where none is written, masks given to regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..errors import RegionError
from .document import Region, RegionDocument

NO_TEXT = "Region {} has no text and is left out: write what belongs in it, or disable it."


def counting(document: RegionDocument) -> tuple[int, ...]:
    """Places in the document of the regions that take part: visible ones with a description. Of those without one
    `NO_TEXT` is said by who asks.
    """
    return tuple(i for i, r in enumerate(document.regions) if r.visible and r.description.strip())


def joined_prompt(regions: Sequence[Region]) -> str:
    """All descriptions joined with commas: the prompt of the paper's benchmarks, where no other is written."""
    return ", ".join(r.description.strip() for r in regions)


def with_masks(document: RegionDocument, masks: torch.Tensor, descriptions: Sequence[str] = ()) -> RegionDocument:
    """The document with masks (bool [n, h, w]) given to its first n regions; one with an empty mask keeps its place.

    descriptions: replace those of the regions where they are not empty. Raises RegionError for more masks than regions.
    """
    regions = document.regions
    if len(masks) > len(regions):
        raise RegionError(
            f"There are {len(masks)} masks for {len(regions)} regions: connect one mask for each region, or none to "
            "regions."
        )
    masked = [
        replace(
            r.with_mask(mask) if mask.any() else r,
            description=descriptions[i] if descriptions[i:] and descriptions[i] else r.description,
        )
        for i, (r, mask) in enumerate(zip(regions, masks, strict=False))
    ]
    return replace(document, regions=(*masked, *regions[len(masked) :]))
