"""Examples of any number of instances as one batch: padded to its own fullest example, never to a fixed number of
slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from deig_core.layout.masks import Size, shared_membership
from deig_core.model.fuser import LevelInstances
from deig_core.regions.document import Region


@dataclass(frozen=True, eq=False)
class Example:
    """One picture. latent: float [4, h, w] as the UNet sees it; boxes: x0, y0, x1, y1 in 0..1, one for each
    description.
    """

    latent: torch.Tensor
    caption: str
    descriptions: tuple[str, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    key: tuple[int, int] = (0, 0)  # (step, place in the global batch): what its noise and timestep are drawn from
    mirror: torch.Tensor | None = None  # latent of the picture in a mirror, which is not quite `latent` in a mirror

    def without_text(self) -> Example:
        """The unconditional side of guidance: no instances, an empty caption."""
        return replace(self, caption="", descriptions=(), boxes=())


@dataclass(frozen=True, eq=False)
class Batch:
    """B examples. Instance slots go to R, the most of any example (at least 1: then every weight takes part in every
    step).

    latents [B, 4, h, w]; captions and descriptions: texts, the latter those of example 0, then of example 1, ...;
    rows int64 [N]: the example of each description; slots int64 [N]: its place there; boxes float32 [B, R, 4]; valid
    bool [B, R].
    """

    latents: torch.Tensor
    captions: tuple[str, ...]
    descriptions: tuple[str, ...]
    rows: torch.Tensor
    slots: torch.Tensor
    boxes: torch.Tensor
    valid: torch.Tensor
    regions: tuple[tuple[Region, ...], ...]
    keys: tuple[tuple[int, int], ...]
    _members: dict[Size, torch.Tensor] = field(default_factory=dict, repr=False, init=False)

    @property
    def texts(self) -> list[str]:
        """Captions, then descriptions: the order of the features that training asks for."""
        return [*self.captions, *self.descriptions]

    def members(self, grid: Size) -> torch.Tensor:
        """Membership words int64 [B, h * w] of one level, remembered."""
        if grid not in self._members:
            latent = tuple(self.latents.shape[-2:])
            self._members[grid] = torch.stack([shared_membership(regions, latent, grid) for regions in self.regions])
        return self._members[grid]


def collate(examples: Sequence[Example]) -> Batch:
    """Raises ValueError for examples of different sizes (group them by size) or with a box too many."""
    if len({e.latent.shape for e in examples}) > 1:
        raise ValueError(
            f"A batch needs pictures of one size, and these are "
            f"{sorted({tuple(e.latent.shape[1:]) for e in examples})} (latent)."
        )
    if any(len(e.boxes) != len(e.descriptions) for e in examples):
        raise ValueError("Every instance needs a box and a description.")
    counts = [len(e.boxes) for e in examples]
    width = max(1, *counts)
    boxes, valid = torch.zeros(len(examples), width, 4), torch.zeros(len(examples), width, dtype=torch.bool)
    for i, example in enumerate(examples):
        boxes[i, : counts[i]] = torch.tensor(example.boxes, dtype=torch.float64).reshape(-1, 4).float()
        valid[i, : counts[i]] = True
    rows, slots = valid.nonzero(as_tuple=True)
    return Batch(
        torch.stack([e.latent.float() for e in examples]),
        tuple(e.caption for e in examples),
        tuple(d for e in examples for d in e.descriptions),
        rows,
        slots,
        boxes,
        valid,
        tuple(tuple(Region(str(k), box) for k, box in enumerate(e.boxes)) for e in examples),
        tuple(e.key for e in examples),
    )


class BatchCall:
    """The instances of a batch, on whatever grid a block turns out to have."""

    def __init__(self, batch: Batch, tokens: torch.Tensor, tokens_per_region: int):
        self._batch, self._tokens, self._tokens_per_region = batch, tokens, tokens_per_region
        self._levels: dict[Size, list[LevelInstances]] = {}

    def instances(self, grid: Size, device: torch.device) -> list[LevelInstances]:
        """One group of all rows; a level's words are made once."""
        if grid not in self._levels:
            members = self._batch.members(grid).to(device)
            self._levels[grid] = [LevelInstances(len(members), self._tokens, self._tokens_per_region, members)]
        return self._levels[grid]


def mirrored(example: Example) -> Example:
    """The example seen in a mirror. The caller keeps it away from texts that say left or right."""
    boxes = tuple((1 - x1, y0, 1 - x0, y1) for x0, y0, x1, y1 in example.boxes)
    latent = example.latent.flip(-1) if example.mirror is None else example.mirror
    return replace(example, latent=latent, mirror=None if example.mirror is None else example.latent, boxes=boxes)
