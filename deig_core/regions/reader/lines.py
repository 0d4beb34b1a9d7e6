"""Lines of numbers: YOLO's label files, tables with a header, DOTA and KITTI, a text and four numbers on each line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...errors import RegionError
from .entry import Entry, around, number, plain_key, written_units
from .vocabulary import CENTRES, CORNERS, SIZES

Found = tuple[list[Entry], list[str]]
ByKeys = Callable[[Any], Found]
_N = r"[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?\s?(?:%|px)?"
_BETWEEN = r"[)\]]?(?:\s*(?:[,;|]|to|->|→)\s*|\s+)[(\[]?"
_FOUR = re.compile(
    rf"(?<![\d.])[(\[]{{0,2}}\s*({_N}){_BETWEEN}({_N}){_BETWEEN}({_N}){_BETWEEN}({_N})\s*[)\]]{{0,2}}(?![\d.]*\d)"
)
_PAIR = re.compile(rf"\b([A-Za-z][A-Za-z_]{{0,30}}[0-9]?)\s*[=:]\s*({_N})")
_BRACKETED, _BEFORE_COMMA = re.compile(rf"[\[(]\s*{_N}\s*[\s,;]"), re.compile(rf"{_N}\s*[,;]")
_KITTI = re.compile(r"[A-Za-z_]+(?:\s+-?\d+(?:\.\d+)?){14,15}")
_DOTA = re.compile(r"(?:-?\d+(?:\.\d+)?\s+){8}\S*[A-Za-z]\S*(?:\s+[01])?")
_MARKS = " \t:;=|,.-–—\"'*_`"
_MOST_LINES, _LONGEST_LINE = 2000, 2500


def from_lines(text: str, by_keys: ByKeys) -> Found | None:
    """(entries, notes) of lines that hold boxes, or None. by_keys: reads what has a key for each number.

    Raises RegionError for rows of numbers of no known form.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or len(lines) > _MOST_LINES or max(map(len, lines)) > _LONGEST_LINE:
        return None
    if sum(line.startswith("|") for line in lines) > 1:  # a table of Markdown
        lines = [line.strip("| ") for line in lines if line.startswith("|") and not re.fullmatch(r"[|:\- ]+", line)]
        lines = lines or [""]
    if (found := _table(lines, by_keys)) is not None:
        return found
    rows = [[number(v) for v in re.split(r"[\s,;]+", line.strip("[]()")) if v] for line in lines]
    if all(row and None not in row for row in rows):
        return _rows(rows, lines), []
    if all(_KITTI.fullmatch(line) for line in lines):
        parts = [line.split() for line in lines]
        return [_entry("KITTI", tuple(map(float, p[4:8])), "pixels", p[0]) for p in parts], []
    if all(_DOTA.fullmatch(line) for line in lines):
        parts = [line.split() for line in lines]
        corners = [[(float(p[i]), float(p[i + 1])) for i in range(0, 8, 2)] for p in parts]
        return [_entry("DOTA", around(c), "pixels", p[8]) for c, p in zip(corners, parts, strict=True)], []
    return _labelled(lines, by_keys)


def _entry(
    dialect: str, values: tuple[float, ...], units: str, text: str = "", order: str = "xyxy", sure=False
) -> Entry:
    written = "[" + ", ".join(f"{v:g}" for v in values) + "]"
    return Entry(dialect, values, order, dialect != "lines", units, sure, text=text, written=written)


def _rows(rows: list[list[float]], lines: list[str]) -> list[Entry]:
    widths = {len(row) for row in rows}
    small = all(0 <= n <= 1.01 for row in rows for n in row[1:5])
    classes = all(row[0] >= 0 and row[0] == int(row[0]) for row in rows)
    if widths <= {5, 6} and small and classes:
        return [_entry("YOLO labels", tuple(r[1:5]), "fractions", order="cxcywh", sure=True) for r in rows]
    if all(len(r) >= 7 and len(r) % 2 for r in rows) and classes and all(0 <= n <= 1.01 for r in rows for n in r[1:]):
        return [
            _entry("YOLO outlines", around([(r[i], r[i + 1]) for i in range(1, len(r), 2)]), "fractions") for r in rows
        ]
    if widths == {4}:
        return [_entry("lines", tuple(r), "auto") for r in rows]
    raise RegionError(
        f"Rows of {max(widths)} numbers such as {lines[0][:60]!r} are no form that is known: expected four numbers, or "
        "YOLO's class and centre in fractions; name the columns in a first line (xmin, ymin, xmax, ymax)."
    )


def _table(lines: list[str], by_keys: ByKeys) -> Found | None:
    """Rows under a header that names the columns, as the table of keys reads them."""
    mark = max(",;\t|", key=lines[0].count)
    header = [k.strip() for k in next(csv.reader([lines[0]], delimiter=mark))]
    keys = {plain_key(k) for k in header}
    named = any(set(s) <= keys for s in (*CENTRES, *CORNERS, *SIZES)) or "regionshapeattributes" in keys
    if len(lines) < 2 or not named:
        return None
    rows = [dict(zip(header, (v.strip() for v in row), strict=False)) for row in csv.reader(lines[1:], delimiter=mark)]
    entries, notes = by_keys(rows)
    own = [e if "regionshapeattributes" in keys else replace(e, dialect="columns of numbers") for e in entries]
    return own, notes


def _labelled(lines: list[str], by_keys: ByKeys) -> Found | None:
    """Texts with four numbers each, one or more on a line; lines without a number are prose around them."""
    found, notes = [], []
    for line in lines:
        line = line.strip("`").lstrip("-*• ").strip()
        if not any(c.isdigit() for c in line):
            continue
        entries = _with_keys(line, by_keys)
        for text, raw in [] if entries else _fours(line):
            four, units = tuple(number(n) for n in raw), written_units(raw)
            if None not in four:
                entries.append(_entry("lines", four, units or "auto", text, sure=bool(units)))
        if not entries:
            notes.append(f"Left out: the line {line[:60]!r} holds no text with four numbers.")
        found += entries
    return (found, notes) if found and len(notes) <= len(found) else None


def _fours(line: str) -> list[tuple[str, tuple[str, ...]]]:
    """(text, four numbers) of a line: the text before each four, or after the only one."""
    found, at = [], 0
    for match in _FOUR.finditer(line):
        found.append((_cleaned(line[at : match.start()]), match.groups()))
        at = match.end()
    rest = _cleaned(line[at:])
    if any(c.isdigit() for c in rest):
        return []  # five numbers, or four and a half boxes
    return [(rest, found[0][1])] if len(found) == 1 and not found[0][0] and rest else found


def has_marked_numbers(text: str) -> bool:
    """Whether numbers stand in brackets, between commas or behind keys, as those of a box do and a text's do not."""
    return bool(_BRACKETED.search(text)) or len(_BEFORE_COMMA.findall(text)) > 2 or len(_PAIR.findall(text)) > 3


def _cleaned(text: str) -> str:
    text = text.strip(_MARKS)
    return re.sub(r"^\(?\d{1,2}[.)]\s+", "", text).strip(_MARKS)


def _with_keys(line: str, by_keys: ByKeys) -> list[Entry]:
    """A line such as "a dog: x1=10, y1=20, x2=30, y2=40"."""
    pairs = list(_PAIR.finditer(line))
    keys = {plain_key(m[1]) for m in pairs}
    if len(pairs) < 4 or not any(set(s) <= keys for s in (*CENTRES, *CORNERS, *SIZES)):
        return []
    row = {m[1]: m[2] for m in pairs} | {"label": _cleaned(line[: pairs[0].start()].strip("({[ "))}
    return by_keys(row)[0]
