"""Yes or no: from an answer's words, and as a probability from its first token."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

TOP = 20  # of the first token's alternatives; the most that OpenAI-compatible servers give

_FIRST_WORD = re.compile(r"\W*(\w+)")


def says_yes(text: str) -> bool | None:
    """True or False where the first word is yes or no, in any case and after any punctuation; None otherwise."""
    first = _FIRST_WORD.match(text)
    return {"yes": True, "no": False}.get(first[1].casefold()) if first else None


def p_yes(alternatives: Iterable[tuple[str, float]]) -> float | None:
    """P(yes) / (P(yes) + P(no)) from pairs of the first token's alternatives and their log-probabilities.

    Tokens count in any case and with blanks around them: "Yes", " yes", "YES". None where neither word is among them.
    """
    share = {"yes": 0.0, "no": 0.0}
    for token, logprob in alternatives:
        word = token.strip().casefold()
        if word in share and math.isfinite(logprob):
            share[word] += math.exp(min(logprob, 0.0))
    total = sum(share.values())
    return share["yes"] / total if total else None
