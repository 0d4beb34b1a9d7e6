"""Which form a text is in: JSON in any state, a model's marks, lines, tables, XML, YAML, a regional prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...errors import RegionError
from .entry import Entry, is_list, number
from .lines import ByKeys, from_lines
from .loose import loose_values
from .markup import from_markup
from .prompter import from_prompter
from .style_sheets import from_style_sheets
from .xml import from_xml
from .yaml import from_yaml

MOST_CHARACTERS = 4_000_000
MOST_LOOSE = 1_000_000  # of what is no JSON and has to be read piece by piece
_MARKED = re.compile(r"<b?box>[\s\d.,()\[\]]+</b?box>")
_BOX_MARKS = re.compile(r"<\|(?:begin|end)_of_box\|>")
_LISTED = re.compile(r"\[\s*[\[(\"']")
NOTHING = (
    "The boxes are no readable JSON: expected a list of boxes, a region document, or lines of a text and four numbers."
)


def from_text(text: str, by_keys: ByKeys) -> tuple[Any, list[str], list[Entry] | None]:
    """(value, notes, entries): what the text says, as a value for the table, or as entries where it is a form of text
    alone. by_keys: reads rows of a text that have a key for each number.

    Raises RegionError where nothing can be read. Takes time in proportion to the text's length.
    """
    if len(text) > MOST_CHARACTERS:
        raise RegionError(
            f"The text has {len(text)} characters; at most {MOST_CHARACTERS} are read: give the boxes of one picture."
        )
    text = text.removeprefix("\ufeff").strip()
    if not text:
        return [], [], []
    value = _json(text)
    if isinstance(value, str):  # JSON text inside JSON text
        text = value.strip()
        value = _json(text)
    if isinstance(value, (Mapping, list)):
        return value, [], None
    if text.startswith("<") and not _MARKED.match(text) and (found := from_xml(text)) is not None:
        return found, [], None
    text = _without_thinking(text)
    if (entries := from_markup(text)) is not None:
        return None, [], entries
    text = _without_fences(_BOX_MARKS.sub(" ", text))
    value = _json(text)
    if isinstance(value, (Mapping, list)):
        return value, [], None
    if (value := from_yaml(text)) is not None:
        return value, [], None
    if "region_shape_attributes" not in text[:400] and ("{" in text or _LISTED.match(text)):
        found = from_style_sheets(text)
    elif (found := from_prompter(text)) is None:
        found = from_lines(text, by_keys)
    if found is not None:
        entries, notes = found
        return None, notes, entries
    return _loose(text)


def _loose(text: str) -> tuple[Any, list[str], None]:
    if len(text) > MOST_LOOSE:
        raise RegionError(
            f"The text is no valid JSON, and with {len(text)} characters too long to be read otherwise (at most "
            f"{MOST_LOOSE}): give the boxes of one picture."
        )
    notes = []
    found = loose_values(text)
    values = [v for v in found.values if _tells_places(v)]
    if found.cut and values and values[-1] is found.values[-1]:
        values[-1] = _without_last(values[-1])
        notes.append("The text ends in the middle; what was whole was read, and the last entry left out.")
    values = [v for v in values if v not in ([], {})]
    if not values:
        raise RegionError(NOTHING)
    return (values[0] if len(values) == 1 else _joined(values)), notes, None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _joined(values: list) -> list:
    """Several values one after another as one list."""
    return [entry for value in values for entry in (value if is_list(value) and not _is_box(value) else [value])]


def _is_box(value: Any) -> bool:
    return is_list(value) and len(value) == 4 and all(number(v) is not None for v in value)


def _without_thinking(text: str) -> str:
    """What follows a model's thinking."""
    for tag in ("</think>", "</thinking>", "</reasoning>", "</thought>"):
        if (at := text.rfind(tag)) >= 0:
            text = text[at + len(tag) :]
    return re.sub(r"</?(?:answer|output|response|result|json)>", " ", text).strip()


def _without_fences(text: str) -> str:
    """The text without the marks of code blocks, which begin or end lines; fences in a description stay."""
    if "```" not in text:
        return text
    lines = []
    for line in text.split("\n"):
        inner = line.strip()
        if inner.startswith("```"):
            inner = re.sub(r"^```[\w-]{0,20}", "", inner)
            line = inner.removesuffix("```")
        elif inner.endswith("```"):
            line = inner.removesuffix("```")
        lines.append(line)
    return "\n".join(lines).strip()


def _tells_places(value: Any) -> bool:
    """A mapping, or a list with four numbers in it: what else stands in brackets is prose."""
    if isinstance(value, Mapping):
        return bool(value)
    if not is_list(value):
        return False
    if any(isinstance(v, Mapping) or (is_list(v) and _tells_places(v)) for v in value):
        return True
    return sum(number(v) is not None for v in value) >= 4


def _without_last(value: Any) -> Any:
    """A value without the entry in which its text was cut."""
    if is_list(value):
        if value and is_list(value[-1]) and value[-1] and isinstance(value[-1][-1], (Mapping, list)):
            return [*value[:-1], _without_last(value[-1])]
        return value[:-1]
    if isinstance(value, Mapping):
        lists = [k for k, v in value.items() if is_list(v) and v and isinstance(v[-1], (Mapping, list))]
        if lists and lists[-1] == list(value)[-1]:
            return {**value, lists[-1]: _without_last(value[lists[-1]])}
        if len(value) == 1 and is_list(next(iter(value.values()))):
            return {}
        return {k: v for k, v in list(value.items())[:-1]} if not _has_box(value) else {}
    return value


def _has_box(value: Mapping) -> bool:
    return any(_is_box(v) for v in value.values())
