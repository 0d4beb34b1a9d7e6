"""What a document asks for: which of its regions count, the prompt where none is written, masks given to regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..errors import RegionError
from .document import FRONT, Region, RegionDocument, check_count

BOXES_MODES = ("when empty", "always", "add")  # when boxes that come in count beside drawn ones
NO_TEXT = "Region {} has no text and is left out: write what belongs in it, or disable it."


def counting(document: RegionDocument) -> tuple[int, ...]:
    """Places in the document of the regions that take part: visible ones with a description. Of those without one
    `NO_TEXT` is said by who asks.
    """
    return tuple(i for i, r in enumerate(document.regions) if r.visible and r.description.strip())


def joined_prompt(regions: Sequence[Region]) -> str:
    """All descriptions joined with commas: the prompt of the paper's benchmarks, where no other is written."""
    return ", ".join(r.description.strip() for r in regions)


def prompt_before(prompt: str, document: RegionDocument) -> str:
    """`prompt` and after it the descriptions of the document's counting regions; empty where `prompt` is."""
    described = joined_prompt([document.regions[i] for i in counting(document)])
    return f"{prompt.strip()}, {described}" if prompt.strip() else ""


def with_incoming(drawn: RegionDocument, incoming: RegionDocument | None, mode: str) -> RegionDocument:
    """What counts of both, on the drawn document's canvas. Raises RegionError for more than 64 regions."""
    if mode not in BOXES_MODES:
        raise RegionError(f"boxes_mode is {mode!r}; it must be one of {', '.join(BOXES_MODES)}.")
    if incoming is None or (mode == "when empty" and drawn.regions):
        return drawn
    if FRONT in (drawn.overlap, incoming.overlap):
        drawn = replace(drawn, overlap=FRONT)
    if mode != "add":
        return replace(drawn, regions=incoming.regions, notes=())
    check_count(len(drawn.regions) + len(incoming.regions))
    taken = {region.id for region in drawn.regions}
    free = (f"r{n}" for n in range(1, 1000) if f"r{n}" not in taken)
    return replace(drawn, regions=(*drawn.regions, *(replace(region, id=next(free)) for region in incoming.regions)))


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
