"""Texts tied to places: a prompt, and regions with their descriptions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ..errors import DeigError
from ..layout.layout import Layout
from ..layout.overlap import Silent, in_front
from ..limits import MAX_REGIONS
from ..regions.checks import checked_text
from ..regions.document import SHARED, Region, RegionDocument
from ..regions.rules import NO_TEXT, counting, joined_prompt
from .features import TextFeatures
from .tokens import Tokens, text_notes, too_long

# The negative prompt of the authors' own sampling (docs/method.md).
OFFICIAL_NEGATIVE = (
    "longbody, lowres, distorted face, bad anatomy, bad hands, missing fingers, extra digit, fewer digits, cropped, "
    "worst quality, low quality"
)
UNASKED = "There is no prompt and no region with a description, so that DEIG asks for nothing."


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
    overlaps = {text.layout.overlap for text in texts if text.layout.regions}
    if len(overlaps) > 1:
        raise DeigError(
            "The joined conditionings come from regions that share what overlaps and from regions of which the front "
            "one owns it: set the same overlap in both DEIG Regions."
        )
    overlap = overlaps.pop() if overlaps else SHARED
    regions: list[Region] = []
    silent: list[Silent] = []
    for text in texts:
        silent += [(len(regions) + before, region) for before, region in text.layout.silent]
        regions += text.layout.regions
    layout = Layout(tuple(regions), tuple(indices), overlap, tuple(silent))
    return GroundedText(prompts[0], layout, tuple(d for text in texts for d in text.descriptions), tuple(prompts[1:]))


@dataclass(frozen=True, eq=False)
class Sides:
    """What a document and its prompts say on both sides of guidance. nothing: the empty prompt without regions. notes:
    sentences about texts that are not read as they were meant.
    """

    positive: GroundedText
    negative: GroundedText
    nothing: GroundedText
    notes: tuple[str, ...] = ()


def ground_texts(
    document: RegionDocument,
    prompt: str,
    negative_prompt: str,
    encode: Callable[[list[str]], Sequence[TextFeatures]],
    look: Callable[[str], Tokens] | None = None,
    *,
    unwritten: Collection[str] = (),
    asker: str = "The texts",
) -> Sides:
    """Read a document: its counting regions with their descriptions, and those with a negative text on the other side.

    prompt: of the whole picture; empty = all descriptions joined. encode: texts to their features, such as
    `TextEncoder.encode`; called once. look: what becomes of a text, such as `TextEncoder.look`, for the notes,
    which without it name the regions that are left out alone. unwritten: a node's defaults, which nobody can be asked
    to write otherwise. asker: who is named in an error.
    Raises DeigError for a text of which the encoder knows nothing.
    """
    for name, text in (("prompt", prompt), ("negative_prompt", negative_prompt)):
        checked_text(text, asker, name)
    seen = counting(document)
    opposite = "" if negative_prompt in unwritten else negative_prompt
    notes = _notes(document, seen, prompt, opposite, look)
    opposed = [i for i in seen if document.regions[i].negative.strip()]
    prompt = prompt.strip() or joined_prompt([document.regions[i] for i in seen])
    texts = ["", prompt, negative_prompt]
    texts += [document.regions[i].description.strip() for i in seen]
    texts += [document.regions[i].negative.strip() for i in opposed]
    empty, positive, negative, *of_regions = encode(texts)
    some_in_front = any(in_front([document.regions[i] for i in seen], document.overlap))

    def side(prompt: TextFeatures, places: Sequence[int], texts: Sequence[TextFeatures]) -> GroundedText:
        regions = tuple(document.regions[i] for i in places)
        silent = tuple((sum(p < i for p in places), document.regions[i]) for i in seen if i not in places)
        layout = Layout(regions, tuple(places), document.overlap, silent if places and some_in_front else ())
        return GroundedText(prompt, layout, tuple(texts))

    return Sides(
        side(positive, seen, of_regions[: len(seen)]),
        side(negative, opposed, of_regions[len(seen) :]),
        side(empty, (), ()),
        notes,
    )


def _notes(
    document: RegionDocument,
    seen: Sequence[int],
    prompt: str,
    negative_prompt: str,
    look: Callable[[str], Tokens] | None,
) -> tuple[str, ...]:
    """Each mark and each unknown piece is said where it was typed, not again for a prompt that is joined of it."""
    regions = document.regions
    notes = [NO_TEXT.format(i + 1) for i, region in enumerate(regions) if region.visible and i not in seen]
    if look is None:
        return tuple(notes)
    for i in seen:
        notes += text_notes(f"Region {i + 1}", regions[i].description, look(regions[i].description))
        if regions[i].negative.strip():
            notes += text_notes(f"The negative text of region {i + 1}", regions[i].negative, look(regions[i].negative))
    if prompt.strip():
        notes += text_notes("The prompt", prompt.strip(), look(prompt.strip()))
    elif not seen:
        notes.append(UNASKED)
    else:
        text = joined_prompt([regions[i] for i in seen])
        if cut := too_long(f"The joined prompt of {len(seen)} descriptions", text, look(text)):
            notes.append(
                f"{cut} The regions are not affected; write a short prompt of the whole picture to have all of it."
            )
    if negative_prompt.strip():
        notes += text_notes("The negative prompt", negative_prompt, look(negative_prompt))
    return tuple(dict.fromkeys(notes))
