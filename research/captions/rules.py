"""Text rules: what makes a description useless for training, each with a reason that can be counted."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from ..training.pictures import SIDES
from .nouns import SYNONYMS, names

LOGIC = 1  # raise it with any change of `reasons`, `tidied`, `describes` or `nouns.names`: no hash sees their code


class Reason(str, Enum):
    """Why a description is not kept; the values are what reports count and `select --allow` takes."""

    EMPTY = "empty"
    UNSURE = "unsure"
    CUT = "cut off"
    SHORT = "too short"
    LONG = "too long"
    LETTERS = "other letters"
    PREAMBLE = "preamble"
    LIST = "list"
    SENTENCES = "several sentences"
    VIEW = "mentions the picture"
    SIDE = "says left or right"
    GUESS = "guesses"
    ABSENT = "says what is absent"
    NOUN = "does not name it"
    REPEATS = "repeats itself"


# How a model is told; UNSURE is an honest answer and is not asked again.
ASKED_AGAIN = {
    Reason.EMPTY: "it is empty",
    Reason.CUT: "it is not finished",
    Reason.SHORT: "it has fewer than {least} words",
    Reason.LONG: "it has more than {most} words",
    Reason.LETTERS: "it is not in English",
    Reason.PREAMBLE: "it does not begin with the thing itself",
    Reason.LIST: "it is a list",
    Reason.SENTENCES: "it has several sentences",
    Reason.VIEW: "it mentions the picture, the box or the background",
    Reason.SIDE: "it says left or right",
    Reason.GUESS: "it guesses",
    Reason.ABSENT: "it says what is absent",
    Reason.NOUN: "it does not name the thing",
    Reason.REPEATS: "it repeats itself",
}


@dataclass(frozen=True)
class Words:
    """How many a description has: `wanted` is asked for, `least` to `most` are taken."""

    least: int = 12
    most: int = 45
    wanted: tuple[int, int] = (20, 30)


SENTENCES = 2  # parts between full stops; more are several sentences ("a St. Bernard" is two)
RUN = 4  # words that a text must not say twice
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_UNSURE = re.compile(r"unsure\W*", re.I)
_QUOTES = "\"'`*_“”‘’«» \t\n"
_LABEL = re.compile(
    r"^(?:sure|certainly|of course|here(?:'s| is)[^:]*|(?:the )?(?:description|answer|phrase))\s*[:!,.]\s*", re.I
)
_INTRODUCTION = re.compile(
    r"^(?:(?:the|this|first|second) )*(?:image|picture|photo|photograph|crop|scene)s? "
    r"(?:shows?|depicts?|features?|contains?) |^(?:this|it|that|there|here) (?:is|are) ",
    re.I,
)
_PREAMBLE = re.compile(
    r"^(?:sure|certainly|of course|i (?:can|see|cannot|can't|am)|as an|sorry|unfortunately|based on)\b", re.I
)
_LIST = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.MULTILINE)
_SENTENCE = re.compile(r"[.!?](?:\s+|$)")
_VIEW = re.compile(
    r"\b(?:image|picture|photo|photograph|bounding box|the red (?:box|outline|rectangle|frame)|region|background|"
    r"foreground|viewer)s?\b|\bcrop\b(?! top)|\b(?:at|towards?|facing) the camera\b",
    re.I,
)
_GUESS = re.compile(
    r"\b(?:appears?|appearing|seems?|seemingly|suggest(?:s|ing)?|likely|perhaps|probably|possibly|presumably|might|"
    r"may be|could be|maybe|apparently|unclear|indistinct)\b",
    re.I,
)
_ABSENT = re.compile(
    r"\bthere (?:is|are) no\b|\bno (?:visible|other|apparent)\b|\bnot (?:visible|wearing|shown|clear)\b|"
    r"\bwithout any\b",
    re.I,
)


def version() -> str:
    """Of what decides when a model is asked again: `LOGIC`, raised by hand, and a hash of what the code reads."""
    patterns = (_UNSURE, _WORD, _LABEL, _INTRODUCTION, _PREAMBLE, _LIST, _SENTENCE, _VIEW, _GUESS, _ABSENT, SIDES)
    parts = [
        *(f"{p.pattern} {p.flags}" for p in patterns),
        _QUOTES,
        f"{SENTENCES} {RUN}",
        *sorted(ASKED_AGAIN),
        *(f"{noun} {words}" for noun, words in sorted(SYNONYMS.items())),
    ]
    return f"{LOGIC}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:12]}"


def tidied(text: str) -> str:
    """One line without what surrounds the phrase: quotes, markdown, labels, one introduction, a closing full stop."""
    text = " ".join(unicodedata.normalize("NFC", text).split()) if not _LIST.search(text) else text.strip()
    text = text.strip(_QUOTES)
    for opening in (_LABEL, _LABEL, _INTRODUCTION):  # "Sure! Here is the phrase: ..."
        text = opening.sub("", text, count=1).strip(_QUOTES)
    return text[:-1].rstrip(_QUOTES) if text.endswith(".") and not text.endswith("..") else text


def describes(text: str) -> bool:
    """Whether the model said something about the thing at all."""
    return bool(text) and not _UNSURE.fullmatch(text)


def word_count(text: str) -> int:
    """What a hyphen or an apostrophe joins is one word."""
    return len(_WORD.findall(text))


def reasons(text: str, noun: str, words: Words, *, cut: bool = False) -> list[Reason]:
    """All that speaks against the tidied `text` as the description of a `noun`; an empty list where nothing does.

    cut: the model was stopped before its end.
    """
    if not text:
        return [Reason.EMPTY]
    if not describes(text):
        return [Reason.UNSURE]
    count = word_count(text)
    found = {
        Reason.CUT: cut,
        Reason.SHORT: count < words.least,
        Reason.LONG: count > words.most,
        Reason.LETTERS: any(c.isalpha() and not unicodedata.name(c, "").startswith("LATIN") for c in text),
        Reason.PREAMBLE: bool(_PREAMBLE.search(text) or _INTRODUCTION.search(text)),
        Reason.LIST: bool(_LIST.search(text)),
        Reason.SENTENCES: len([s for s in _SENTENCE.split(text) if s.strip()]) > SENTENCES,
        Reason.VIEW: bool(_VIEW.search(text)),
        Reason.SIDE: bool(SIDES.search(text)),
        Reason.GUESS: bool(_GUESS.search(text)),
        Reason.ABSENT: bool(_ABSENT.search(text)),
        Reason.NOUN: not names(noun, text),
        Reason.REPEATS: _repeats(text),
    }
    return [reason for reason, holds in found.items() if holds]


def _repeats(text: str) -> bool:
    words = [w.casefold() for w in _WORD.findall(text)]
    runs = [tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)]
    return len(set(runs)) < len(runs)
