"""Boxes without keys of a box: in lists, beside their texts, under their texts as keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .entry import Context, Entry, Numbers, around, is_four, is_list, number, numbers, points, wrote
from .shapes import is_name, is_row

if TYPE_CHECKING:
    from .walk import Walk

ROWS, NAMED, FOURS, OUTLINES = "texts beside boxes", "boxes under their names", "lists of four", "outlines"


def _entry(dialect: str, values: Numbers, context: Context, text: str = "", corners: bool = False) -> Entry:
    """corners: the values are corners, whatever is said of lists of four."""
    return Entry(
        dialect,
        values,
        "xyxy" if corners else context.order or "xyxy",
        named=corners,
        units=context.units or "auto",
        sure=bool(context.units),
        size=context.size,
        text=text,
        written=wrote(values),
    )


def find_row(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    if is_list(value) and len(value) == 2 and points(value[0]) and is_row(value[1]):  # OCR: outline, (text, score)
        value = [value[0], next(v for v in value[1] if isinstance(v, str))]
    if not is_row(value):
        return None
    text = next(v for v in value if isinstance(v, str) and number(v) is None).strip()
    scalars = [number(v) for v in value if not is_list(v) and not (isinstance(v, str) and number(v) is None)]
    for inner in value:
        boxes = [inner] if is_four(inner) else inner if is_list(inner) and inner and all(map(is_four, inner)) else []
        if boxes:
            return [_entry(ROWS, numbers(b), context, text) for b in boxes]
        if is_list(inner) and (corners := points(inner)) and len(corners) > 2:
            return [_entry(ROWS, around(corners), context, text, corners=True)]
    first = isinstance(value[0], str) and number(value[0]) is None
    if None not in scalars and (len(scalars) == 4 or (len(scalars) == 5 and not first)):
        return [_entry(ROWS, tuple(scalars[:4]), context, text)]
    if scalars or any(is_list(v) for v in value):
        return [
            Entry(ROWS, text=text, problem=f"a box of four numbers is expected beside the text; got {wrote(value)}")
        ]
    return None


def find_named(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    if not isinstance(value, Mapping) or not value or not all(is_name(k) for k in value):
        return None
    found = []
    for key, inner in value.items():
        boxes = [inner] if is_four(inner) else inner
        if not is_list(boxes) or not boxes or not all(map(is_four, boxes)):
            return None
        found += [_entry(NAMED, numbers(b), context, str(key).strip()) for b in boxes]
    return found


def find_four(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    if not is_list(value) or not value or any(isinstance(v, (list, Mapping)) for v in value):
        return None
    found = numbers(value)
    if found and len(found) == 4:
        return [_entry(FOURS, found, context, context.text)]
    if not found and (any(isinstance(v, str) for v in value) or not any(number(v) is not None for v in value)):
        return None
    hint = {5: "; leave out the score or the angle", 8: '; name it "quad"'}.get(len(value), "")
    problem = f"a box must be four {'' if found else 'finite '}numbers; got {wrote(value)}{hint}"
    return [Entry(FOURS, text=context.text, problem=problem, written=wrote(value))]


def find_outline(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    corners = points(value) if is_list(value) and len(value) > 2 else None
    return [_entry(OUTLINES, around(corners), context, context.text, corners=True)] if corners else None
