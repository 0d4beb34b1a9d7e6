"""DEIG's texts and regions inside a CONDITIONING: the host batches, combines and crops them with everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...deig_core.grounding import GroundedText

KEY = "deig"
CLIP_WIDTH, CLIP_TOKENS = 768, 77


@dataclass(frozen=True, eq=False)
class DeigCond:
    """One conditioning entry's DEIG data, under `model_conds["deig"]`; follows the host's protocol for conds.

    In a call, the host hands over a tuple of them in the order of `cond_or_uncond`. area: (height, width, top, left) in
    latent cells, or None for the whole. rows: of the batch that belong to this entry. has_clip: whether the entry's own
    tensor is a CLIP conditioning rather than zeros.
    """

    text: GroundedText
    has_clip: bool
    rows: int = 1
    area: tuple[int, int, int, int] | None = None

    def process_cond(self, batch_size: int, area=None, **_: object) -> DeigCond:
        return replace(self, rows=batch_size, area=None if area is None else tuple(area))

    def can_concat(self, other: object) -> bool:
        return isinstance(other, DeigCond)

    def concat(self, others: list[DeigCond]) -> tuple[DeigCond, ...]:
        return (self, *others)

    def size(self) -> list[int]:
        return [1]


def with_deig(conditioning: list | None, text: GroundedText) -> list:
    """An ordinary SD 1.x CONDITIONING that also carries `text`: the given one (CLIP), or zeros [1, 77, 768]."""
    has_clip = conditioning is not None
    if conditioning is None:
        conditioning = [[torch.zeros(1, CLIP_TOKENS, CLIP_WIDTH), {}]]
    cond = DeigCond(text, has_clip)
    return [[tensor, {**values, "model_conds": {**values.get("model_conds", {}), KEY: cond}}] for tensor, values in conditioning]
