"""People's answers: one JSON object a line, as the page saves them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deig_core.errors import DeigError

from .sample import Sample

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
REASONS = ("colour", "part", "invented", "wrong object", "mentions the picture", "language")


@dataclass(frozen=True)
class Answer:
    """pair: its id. answer: RIGHT, WRONG or UNKNOWN. reasons: why it is wrong, of REASONS."""

    reviewer: str
    pair: str
    answer: str
    reasons: tuple[str, ...]


def read_answers(paths: Sequence[Path], sample: Sample) -> tuple[dict[str, dict[str, Answer]], list[str]]:
    """Reviewer -> pair -> answer, and remarks on what was answered twice.

    Of a person's different answers on one pair the last one in time counts. Raises DeigError for lines of another
    sample, of unknown pairs, or that are no answers.
    """
    known = {pair.id for pair in sample.pairs}
    found: dict[str, dict[str, Answer]] = {}
    when: dict[tuple[str, str], str] = {}
    changed: dict[str, int] = {}
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip():
                continue
            where = f"{path.name}, line {number}"
            answer, of, at = _answer(line, where)
            if of != sample.hash:
                raise DeigError(f"{where} answers another sample ({of}) than this one ({sample.hash}).")
            if answer.pair not in known:
                raise DeigError(f"{where} answers the pair {answer.pair!r}, which is not in the sample.")
            mine = found.setdefault(answer.reviewer, {})
            key = answer.reviewer, answer.pair
            before = mine.get(answer.pair)
            if before is not None and before != answer:
                changed[answer.reviewer] = changed.get(answer.reviewer, 0) + 1
            if before is None or at >= when[key]:
                mine[answer.pair], when[key] = answer, at
    if not found:
        raise DeigError(f"{', '.join(p.name for p in paths)} holds no answers.")
    return found, [
        f"{name} answered {n} pairs twice and differently; the last answer counts" for name, n in changed.items()
    ]


def _answer(line: str, where: str) -> tuple[Answer, str, str]:
    try:
        data = json.loads(line)
        reasons = tuple(data.get("reasons", ()))
        answer = Answer(data["reviewer"], data["pair"], data["answer"], reasons)
        texts = (answer.reviewer, answer.pair, data["sample"], data["at"])
        if not all(isinstance(t, str) and t for t in texts):
            raise TypeError("an empty field")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeigError(f"{where} is no answer of the review's page ({error!r}).") from None
    if answer.answer not in (RIGHT, WRONG, UNKNOWN):
        raise DeigError(f"{where}: {answer.answer!r} is no answer; there are {RIGHT}, {WRONG} and {UNKNOWN}.")
    if unknown := set(reasons) - set(REASONS):
        raise DeigError(f"{where}: {sorted(unknown)[0]!r} is no reason; there are {', '.join(REASONS)}.")
    return answer, data["sample"], data["at"]
