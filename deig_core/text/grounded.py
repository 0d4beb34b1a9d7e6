"""Texts tied to places: a prompt, and regions with their descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DeigError
from ..layout.layout import Layout
from ..regions.document import MAX_REGIONS
from .features import TextFeatures


@dataclass(frozen=True, eq=False)
class GroundedText:
    """What one side of the conditioning says: its prompt, and the regions with their texts, in the same order.

    more: prompts whose contexts follow that of `prompt`.
    """

    prompt: TextFeatures
    layout: Layout
    descriptions: tuple[TextFeatures, ...]
    more: tuple[TextFeatures, ...] = ()

    @property
    def prompts(self) -> tuple[TextFeatures, ...]:
        return (self.prompt, *self.more)


def joined(texts: Sequence[GroundedText]) -> GroundedText:
    """All prompts one after another, and the regions of all. Raises DeigError for more than MAX_REGIONS of them."""
    if len(texts) == 1:
        return texts[0]
    prompts = [p for text in texts for p in text.prompts]
    indices: list[int] = []
    for text in texts:
        first = max(indices, default=-1) + 1
        indices += [first + i for i in text.layout.indices or range(len(text.layout.regions))]
    if len(indices) > MAX_REGIONS:
        raise DeigError(
            f"The joined conditionings have {len(indices)} regions and at most {MAX_REGIONS} can be drawn: remove "
            f"some of them."
        )
    layout = Layout(tuple(r for text in texts for r in text.layout.regions), tuple(indices))
    return GroundedText(prompts[0], layout, tuple(d for text in texts for d in text.descriptions), tuple(prompts[1:]))
