"""Entries of mappings that hold one place each: what a place and its surroundings say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .entry import Context, Entry, folded
from .places import Place, declared, place_of
from .texts import negative_of, text_of, unread_text

if TYPE_CHECKING:
    from .walk import Walk

Find = Callable[[Any, Context, "Walk"], list[Entry] | None]
When = Callable[[dict[str, Any], Context], object]


def entries_of(
    place: Place, value: Mapping, context: Context, name: str, layout: str = "", units: str = "auto"
) -> list[Entry]:
    """The entries of a mapping that holds one place or several of them, with the mapping's text."""
    order, unit = declared(value)
    order, unit = order or context.layout, unit or context.units
    own, negative, strength = text_of(value, replace(context, text="")), negative_of(value), value.get("strength", 1.0)
    found = []
    for one in (place, *place.more):
        said = one.units or unit
        text = (place.more and one.text) or own or one.text or context.text
        if one.named:
            centre = "cxcywh" in (layout, order) and one.layout == "xywh"
            written_as = "cxcywh" if centre else one.layout
        else:
            written_as = order or "?" if one.layout == "?" else one.layout or order or layout or "xyxy"
        found.append(
            Entry(
                name,
                one.values or None,
                written_as,
                named=one.named,
                units=said or units,
                sure=bool(said),
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
    layout: str = "",
    units: str = "auto",
) -> Find:
    """A `find` for mappings that hold one place each and pass `when` (given their plain keys)."""

    def find(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
        if not isinstance(value, Mapping) or not when(folded(value), context):
            return None
        place = place_of(value)
        if place is None:
            return None
        inside = walk.inside(value, context)
        return entries_of(place, value, inside, name, layout, units)

    return find


def has(*keys: str) -> When:
    return lambda values, _: all(k in values for k in keys)


def any_of(needed: str, *others: str) -> When:
    return lambda values, _: values.get(needed) is not None and any(k in values for k in others)


def keys_named(sets: tuple[tuple[str, ...], ...]) -> When:
    return lambda values, _: any(all(k in values for k in keys) for keys in sets)
