"""JSON as people and models write it, in one pass: comments, Python's quotes and words, tuples, bare keys, several
values with prose around them, and an end that is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .limits import MOST_DEEP, too_deep

_WORDS = {"true": True, "false": False, "null": None, "none": None, "nan": float("nan"), "undefined": None}
_BLANK = re.compile(r"(?:\s|//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z))+", re.S)
_BARE = re.compile(r"[^\s,:;{}\[\]()\"'][^,:;{}\[\]()\"'\n]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NOTHING = object()
_CLOSING = {"{": "}", "[": "]", "(": ")"}
_START = re.compile(r"[{\[]")
_INTEGER = re.compile(r"[-+]?\d{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][-+]?\d{1,3})?")


@dataclass(frozen=True)
class Loose:
    """values: what was found, in order. cut: the text ended inside the last one."""

    values: list[Any]
    cut: bool


def loose_values(text: str) -> Loose:
    """Every value in `text` that starts with a bracket. Raises RegionError for more than 40 levels."""
    values, at, cut = [], 0, False
    while match := _START.search(text, at):
        parser = _Parser(text, match.start())
        values.append(parser.value(0))
        at, cut = parser.at, parser.cut
    return Loose(values, cut)


class _Parser:
    """Never goes back: whatever does not fit is taken as a word, so that the time is in proportion to the text."""

    def __init__(self, text: str, at: int):
        self.text, self.at, self.cut = text, at, False

    def value(self, depth: int) -> Any:
        if depth > MOST_DEEP:
            raise too_deep()
        self.blank()
        mark = self.text[self.at : self.at + 1]
        if mark == "{":
            return self.mapping(depth)
        if mark and mark in "[(":
            return self.sequence(mark, depth)
        return self.string(mark) if mark and mark in "\"'" else self.word()

    def blank(self) -> None:
        if match := _BLANK.match(self.text, self.at):
            self.at = match.end()

    def ended(self, closing: str) -> bool:
        """At the closing bracket (taken), at another one (left for the outer level), or at the end."""
        self.blank()
        while self.text[self.at : self.at + 1] in (",", ";"):
            self.at += 1
            self.blank()
        mark = self.text[self.at : self.at + 1]
        if not mark:
            self.cut = True
            return True
        if mark in "}])":
            self.at += mark == closing
            return True
        return False

    def sequence(self, opening: str, depth: int) -> list:
        self.at += 1
        values = []
        while not self.ended(_CLOSING[opening]):
            value = self.value(depth + 1)
            if value is not _NOTHING:
                values.append(value)
            self.blank()
            # A stray colon: ["dog": [1, 2, 3, 4]] names what follows.
            if self.text[self.at : self.at + 1] == ":":
                self.at += 1
        return values

    def mapping(self, depth: int) -> dict:
        self.at += 1
        found: dict = {}
        while not self.ended("}"):
            key = _NOTHING if self.text[self.at] == ":" else self.value(depth + 1)
            self.blank()
            if self.text[self.at : self.at + 1] in (":", "="):
                self.at += 1
                self.blank()
                if self.at >= len(self.text):  # cut between key and value
                    self.cut = True
                    break
                value = self.value(depth + 1)
                found[_key(key)] = None if value is _NOTHING else value
            elif key is not _NOTHING:
                found[_key(key)] = None
        return found

    def string(self, quote: str) -> str:
        text, at, parts = self.text, self.at + 1, []
        pattern = re.compile(rf"[^\\{quote}]*")
        while True:
            end = pattern.match(text, at).end()
            parts.append(text[at:end])
            mark = text[end : end + 1]
            if mark != "\\":
                break
            escape = text[end + 1 : end + 2]
            at = end + 2
            if escape == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", code := text[at : at + 4]):
                parts.append(chr(int(code, 16)))
                at += 4
            else:
                parts.append(_ESCAPES.get(escape, escape))
        self.cut |= not mark
        self.at = end + 1
        # Pairs of escapes that are one character in JSON.
        return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def word(self) -> Any:
        match = _BARE.match(self.text, self.at)
        if not match:
            self.at += 1
            return _NOTHING
        self.at = match.end()
        word = match[0].strip(" \t\r“”‘’")
        if not any(c.isalnum() for c in word):  # the dots of a list that goes on
            return _NOTHING
        self.cut |= self.at >= len(self.text)
        if _INTEGER.fullmatch(word):
            return int(word)
        return float(word) if _FLOAT.fullmatch(word) else _WORDS.get(word.lower(), word)


def _key(value: Any) -> str | int:
    if value is _NOTHING:
        return ""
    return value if isinstance(value, (str, int)) else str(value)[:60]
