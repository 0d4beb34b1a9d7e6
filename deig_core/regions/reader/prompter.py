"""Regional prompts of A1111 and Forge: a text divided by ADDCOL, ADDROW and BREAK, with ratios."""

from __future__ import annotations

import re

from ...errors import RegionError
from .entry import Entry

_SPLIT = re.compile(r"\s*\b(ADDCOL|ADDROW|BREAK)\b\s*")
_HEAD = re.compile(r"^(.*?)\b(ADDCOMM|ADDBASE)\b", re.S)
_RATIO = re.compile(r"(?:RP\s+)?(?:Divide\s+)?Ratios?\s*[:=]\s*\"?([\d.,;\s]{1,400})", re.I)
_MODE = re.compile(r"(?:Divide\s+mode|Matrix\s+submode|RP\s+Divide\s+mode|Split\s+mode|Mode)\s*[:=]\s*\"?(\w+)", re.I)
_SETTING = re.compile(
    r"^[ \t]*(?:RP\s|Divide\s|Active\s*:|Use (?:base|common)|Base\s+Ratio|Matrix\s+submode|Steps:|Negative prompt:).*$",
    re.I | re.M,
)
NAME = "Regional Prompter"


def from_prompter(text: str) -> tuple[list[Entry], list[str]] | None:
    """(entries, notes) of a regional prompt, or None. Raises RegionError where its directions or counts are missing."""
    if not re.search(r"\b(?:ADDCOL|ADDROW|ADDCOMM|ADDBASE|BREAK)\b", text) or len(text) > 20_000:
        return None
    ratios, mode = _RATIO.search(text), _MODE.findall(text)
    body, notes, common = _SETTING.sub("", text), [], ""
    while head := _HEAD.match(body):
        body = body[head.end() :]
        if head[2] == "ADDCOMM":
            common = head[1].strip(" ,\n")
        else:
            notes.append(f"The base prompt was left out: write {head[1].strip()[:60]!r} as prompt of DEIG Encode.")
    parts = _SPLIT.split(body.strip())
    texts = [" ".join(t.split()) for t in parts[::2]]
    if common:
        texts = [f"{common}, {t}" for t in texts]
    vertical = any(m.lower() in ("vertical", "rows") for m in mode)
    known = vertical or any(m.lower() in ("horizontal", "columns") for m in mode)
    rows = _rows(parts[1::2], vertical, known, ratios[1] if ratios else "")
    boxes = _boxes(rows, vertical)
    if len(boxes) != len(texts):
        raise RegionError(
            f"A regional prompt has {len(texts)} texts and its ratios {len(boxes)} regions: give one for each."
        )
    named = zip(boxes, texts, strict=True)
    return [Entry(NAME, b, "xyxy", True, "fractions", True, text=t, written=t[:30]) for b, t in named], notes


def _rows(marks: list[str], vertical: bool, known: bool, ratios: str) -> list[tuple[float, list[float]]]:
    """(size of the outer part, sizes of its inner parts), outer parts being rows, or columns where vertical."""
    groups = [[float(n) for n in re.findall(r"\d+\.?\d*|\.\d+", g)] for g in ratios.split(";") if re.search(r"\d", g)]
    outer_mark = "ADDCOL" if vertical else "ADDROW"
    if groups and not any(m != "BREAK" for m in marks):
        if len(groups) == 1:
            return [(1.0, groups[0])]
        return [(g[0], g[1:] or [1.0]) for g in groups]
    if not known and "BREAK" in marks and not set(marks) - {"BREAK"}:
        raise RegionError(
            "A regional prompt with BREAK alone does not say how it divides the picture: write ADDCOL (beside) or "
            "ADDROW (below), or add its mode and ratios (Divide mode: Columns, Ratios: 1,1)."
        )
    counts = [1]
    for mark in marks:
        if mark == outer_mark:
            counts.append(1)
        else:
            counts[-1] += 1
    if (
        len(groups) == len(counts)
        and len(counts) > 1
        and all(len(g) == n + 1 for g, n in zip(groups, counts, strict=True))
    ):
        return [(g[0], g[1:]) for g in groups]
    flat = [n for g in groups for n in g]
    if len(counts) == 1 and len(flat) == counts[0]:
        return [(1.0, flat)]
    if all(n == 1 for n in counts) and len(flat) == len(counts):
        return [(n, [1.0]) for n in flat]
    return [(1.0, [1.0] * n) for n in counts]


def _boxes(rows: list[tuple[float, list[float]]], vertical: bool) -> list[tuple[float, float, float, float]]:
    boxes, top = [], 0.0
    whole = sum(size for size, _ in rows) or 1.0
    for size, inner in rows:
        bottom, left, across = top + size / whole, 0.0, sum(inner) or 1.0
        for part in inner:
            right = left + part / across
            boxes.append((top, left, bottom, right) if vertical else (left, top, right, bottom))
            left = right
        top = bottom
    return boxes
