"""Boxes as rules of style sheets, as LayoutGPT asks for them: a dog {left: 10px; top: 20px; width: 30px; ...}."""

from __future__ import annotations

import re

from .entry import Entry, number, written_units, wrote

_SIDES = ("left", "top", "width", "height")
_RULE = re.compile(rf"({'|'.join(_SIDES)})\s*:\s*([^;]{{1,30}})")


def from_style_sheets(text: str) -> tuple[list[Entry], list[str]] | None:
    """(entries, notes) of a text whose things have the four sides in braces; None for any other."""
    if ";" not in text or len(text) > 100_000:
        return None
    found = []
    for part in text.split("}")[:-1]:
        before, _, rules = part.rpartition("{")
        sides = dict(_RULE.findall(rules))
        values = tuple(number(sides.get(k, "").strip()) for k in _SIDES)
        if None in values:
            return None
        units = written_units([v.strip() for v in sides.values()])
        name = " ".join(before.split("\n")[-1].split()).strip(". ")
        found.append(
            Entry("style sheets", values, "xywh", True, units or "auto", bool(units), text=name, written=wrote(values))
        )
    return (found, []) if found else None
