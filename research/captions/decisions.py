"""From what was asked to what is kept: pure functions of a picture's record, so that thresholds change without asking
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..engines.yes_no import says_yes
from . import rules
from .grey import DOUBTFUL, GREY
from .work import Work

CLIP = 0.20  # with openai/clip-vit-large-patch14; the paper gives no value
T5_TOKENS = 128
# Reasons beside those of `rules.Reason`.
PICTURE = {"grey": "grey picture", "unclear": "unclear picture", "collage": "collage"}
UNREADABLE, ERROR, TOKENS, LOW, UNSCORED = "unreadable picture", "error", "too many tokens", "low score", "no score"
Threshold = Callable[[str], float]  # of a class


@dataclass(frozen=True)
class Settings:
    """score: least score of an instance of each class; None where scores do not matter. quality: from which P(yes) on
    a picture has the fault it was asked for. allowed: reasons that do not count. tokens: counts a text's T5 tokens.
    """

    words: rules.Words
    score: Threshold | None = None
    quality: float = 0.5
    allowed: frozenset[str] = frozenset()
    tokens: Callable[[str], int] | None = None


@dataclass(frozen=True)
class Decision:
    """reasons: all that speak against the instance. again: the model was asked twice. twin: another of the picture has
    the same text, which is no reason.
    """

    id: str
    noun: str
    text: str
    score: float | None
    control: float | None
    reasons: tuple[str, ...]
    again: bool = False
    score_tokens: int = 0
    twin: bool = False

    @property
    def kept(self) -> bool:
        return not self.reasons


def of_picture(record: Mapping, settings: Settings) -> list[str]:
    """What speaks against the whole picture."""
    if record["error"]:
        return [UNREADABLE]
    found = []
    for kind, reason in PICTURE.items():
        asked = record["quality"].get(kind)
        if kind == "grey" and not GREY <= record["spread"] < DOUBTFUL:
            faulty = record["spread"] < GREY
        elif asked is None or asked["error"]:
            found.append(ERROR)
            continue
        elif asked["p_yes"] is not None:
            faulty = asked["p_yes"] >= settings.quality
        else:
            faulty = says_yes(asked["text"]) is not False  # a model that does not say no was not sure
        found += [reason] * faulty
    return list(dict.fromkeys(found))


def of_instances(work: Work, record: Mapping, settings: Settings) -> list[Decision]:
    """One for each instance of the picture, in its order. record: the picture's, from the results; an instance that it
    lacks has the reasons of the whole picture alone.
    """
    whole = of_picture(record, settings)
    texts = [found["text"] for found in record["instances"]]
    decisions = []
    found = {f["id"]: f for f in record["instances"]}
    for instance in work.instances:
        f = found.get(instance.id, {"text": "", "error": None, "tries": (), "cut": False})
        own = [] if instance.id not in found else _of_text(f, instance.noun, settings)
        reasons = [r for r in (*whole, *own) if r not in settings.allowed]
        decisions.append(
            Decision(
                instance.id,
                instance.noun,
                f["text"],
                f.get("score"),
                f.get("control"),
                tuple(reasons),
                len(f["tries"]) > 1,
                f.get("score_tokens", 0),
                bool(f["text"]) and texts.count(f["text"]) > 1,
            )
        )
    return decisions


def _of_text(found: Mapping, noun: str, settings: Settings) -> list[str]:
    if found["error"]:
        return [ERROR]
    reasons = [r.value for r in rules.reasons(found["text"], noun, settings.words, cut=found["cut"])]
    if settings.tokens and settings.tokens(found["text"]) > T5_TOKENS:
        reasons.append(TOKENS)
    if settings.score and rules.describes(found["text"]):
        score = found.get("score")
        if score is None:
            reasons.append(UNSCORED)
        elif not score >= settings.score(noun):
            reasons.append(LOW)
    return reasons
