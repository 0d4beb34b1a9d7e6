"""Sentences that know what they were made of, so that a page can say them in its own language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SEVERAL_PICTURES = "There are boxes of {count} pictures; those of the first one were read."


class Said(str):
    """The English sentence. template: with {names} in it; values: what fills them, sentences of this kind among it."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Said:
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple:
        return _again, (self.template, self.values)


def _again(template: str, values: dict[str, Any]) -> Said:
    return Said(template, **values)


def parts(sentence: str) -> list:
    """[template, values] of a sentence, all the way down; [text, {}] of a plain text."""
    if not isinstance(sentence, Said):
        return [str(sentence), {}]
    values = {k: parts(v) if isinstance(v, Said) else v for k, v in sentence.values.items()}
    return [sentence.template, values]


def counted(count: int, one: str, many: str) -> Said:
    """`one`, or `many` with {n} in it."""
    return Said(one) if count == 1 else Said(many, n=count)


def short(notes: Sequence[str]) -> tuple[str, ...]:
    """Each once, on one line, and not more than a person reads."""
    lines = list(dict.fromkeys(map(one_line, notes)))
    return tuple(lines if len(lines) <= 12 else [*lines[:11], f"{len(lines) - 11} more notes like these."])


def one_line(text: str) -> str:
    """Without line breaks, and at most 500 characters of it."""
    line = " ".join(text.split())
    if len(line) > 500:
        return line[:497] + "..."
    return text if line == text else line
