"""Boxes without keys of a box: in lists, beside their texts, under their texts as keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .entry import Context, Entry, around, is_four, is_list, number, numbers, points, wrote
from .walk import is_name, is_row

if TYPE_CHECKING:
    from .walk import Walk


def find_row(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    if is_list(value) and len(value) == 2 and points(value[0]) and is_row(value[1]):  # OCR: outline, (text, score)
        value = [value[0], next(v for v in value[1] if isinstance(v, str))]
    if not is_row(value):
        return None
    text = next(v for v in value if isinstance(v, str) and number(v) is None).strip()
    name, common = "texts beside boxes", {"text": text, "size": context.size}
    scalars = [number(v) for v in value if not is_list(v) and not (isinstance(v, str) and number(v) is None)]
    for inner in value:
        boxes = [inner] if is_four(inner) else inner if is_list(inner) and inner and all(map(is_four, inner)) else []
        if boxes:
            return [
                Entry(
                    name,
                    numbers(b),
                    context.layout or "xyxy",
                    units=context.units or "auto",
                    written=wrote(b),
                    **common,
                )
                for b in boxes
            ]
        if is_list(inner) and (corners := points(inner)) and len(corners) > 2:
            return [Entry(name, around(corners), "xyxy", True, written=wrote(around(corners)), **common)]
    first = isinstance(value[0], str) and number(value[0]) is None
    if None not in scalars and (len(scalars) == 4 or (len(scalars) == 5 and not first)):
        return [Entry(name, tuple(scalars[:4]), written=wrote(scalars[:4]), **common)]
    if scalars or any(is_list(v) for v in value):
        return [Entry(name, problem=f"a box of four numbers is expected beside the text; got {wrote(value)}", **common)]
    return None


def find_named(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    if not isinstance(value, Mapping) or not value or not all(is_name(k) for k in value):
        return None
    boxes = {
        k: [v] if is_four(v) else v if is_list(v) and v and all(map(is_four, v)) else None for k, v in value.items()
    }
    if None in boxes.values():
        return None
    return [
        Entry(
            *("boxes under their names", numbers(b), context.layout or "xyxy", False, context.units or "auto"),
            *(bool(context.units), context.size, str(key).strip()),
            written=wrote(b),
        )
        for key, several in boxes.items()
        for b in several
    ]


def find_four(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    if not is_list(value) or not value or any(isinstance(v, (list, Mapping)) for v in value):
        return None
    found = numbers(value)
    common = {"size": context.size, "text": context.text, "written": wrote(value)}
    if not found:
        if any(isinstance(v, str) for v in value) or not any(number(v) is not None for v in value):
            return None
        return [Entry("lists of four", problem=f"a box must be four finite numbers; got {wrote(value)}", **common)]
    if len(found) != 4:
        hint = {5: "; leave out the score or the angle", 8: '; name it "quad"'}.get(len(found), "")
        return [Entry("lists of four", problem=f"a box must be four numbers; got {wrote(value)}{hint}", **common)]
    units = context.units or "auto"
    return [Entry("lists of four", found, context.layout or "xyxy", units=units, sure=bool(context.units), **common)]


def find_outline(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    corners = points(value) if is_list(value) and len(value) > 2 else None
    if not corners:
        return None
    box = around(corners)
    return [
        Entry(
            "outlines",
            box,
            "xyxy",
            True,
            context.units or "auto",
            False,
            context.size,
            context.text,
            written=wrote(box),
        )
    ]
