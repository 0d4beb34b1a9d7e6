"""How files write a box: the keys of boxes, corners, sizes, centres and outlines, and what they say of units."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..box import WidthHeight
from .descriptions import text_of
from .entry import (
    Context,
    Numbers,
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
from .outlines import box_around, flat_points, outlined
from .raw_box import RawBox
from .vocabulary import ANGLES, BOX_KEYS, CENTRES, CORNERS, DECLARES, ORDER_WORDS, PAIRS, SIZES, UNIT_WORDS, UNSAID

MOST_BOXES = 1000  # under one key, far more than a picture's regions


def raw_box_of(entry: Mapping) -> RawBox | None:
    """The box that a mapping holds by its keys; None where no key is known as one."""
    values = folded(entry)
    if counts_from_below(entry):
        return RawBox(problem=FROM_BELOW)
    for angle in ANGLES:
        if (turned := number(values.get(angle))) and turned % 360:
            return RawBox(problem=f"is rotated by {turned:g}, and boxes here are upright: write the box around it")
    for key in (*BOX_KEYS, *(plain_key(k) for k in entry if _is_box_key(k))):
        if key in values and values[key] is not None and (found := _boxed(entry, key, values[key])):
            return found
    if found := _keyed(values):
        return found
    for first, second in PAIRS:
        if first in values and second in values and (two := points([values[first], values[second]])):
            units = written_units([*_pair(values[first]), *_pair(values[second])])
            return RawBox((*two[0], *two[1]), "xyxy", True, units, f"{first}, {second}", wrote((*two[0], *two[1])))
    if found := _centre_and_size(values):
        return found
    return outlined(values, raw_box_of)


FROM_BELOW = "counts from the lower edge of the picture, and boxes here count from the upper one"


def counts_from_below(entry: Mapping) -> bool:
    """Whether a mapping says of its boxes that their origin is the lower left corner, as PDF has it."""
    below = ("bottomleft", "lowerleft", "leftbottom", "leftlower", "bottom")
    return any("origin" in key and plain_key(said) in below for key, said in folded(entry).items())


def declared(entry: Mapping) -> tuple[str, str]:
    """(order, units) that a mapping states in words ("bbox_format": "xywh"), "" where it does not."""
    order = units = ""
    for key, value in folded(entry).items():
        declares = key in DECLARES or (key.endswith(_DECLARING) and ("coord" in key or "box" in key))
        if declares and isinstance(value, str) and len(value) < 60:
            units = units or ("percent" if value.strip() == "%" else "")
            said = [plain_key(value), *(plain_key(w) for w in re.split(r"[^A-Za-z0-9.]+", value) if w)]
            order = order or next((ORDER_WORDS[w] for w in said if w in ORDER_WORDS), "")
            units = units or next((UNIT_WORDS[w] for w in said if w in UNIT_WORDS), "")
        elif key == "bboxmode" and value in (0, 1) and not isinstance(value, bool):
            order, units = ("xyxy", "xywh")[value], "pixels"  # Detectron2's BoxMode
    return order, units


_DECLARING = ("format", "mode", "units", "unit", "order", "layout", "system", "type")


def size_of(entry: Mapping) -> WidthHeight | None:
    """Width and height in pixels of the picture that a file belongs to, where it says them beside its boxes."""
    values = folded(entry)
    for width, height in (
        *(("imagewidth", "imageheight"), ("imgwidth", "imgheight"), ("originalwidth", "originalheight")),
        *(("canvaswidth", "canvasheight"), ("inputwidth", "inputheight"), ("framewidth", "frameheight")),
        *(("width", "height"), ("w", "h")),
    ):
        if width in values and height in values and _keyed(values) is None:
            sides = number(values[width]), number(values[height])
            if all(s is not None and s >= 2 for s in sides):
                return sides
    picture = values.get("image")
    sides = numbers(picture.get("size")) if isinstance(picture, Mapping) and "path" in picture else None
    if sides and len(sides) == 2 and min(sides) >= 2:
        return sides[1], sides[0]  # Datumaro has the height first
    of_box = ("size", "dimensions") if _centre_and_size(values) else ()
    for key in (
        "size",
        "imagesize",
        "image",
        "images",
        "img",
        "metadata",
        "canvas",
        "dimensions",
        "resolution",
        "info",
    ):
        inner = None if key in of_box else values.get(key)
        inner = inner[0] if is_list(inner) and len(inner) >= 1 and isinstance(inner[0], Mapping) else inner
        if isinstance(inner, Mapping) and (found := size_of(inner)):
            return found
        if (
            key == "resolution"
            and isinstance(inner, str)
            and (m := re.fullmatch(r"\s*(\d{2,5})\s*[x×*]\s*(\d{2,5})\s*", inner))
        ):
            return float(m[1]), float(m[2])
    return None


@lru_cache(maxsize=4096)
def _is_box_key(key: Hashable) -> bool:
    """A key such as "bbox_norm" or "boxXYWH": a box, and words for its order and units."""
    words = words_of(key)
    return any(w in ("box", "bbox") for w in words) and all(
        w in ("box", "bbox", "bounding") or w in ORDER_WORDS or w in UNIT_WORDS for w in words
    )


def _boxed(entry: Mapping, key: str, value: Any) -> RawBox | None:
    own = next(k for k in entry if plain_key(k) == key)
    words = words_of(own)
    order = next((ORDER_WORDS[w] for w in (key, *words) if w in ORDER_WORDS), "")
    units = next((UNIT_WORDS[w] for w in (key, *words) if w in UNIT_WORDS), "")
    if isinstance(value, Mapping):
        found = raw_box_of(value)
        if found is None and any(isinstance(v, (Mapping, list)) for v in value.values()):
            return None  # a part of a file that is called so
        if found is None:
            return RawBox(problem=f'"{own}" is no box: {wrote(list(value))} are not the keys of one', key=own)
        said_order, said_units = declared(value)
        return replace(
            found,
            key=own,
            units=found.units or said_units or units,
            order=found.order or said_order,
            text=found.text or text_of(value, Context()),
        )
    found = numbers(value)
    if found and len(found) == 4:
        order = order or ("?" if key in UNSAID else "")
        units = written_units(value if is_list(value) else re.findall(r"[\d.]+(?:%|px)", value)) or units
        return RawBox(found, order, False, units, own, wrote(value))
    if is_list(value) and len(value) > MOST_BOXES and not points(value) and not found:
        return RawBox(problem=f'"{own}" is a list of {len(value)}; a box is four numbers', key=own)
    if is_list(value) and value:
        if all(numbers(v) and len(numbers(v)) == 4 for v in value):
            several = [RawBox(numbers(v), order, False, written_units(v) or units, own, wrote(v)) for v in value]
            return replace(several[0], more=tuple(several[1:]))
        if corners := points(value):
            return box_around(corners, own, order)
        if all(isinstance(v, Mapping) and raw_box_of(v) for v in value):
            several = [replace(raw_box_of(v), text=text_of(v, Context())) for v in value]
            return replace(several[0], more=tuple(several[1:]))
    if found and len(found) == 8:
        return box_around([found[i : i + 2] for i in range(0, 8, 2)], own, order)
    if is_list(value) and any(is_list(v) for v in value) and (corners := flat_points(value)):
        return box_around(corners, own, order)
    return RawBox(problem=f'"{own}" must be four numbers; got {wrote(value)}', key=own)


_KEYS = tuple(
    (keys, frozenset(keys), order)
    for sets, order in ((CENTRES, "cxcywh"), (CORNERS, "xyxy"), (SIZES, "xywh"))
    for keys in sets
)


def _keyed(values: Mapping[str, Any]) -> RawBox | None:
    for keys, needed, order in _KEYS:
        if needed <= values.keys():
            return _of_keys(values, keys, order)
    return None


def _of_keys(values: Mapping[str, Any], keys: tuple[str, ...], order: str) -> RawBox:
    raw = [values[k] for k in keys]
    four = tuple(number(v) for v in raw)
    if any(v is None for v in four):
        return RawBox(problem=f"{', '.join(keys)} must be four numbers; got {wrote(raw)}", key=", ".join(keys))
    if order == "xywh" and "scalex" in values and "scaley" in values:
        return _scaled(values, keys, four)
    if "x3" in values and "y3" in values:  # a quadrilateral, as Ultralytics writes oriented boxes
        corners = [(values.get(f"x{i}"), values.get(f"y{i}")) for i in range(1, 5)]
        if found := points([list(c) for c in corners]):
            return box_around(found, "x1 to y4", "")
    return RawBox(four, order, True, written_units(raw), ", ".join(keys), wrote(raw))


def _scaled(values: Mapping[str, Any], keys: tuple[str, ...], four: Numbers) -> RawBox:
    """Fabric's objects: sizes before they were scaled, and a corner that may be the middle."""
    scales = number(values["scalex"]), number(values["scaley"])
    origins = {str(values.get("originx", "left")), str(values.get("originy", "top"))}
    order = "cxcywh" if origins == {"center"} else "xywh" if origins == {"left", "top"} else ""
    if None in scales or not order:
        return RawBox(problem="is scaled or placed in a way that is not known: write the box as it is in the picture")
    whole = (*four[:2], four[2] * scales[0], four[3] * scales[1])
    return RawBox(whole, order, True, "", ", ".join(keys), wrote(whole))


def _centre_and_size(values: Mapping[str, Any]) -> RawBox | None:
    for centre in ("center", "centre", "centerpoint", "position", "origin", "topleft", "xy"):
        for size in ("size", "dimensions", "wh", "extent", "extents"):
            if centre in values and size in values:
                at, side = _two(values[centre]), _two(values[size])
                if at and side:
                    order = "cxcywh" if centre.startswith("cent") else "xywh"
                    units = written_units([*_pair(values[centre]), *_pair(values[size])])
                    return RawBox((*at, *side), order, True, units, f"{centre}, {size}", wrote((*at, *side)))
    return None


def _pair(value: Any) -> list:
    return list(value.values()) if isinstance(value, Mapping) else list(value) if is_list(value) else []


def _two(value: Any) -> Numbers | None:
    if isinstance(value, Mapping):
        by = folded(value)
        pair = next(
            ((by[a], by[b]) for a, b in (("x", "y"), ("width", "height"), ("w", "h")) if a in by and b in by), None
        )
        value = list(pair) if pair else None
    found = numbers(value) if value is not None else None
    return found if found and len(found) == 2 else None
