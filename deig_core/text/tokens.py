"""What the text encoder makes of a text: how many tokens, what it does not know, and marks of other tools in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import DeigError

MAX_TOKENS = 128
Tokenised = tuple[Sequence[int], Sequence[tuple[int, int]]]
"""Ids of a text's tokens, the end token last, and for each where it stands in the text."""
_MARKS = (
    (re.compile(r"\([^()]{1,200}:\s*\d*\.?\d+\)"), "weights are read as words"),
    (re.compile(r"\({2,}[^()]{1,200}\){2,}"), "weights are read as words"),
    (re.compile(r"<(?:lora|lyco|hypernet|lora_\w+):[^<>]{1,200}>", re.I), "tags load nothing"),
    (re.compile(r"\b(?:embedding|textual_inversion):\S{1,200}", re.I), "embeddings of CLIP are words here"),
    (re.compile(r"\b(?:BREAK|ADDCOL|ADDROW|ADDCOMM|ADDBASE)\b"), "divides nothing here"),
    (re.compile(r"\[[^\[\]:]{0,100}:[^\[\]:]{0,100}:\s*\d*\.?\d+\]"), "prompt editing is read as words"),
)


@dataclass(frozen=True)
class Tokens:
    """count: of the whole text, the end token included. unknown: how many are none of the vocabulary; lost: the pieces
    of the text that they stand for. kept: where the text ends that is read, in characters. nothing: no token is known.
    """

    count: int
    unknown: int = 0
    lost: tuple[str, ...] = ()
    kept: int = 0
    nothing: bool = False


def look(text: str, tokenise: Callable[[str], Tokenised], unknown_id: int) -> Tokens:
    """What `tokenise` makes of `text`."""
    ids, places = tokenise(text)
    lost = [text[a:b].strip() for i, (a, b) in zip(ids, places, strict=True) if i == unknown_id]
    # The mark of a word's beginning is a token of its own, placed on the first letter of what follows.
    starts = {a for i, (a, _) in zip(ids, places, strict=True) if i == unknown_id}
    pairs = [(a, b) for i, (a, b) in zip(ids, places, strict=True) if i != unknown_id and a not in starts]
    said = [text[a:b] for a, b in pairs]
    known = any(any(c.isalnum() for c in piece) for piece in said)
    kept = places[MAX_TOKENS - 2][1] if len(ids) > MAX_TOKENS else len(text)
    return Tokens(len(ids), len(lost), tuple(dict.fromkeys(filter(None, lost))), kept, bool(lost) and not known)


def marks(text: str) -> list[tuple[str, str]]:
    """(what stands there, why it does not act) for marks of CLIP prompts that T5 reads as ordinary words."""
    return [(found[0], why) for pattern, why in _MARKS if (found := pattern.search(text[:20_000]))]


def text_notes(name: str, text: str, tokens: Tokens) -> list[str]:
    """Sentences about a text that is not read as it was meant. Raises DeigError where nothing of it is known.

    name: what the text is, at the beginning of a sentence ("Region 2", "The prompt").
    """
    said = []
    if tokens.nothing:
        raise DeigError(
            f"{name}: the text encoder knows nothing of {_short(text)!r}. Flan-T5 reads English, and German, French, "
            "Spanish and Romanian in part: write it in English."
        )
    if tokens.unknown:
        pieces = ", ".join(_short(p, 20) for p in tokens.lost[:4])
        said.append(
            f"{name}: {tokens.unknown} of {tokens.count - 1} tokens are unknown to the text encoder ({pieces})."
        )
    if cut := too_long(name, text, tokens):
        said.append(cut)
    said += [f"{name}: {_short(mark)!r} means nothing to the text encoder ({why})." for mark, why in marks(text)]
    return said


def too_long(name: str, text: str, tokens: Tokens) -> str:
    """A sentence about a text of which the end is not read; "" where all of it is. name: as in `text_notes`."""
    if tokens.count <= MAX_TOKENS:
        return ""
    last = _line(text[max(0, tokens.kept - 40) : tokens.kept])
    return f'{name} has {tokens.count} tokens and the text encoder reads {MAX_TOKENS}: it is cut after "...{last}".'


def _short(text: str, most: int = 40) -> str:
    text = _line(text)
    return text if len(text) <= most else text[: most - 3] + "..."


def _line(text: str) -> str:
    return " ".join(text.split())
