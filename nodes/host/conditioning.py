"""DEIG's texts and regions inside a CONDITIONING: put in by DEIG Encode, read when a sampler starts, batched by the
host.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...deig_core.errors import DeigError
from ...deig_core.text.grounded import GroundedText, joined
from .carrier import (
    Carrier,
    Changed,
    Joined,
    Meaning,
    Mixed,
    Other,
    Scaled,
    Text,
    Zero,
    has_clip,
    leaves,
    meaning_of,
    plain,
)
from .keys import DEIG

CLIP_WIDTH, CLIP_TOKENS = 768, 77
REMEDY = "; use it on the CLIP conditionings before DEIG Encode, or remove it."
REPLACED = (
    "A node replaced the numbers of DEIG Encode's conditioning by others, so that its prompt and regions may not be "
    "what was meant" + REMEDY
)
SCALED = "A node multiplied DEIG Encode's conditioning by {:g}, which regions cannot be" + REMEDY
MIXED = (
    "Conditioning (Average), or a node like it, mixed DEIG Encode's conditioning with another, and regions cannot be "
    "averaged: average the CLIP conditionings before DEIG Encode, or use Conditioning (Combine)."
)
CHANGED = (
    "A node changed the numbers of DEIG Encode's conditioning ({}), which says nothing about its prompt and regions"
    + REMEDY
)
JOINED = (
    "Conditioning (Concat), Apply Style Model or a node like them joined DEIG Encode's conditioning with one that is "
    'not DEIG\'s, which Apply DEIG\'s context "t5" does not read: choose context "clip" or "concat", or let DEIG '
    "Encode read both texts."
)
NO_CLIP = (
    'Apply DEIG\'s context "{}" needs CLIP conditionings: connect positive and negative to DEIG Encode, or choose "t5".'
)
PLACED = {
    "control": "a ControlNet",
    "area": "an area",
    "mask": "a mask",
    "gligen": "GLIGEN boxes",
    "concat_latent_image": "an inpainting picture",
}
"""What other nodes put into a CONDITIONING that lies at a place of the picture, in words."""
CHAINED = (
    "DEIG Encode got a conditioning of another DEIG Encode where one of CLIP was expected: connect CLIP's there, and "
    "bring two DEIG conditionings together with Conditioning (Concat) or Conditioning (Combine)."
)


@dataclass(frozen=True, eq=False)
class DeigCond:
    """One conditioning entry's DEIG data, under `model_conds["deig"]`; follows the host's protocol for conds.

    In a call, the host hands over a tuple of them in the order of `cond_or_uncond`. area: (height, width, top, left) in
    latent cells, or None for the whole. rows: of the batch that belong to this entry. tokens: how many its context has
    of CLIP and of DEIG where both are read at once (context "concat"); prompts of other lengths are not batched with
    it, because repeating one of the two, as the host does, would weaken the other. given: how many tokens its own
    tensor has.
    """

    text: GroundedText
    has_clip: bool
    rows: int = 1
    area: tuple[int, int, int, int] | None = None
    tokens: tuple[int, int] | None = None
    given: int | None = None

    def process_cond(self, batch_size: int, area=None, **_: object) -> DeigCond:
        return replace(self, rows=batch_size, area=None if area is None else tuple(area))

    def can_concat(self, other: object) -> bool:
        return isinstance(other, DeigCond) and self.tokens == other.tokens

    def concat(self, others: list[DeigCond]) -> tuple[DeigCond, ...]:
        return (self, *others)

    def size(self) -> list[int]:
        return [1]


def with_deig(conditioning: list | None, text: GroundedText, nothing: GroundedText | None = None) -> list:
    """An ordinary SD 1.x CONDITIONING that also carries `text`: the given one (CLIP), or zeros [1, 77, 768].

    nothing: what a node that zeroes it leaves, the empty prompt without regions; without it such a conditioning is
    refused. Raises DeigError for a conditioning that carries a text of DEIG's already.
    """
    if any(isinstance(leaf, (Text, Zero)) for tensor, _ in conditioning or () for leaf in leaves(meaning_of(tensor))):
        raise DeigError(CHAINED)
    clip = conditioning is not None
    if conditioning is None:
        conditioning = [[torch.zeros(1, CLIP_TOKENS, CLIP_WIDTH), {}]]
    meaning, witness = Text(text, clip, nothing), DeigCond(text, clip)
    return [
        [Carrier.of(tensor, meaning), {**values, "model_conds": {**values.get("model_conds", {}), DEIG: witness}}]
        for tensor, values in conditioning
    ]


def carries_deig(conditioning: list) -> bool:
    """Whether any entry of a CONDITIONING is of DEIG Encode."""
    return any(DEIG in values.get("model_conds", {}) for _, values in conditioning)


def part_of_picture(conditioning: list | None) -> str | None:
    """What in a CONDITIONING lies at a place of the whole picture, in words; None where nothing does."""
    found = (PLACED[key] for _, values in conditioning or () for key in PLACED if values.get(key) is not None)
    return next(found, None)


def resolved(entry: dict, mode: str, width: int = CLIP_WIDTH) -> dict:
    """One of the sampler's conditioning entries with an ordinary tensor and, under `model_conds`, what its nodes have
    made of the text.

    mode: what cross-attention reads ("t5", "clip" or "concat"). width: of the model's context, which a tensor without
    CLIP gets, so that another node can put one beside it. Raises DeigError, naming effect and remedy, for what regions
    cannot follow.
    """
    tensor, conds = entry.get("cross_attn"), dict(entry["model_conds"])
    witness = conds.pop(DEIG, None)
    if not isinstance(tensor, Carrier):
        if witness is not None:
            raise DeigError(REPLACED)
        return entry
    meaning = meaning_of(tensor)
    if text := _said(meaning, mode):
        if mode != "t5" and not has_clip(meaning):
            raise DeigError(NO_CLIP.format(mode))
        tokens = (tensor.shape[1], len(text.prompts)) if mode == "concat" else None
        conds[DEIG] = DeigCond(text, has_clip(meaning), tokens=tokens, given=tensor.shape[1])
    elif not has_clip(meaning):
        raise DeigError(CHANGED.format("zeros"))
    numbers = plain(tensor)
    if not has_clip(meaning):
        numbers = numbers.new_zeros(*numbers.shape[:2], width)
    return {**entry, "cross_attn": numbers, "model_conds": conds}


def clip_alone(entry: dict) -> dict | None:
    """The entry without DEIG's text, for a model that reads CLIP; None where its numbers are no CLIP conditioning."""
    tensor = entry.get("cross_attn")
    if not isinstance(tensor, Carrier):
        return entry
    conds = {k: v for k, v in entry["model_conds"].items() if k != DEIG}
    return {**entry, "cross_attn": plain(tensor), "model_conds": conds} if has_clip(tensor.meaning) else None


def _said(meaning: Meaning, mode: str) -> GroundedText | None:
    """What the nodes have made of DEIG's texts, or None where none is left in it."""
    if isinstance(meaning, Text):
        return meaning.grounded
    if isinstance(meaning, Zero):
        return meaning.nothing
    if not any(isinstance(leaf, (Text, Zero)) for leaf in leaves(meaning)):
        return None
    if isinstance(meaning, Scaled):
        raise DeigError(SCALED.format(meaning.by))
    if isinstance(meaning, Mixed):
        raise DeigError(MIXED)
    if isinstance(meaning, Changed):
        raise DeigError(CHANGED.format(meaning.by))
    assert isinstance(meaning, Joined)
    if mode == "t5" and any(isinstance(leaf, Other) for leaf in leaves(meaning)):
        raise DeigError(JOINED)
    return joined([text for part in meaning.of if (text := _said(part, mode))])
