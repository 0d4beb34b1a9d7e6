"""Files that keep boxes, texts and scores in lists beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .box_keys import declared, raw_box_of
from .descriptions import unread_text
from .entry import (
    Context,
    Entry,
    around,
    folded,
    is_list,
    number,
    numbers,
    plain_key,
    points,
    words_of,
    written_units,
    wrote,
)
from .shapes import columns_of
from .vocabulary import CENTRES, COLUMN_TEXTS, CORNERS, ORDER_WORDS, SIZES, UNIT_WORDS

if TYPE_CHECKING:
    from .walk import Walk

OTHER_COLUMNS = {"detectionboxes", "rois", "gligenboxes", "locations"}


def find_columns(name: str, keys: tuple[str, ...], order: str, units: str) -> Callable:
    """A `find` for mappings with boxes in a list. keys: what they must have ("a|b": either; "+phrases": `_is_dino`)."""

    def find(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
        if not isinstance(value, Mapping):
            return None
        values = folded(value)
        special = [k for k in keys if not k.startswith("+")]
        if not all(any(is_list(values.get(k)) for k in one.split("|")) for one in special):
            return None
        chosen = next((k for one in special for k in one.split("|") if is_list(values.get(k))), None)
        hit = (_own(value, chosen), values[chosen]) if chosen in OTHER_COLUMNS else columns_of(value)
        if not hit or not hit[1]:
            return None
        walk.spend(len(hit[1]))
        inside = walk.inside(value, context)
        if "+phrases" in keys:
            if not _is_dino(values):
                return None
            if (size := numbers(values.get("size"))) and len(size) == 2:
                inside = replace(inside, size=(size[1], size[0]))
        return _entries(value, *hit, inside, walk, name, order, units)

    return find


def _own(value: Mapping, key: str) -> str:
    return next(str(k) for k in value if plain_key(k) == key)


def _is_dino(values: Mapping[str, Any]) -> bool:
    boxes = values.get("boxes")
    if not is_list(boxes) or not all((n := numbers(b)) and len(n) == 4 and max(n) <= 1.5 for b in boxes):
        return False
    size = numbers(values.get("size"))
    return ("logits" in values and "phrases" in values) or (size is not None and len(size) == 2)


def _entries(
    value: Mapping, key: str, boxes: list, context: Context, walk: Walk, name: str, order: str, units: str
) -> list[Entry]:
    words = words_of(key)
    words += [w for w in (plain_key(key), plain_key(key).removeprefix("boxes").removeprefix("bboxes")) if w]
    said_order, said_units = declared(value)
    by_key = next((ORDER_WORDS[w] for w in words if w in ORDER_WORDS), "")
    order = by_key or said_order or context.order or order
    sure_units = next((UNIT_WORDS[w] for w in words if w in UNIT_WORDS), "") or said_units or context.units
    texts = _texts(value, key, len(boxes), context, walk)
    lists = {k: v[0] for k, v in value.items() if is_list(v) and len(v) == len(boxes)}
    unread = "" if any(texts) else unread_text(lists)
    found = []
    for i, (box, text) in enumerate(zip(boxes, texts, strict=True)):
        common = {"text": text, "size": context.size, "unread": "" if i else unread}
        four = numbers(box)
        if four and len(four) == 4:
            marks = written_units(box) or sure_units
            found.append(Entry(name, four, order, units=marks or units, sure=bool(marks), written=wrote(box), **common))
            continue
        corners = [four[i : i + 2] for i in range(0, 8, 2)] if four and len(four) == 8 else points(box)
        outline = raw_box_of({"polygon": box}) if corners is None and is_list(box) else None
        around_it = around(corners) if corners else outline.values if outline else None
        if around_it:
            found.append(
                Entry(
                    name,
                    around_it,
                    "xyxy",
                    True,
                    sure_units or units,
                    bool(sure_units),
                    written=wrote(around_it),
                    **common,
                )
            )
        else:
            hint = "; leave out the score or the angle" if four and len(four) == 5 else ""
            problem = f"a box must be four numbers; got {wrote(box)}{hint}"
            found.append(Entry(name, problem=problem, written=wrote(box), **common))
    return found


def _texts(value: Mapping, key: str, count: int, context: Context, walk: Walk) -> list[str]:
    """A text for each box: of the list beside them, else the one text of them all."""
    columns = {**folded(value)}
    if isinstance(columns.get("data"), Mapping):  # supervision
        columns = {**folded(columns["data"]), **columns}
    others = []
    for name in COLUMN_TEXTS:
        texts = columns.get(name)
        if name == plain_key(key) or not is_list(texts) or not texts:
            continue
        said = [context.names.get(t, context.names.get(str(t))) if number(t) is not None else t for t in texts]
        if not any(isinstance(t, str) and t.strip() for t in said):
            continue
        if len(said) == count:
            return [t.strip() if isinstance(t, str) else "" for t in said]
        others.append((name, len(said)))
    if others:
        name, found = others[0]
        walk.notes.append(
            f'There are {found} texts in "{name}" for {count} boxes: which belongs to which cannot be known, so they '
            "were left out; describe the regions."
        )
        return [""] * count
    return [walk.group_text(value) or context.text] * count


def find_transposed(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """Tables kept by columns, as pandas writes them: {"xmin": [..], "ymin": [..], ...}, or with a mapping by rows."""
    if not isinstance(value, Mapping):
        return None
    values = folded(value)
    if is_list(values.get("columns")) and is_list(values.get("data")) and all(map(is_list, values["data"])):
        walk.allow(len(values["data"]))
        rows = [dict(zip(map(str, values["columns"]), row, strict=False)) for row in values["data"]]
        return _of_rows(rows, context, walk)
    keys = next((s for s in (*CENTRES, *CORNERS, *SIZES) if all(_column(values.get(k)) for k in s)), None)
    if keys is None:
        return None
    columns = {k: c for k, v in value.items() if (c := _column(v))}
    counts = {len(columns[_own(value, k)]) for k in keys}
    if len(counts) != 1:
        problem = f"the columns {', '.join(keys)} have different lengths"
        return [Entry("columns of numbers", problem=problem, written=", ".join(keys))]
    (count,) = counts
    walk.allow(count)
    rows = [{k: c[i] for k, c in columns.items() if len(c) == count} for i in range(count)]
    return _of_rows(rows, walk.inside(value, context), walk)


def _of_rows(rows: list[dict], context: Context, walk: Walk) -> list[Entry]:
    return [replace(e, dialect="columns of numbers") for row in rows for e in walk.entries(row, context)]


def _column(value: Any) -> list | None:
    if isinstance(value, Mapping) and value and all(isinstance(k, (str, int)) and str(k).isdigit() for k in value):
        return list(value.values())
    return list(value) if is_list(value) and value else None
