"""DEIG-Bench: the instance is where it should be, and a vision-language model says that its crop is as described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...engines.yes_no import says_yes
from ..benchmarks.deig_words import OBJECT_LEVELS, PERSON_LEVELS
from ..evidence import Record
from ..layout import Layout
from ..tables import Column, further, level, verdict_ok
from ..verdict import Verdict, first_error
from .location import Thresholds, locate

NEEDS = ("boxes", "answer")
TAGS: dict[
    str, tuple[str, ...]
] = {}  # that an instance must have, with their values; without a level it is in MAA alone
PARSERS = ("published", "first word", "strict")
# P(yes) - P(no) of at least 0.2, as ROVI asks for against judges that like to say yes.
STRICT = 0.6
PUBLISHED = "published"
# "{}" stands for the description. Published: the script's words; a run of blanks in it, from a line that goes on, is
# one blank here. vqascore: the template of arXiv 2404.01291.
QUESTIONS = {
    PUBLISHED: "Does this image meet the description '{}'? If so, please answer a single 'yes'; "
    "if not, please answer a single 'no'",
    "vqascore": 'Does this figure show "{}"? Please answer yes or no.',
}


def passes(text: str, p_yes: float | None, parser: str) -> bool:
    """Whether an answer counts as yes.

    published: "yes" is a part of the text as it stands, as in the benchmark's script: "yesterday" and "not yes" pass,
        "Yes" fails.
    first word: it is yes, in any case.
    strict: P(yes) is at least 0.6 of P(yes) + P(no); without a P(yes) none passes.
    """
    if parser == "published":
        return "yes" in text
    if parser == "first word":
        return says_yes(text) is True
    return p_yes is not None and p_yes >= STRICT


def verdicts(
    layout: Layout,
    records: Sequence[Mapping[str, Record]],
    thresholds: Thresholds = Thresholds(),  # noqa: B008  (frozen)
    parser: str = "published",
) -> list[Verdict]:
    """records: for each instance of `layout` its evidence `boxes` and `answer`.

    ok needs the place and the answer. In `scores`, each parser's word is gated by the place too; p_yes is not.
    """
    found = []
    for index, (place, by_kind) in enumerate(zip(locate(layout, records, thresholds), records, strict=True)):
        if error := first_error(by_kind):
            found.append(Verdict(layout.id, index, False, place.iou, error, unjudged=True))
            continue
        text, p_yes = by_kind["answer"].value["text"], by_kind["answer"].value["p_yes"]
        said = {name: passes(text, p_yes, name) for name in PARSERS}
        reason = place.reason(layout.instances[index].noun, thresholds)
        scores = {name: float(word and not reason) for name, word in said.items()}
        scores["one to one"] = float(said[parser] and place.one_to_one >= thresholds.iou)
        scores["IoU one to one"] = place.one_to_one
        if p_yes is not None:
            scores["p_yes"] = p_yes
        else:
            del scores["strict"]
        if not reason and not said[parser]:
            reason = f"the judge says {text[:80]!r}" + (f", P(yes) {p_yes:.2f}" if p_yes is not None else "")
        found.append(Verdict(layout.id, index, not reason, place.iou, reason, scores=scores))
    return found


def columns() -> list[Column]:
    """Table 1's, then those that say how far to trust it."""
    persons, objects = PERSON_LEVELS, tuple(OBJECT_LEVELS.values())
    return [
        *(Column(name, level(verdict_ok, name)) for name in persons),
        Column("C-AVG", level(verdict_ok, *persons)),
        *(Column(name, level(verdict_ok, name)) for name in objects),
        Column("L-AVG", level(verdict_ok, *objects)),
        Column("MAA", verdict_ok),
        Column("mIoU", lambda instance, verdict: verdict.iou),
        *(Column(f"MAA, {name}", further(name), needs=name) for name in PARSERS),
        Column("P(yes)", further("p_yes"), needs="p_yes"),
        Column("MAA, one to one", further("one to one"), needs="one to one"),
        Column("mIoU, one to one", further("IoU one to one"), needs="IoU one to one"),
    ]
