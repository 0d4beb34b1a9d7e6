"""What the recognisers of foreign boxes hand over: places with their texts, not yet in fractions of a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ..box import WidthHeight
from ..checks import shown

Numbers = tuple[float, ...]
_NO_PART_OF_A_KEY = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*(%|px)?\s*")


@dataclass(frozen=True)
class Entry:
    """One thing that a foreign file says: its place, its text, or why it cannot be used.

    values: four numbers in this `order`, or None for a text without a place. named: the file's keys say which number is
    which, so that an order set by hand can only turn a corner into a centre. units: one of `by_hand.UNITS`, or "fit":
    pixels where they fit into the picture, else 0..1000. sure: the file itself states its units. size: width and height
    of the file's picture in pixels. problem: a sentence's end, after the region's name. unread: a key whose words may
    be the text that is missing.
    """

    dialect: str
    values: Numbers | None = None
    order: str = "xyxy"
    named: bool = False
    units: str = "auto"
    sure: bool = False
    size: WidthHeight | None = None
    text: str = ""
    negative: str = ""
    strength: Any = 1.0
    written: str = ""
    problem: str = ""
    remark: str = ""
    unread: str = ""


@dataclass(frozen=True)
class Context:
    """What the surroundings of an entry say about it."""

    text: str = ""
    size: WidthHeight | None = None
    names: Mapping[Any, str] = field(default_factory=dict)
    order: str = ""
    units: str = ""


def plain_key(key: Any) -> str:
    """A key without case, dashes and blanks: "Bounding-Box" and "bounding_box" are one."""
    return _plain(key) if isinstance(key, str) else ""


@lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    key = key.lower()
    return key if key.isascii() and key.isalnum() else _NO_PART_OF_A_KEY.sub("", key)


def words_of(key: Any) -> list[str]:
    """The words of a key such as "bboxes_xywhNorm", each without case."""
    parts = re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", key) if isinstance(key, str) else []
    return [plain_key(w) for w in parts if w]


class Record(dict):
    """A mapping that nobody changes, so that it is folded once for all forms that are tried on it."""

    @cached_property
    def folded(self) -> dict[str, Any]:
        return _folded(self)


def folded(entry: Mapping) -> dict[str, Any]:
    """`entry` by its plain keys; the first of several with one plain key counts. Not to be changed."""
    return entry.folded if isinstance(entry, Record) else _folded(entry)


def _folded(entry: Mapping) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in entry.items():
        found.setdefault(plain_key(key), value)
    return found


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def number(value: Any) -> float | None:
    """A number, or one written as text ("12", "12px", "12%"); None for anything else, truth and NaN among it."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value) if len(value) < 40 else None
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if value == value and abs(value) < 1e300 else None


def written_units(values: Sequence[Any]) -> str:
    """The units that stand behind numbers written as text, or ""."""
    marks = {m[2] for v in values if isinstance(v, str) and len(v) < 40 and (m := _NUMBER.fullmatch(v))}
    return {frozenset("%"): "percent", frozenset(["px"]): "pixels"}.get(frozenset(marks), "")


def numbers(value: Any) -> Numbers | None:
    """A list of numbers, also one written as text: "10, 20, 30, 40", "(10, 20), (30, 40)"; None for anything else."""
    if isinstance(value, str):
        if len(value) > 400 or not re.fullmatch(r"[\d\s.,;:()\[\]<>|eE%px+-]*\d[\d\s.,;:()\[\]<>|eE%px+-]*", value):
            return None
        value = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?(?:%|px)?", value)
    if not is_list(value) or not value:
        return None
    found = tuple(number(v) for v in value)
    return None if any(v is None for v in found) else found


def is_four(value: Any) -> bool:
    found = numbers(value)
    return found is not None and len(found) == 4


def points(value: Any) -> list[Numbers] | None:
    """Points [[x, y], ...] or [{x, y}, ...] (a missing one of the two is 0, as Google leaves it out), else None."""
    if not is_list(value) or not value:
        return None
    found = []
    for point in value:
        if isinstance(point, Mapping) and point and set(folded(point)) <= {"x", "y", "z", "visible"}:
            point = [folded(point).get("x", 0), folded(point).get("y", 0)]
        two = numbers(point) if is_list(point) else None
        if two is None or len(two) != 2:
            return None
        found.append(two)
    return found


def around(corners: Sequence[Numbers]) -> Numbers:
    """x0, y0, x1, y1 of the box around points."""
    xs, ys = [p[0] for p in corners], [p[1] for p in corners]
    return min(xs), min(ys), max(xs), max(ys)


def wrote(value: Any) -> str:
    """Numbers as the user wrote them, for a message."""
    text = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value) if is_list(value) else str(value)
    return f"[{text}]" if len(text) <= 60 else shown(text)
