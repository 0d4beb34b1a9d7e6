"""Sentences that know what they were made of, so that a page can say them in its own language."""

from __future__ import annotations

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
