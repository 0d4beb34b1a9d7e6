"""Texts tied to places: a prompt, and regions with their descriptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import DeigError
from ..layout.layout import Layout
from ..regions.document import MAX_REGIONS, RegionDocument
from ..regions.rules import counting, joined_prompt
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


@dataclass(frozen=True, eq=False)
class Sides:
    """What a document and its prompts say on both sides of guidance. nothing: the empty prompt without regions."""

    positive: GroundedText
    negative: GroundedText
    nothing: GroundedText


def ground_texts(
    document: RegionDocument, prompt: str, negative_prompt: str, encode: Callable[[list[str]], Sequence[TextFeatures]]
) -> Sides:
    """Read a document: its counting regions with their descriptions, and those with a negative text on the other side.

    prompt: of the whole picture; empty = all descriptions joined. encode: texts to their features, such as
    `TextEncoder.encode`; called once.
    """
    seen = counting(document)
    opposed = [i for i in seen if document.regions[i].negative.strip()]
    prompt = prompt.strip() or joined_prompt([document.regions[i] for i in seen])
    texts = ["", prompt, negative_prompt]
    texts += [document.regions[i].description.strip() for i in seen]
    texts += [document.regions[i].negative.strip() for i in opposed]
    empty, positive, negative, *of_regions = encode(texts)

    def side(prompt: TextFeatures, places: Sequence[int], texts: Sequence[TextFeatures]) -> GroundedText:
        return GroundedText(prompt, Layout(tuple(document.regions[i] for i in places), tuple(places)), tuple(texts))

    return Sides(
        side(positive, seen, of_regions[: len(seen)]),
        side(negative, opposed, of_regions[len(seen) :]),
        side(empty, (), ()),
    )
