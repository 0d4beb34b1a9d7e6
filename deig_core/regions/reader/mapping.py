"""Entries of mappings that hold one box each: what a box and its surroundings say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .box_keys import declared, raw_box_of
from .descriptions import negative_of, text_of, unread_text
from .entry import Context, Entry, folded
from .raw_box import RawBox

if TYPE_CHECKING:
    from .walk import Walk

Find = Callable[[Any, Context, "Walk"], list[Entry] | None]
When = Callable[[dict[str, Any], Context], object]


def entries_of(
    raw: RawBox, value: Mapping, context: Context, name: str, order: str = "", units: str = "auto"
) -> list[Entry]:
    """The entries of a mapping that holds one box or several of them, with the mapping's text."""
    said_order, said_units = declared(value)
    said_order, said_units = said_order or context.order, said_units or context.units
    own, negative, strength = text_of(value, replace(context, text="")), negative_of(value), value.get("strength", 1.0)
    found = []
    for one in (raw, *raw.more):
        sure_units = one.units or said_units
        text = (raw.more and one.text) or own or one.text or context.text
        if one.named:
            centre = "cxcywh" in (order, said_order) and one.order == "xywh"
            read_as = "cxcywh" if centre else one.order
        else:
            read_as = said_order or "?" if one.order == "?" else one.order or said_order or order or "xyxy"
        found.append(
            Entry(
                name,
                one.values or None,
                read_as,
                named=one.named,
                units=sure_units or units,
                sure=bool(sure_units),
                size=context.size,
                text=text,
                negative=negative,
                strength=strength,
                written=one.written,
                problem=one.problem,
                remark=one.remark,
                unread="" if text else unread_text(value),
            )
        )
    return found


def of_mappings(
    name: str,
    when: When,
    order: str = "",
    units: str = "auto",
) -> Find:
    """A `find` for mappings that hold one box each and pass `when` (given their plain keys)."""

    def find(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
        if not isinstance(value, Mapping) or not when(folded(value), context):
            return None
        raw = raw_box_of(value)
        if raw is None:
            return None
        inside = walk.inside(value, context)
        return entries_of(raw, value, inside, name, order, units)

    return find


def has(*keys: str) -> When:
    return lambda values, _: all(k in values for k in keys)


def any_of(needed: str, *others: str) -> When:
    return lambda values, _: values.get(needed) is not None and any(k in values for k in others)


def keys_named(sets: tuple[tuple[str, ...], ...]) -> When:
    return lambda values, _: any(all(k in values for k in keys) for keys in sets)
