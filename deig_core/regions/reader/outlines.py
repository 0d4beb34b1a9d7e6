"""What files have instead of boxes: polygons, quadrilaterals, circles, masks. The box around them counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .entry import Numbers, around, folded, is_list, number, numbers, points, wrote
from .raw_box import RawBox
from .vocabulary import OUTLINES


def outlined(values: Mapping[str, Any], raw_box_of: Callable[[Mapping], RawBox | None]) -> RawBox | None:
    """The box around the outline or circle that a mapping holds by its plain keys; None where there is none."""
    if "allpointsx" in values and "allpointsy" in values:  # VGG's annotator
        xs, ys = numbers(values["allpointsx"]), numbers(values["allpointsy"])
        if xs and ys and len(xs) == len(ys):
            return box_around(list(zip(xs, ys, strict=True)), "all_points", "")
    if circle := _circle(values):
        return circle
    for key in OUTLINES:
        value = values.get(key)
        if value is None or value == []:
            continue
        units = "fractions" if key == "normalizedvertices" else ""
        if isinstance(value, Mapping):
            inner = folded(value)
            if "counts" in inner:
                return RawBox(
                    problem=f'"{key}" is a mask in run lengths: connect it as a mask to DEIG Regions from Masks'
                )
            xs, ys = numbers(inner.get("x")), numbers(inner.get("y"))  # Ultralytics' segments
            if xs and ys and len(xs) == len(ys):
                return box_around(list(zip(xs, ys, strict=True)), key, "")
            if found := raw_box_of(value):
                return found
        corners = points(value) or flat_points(value)
        if corners and len(corners) == 1:
            return RawBox(problem=f'"{key}" is one point, and a region needs a box')
        if corners:
            found = box_around(corners, key, "")
            return RawBox(**{**vars(found), "units": units})
        return RawBox(
            problem=f'"{key}" is no outline that can be read: {wrote(value) if is_list(value) else "no list"}'
        )
    return None


def _circle(values: Mapping[str, Any]) -> RawBox | None:
    for x, y, rx, ry in (
        ("cx", "cy", "r", "r"),
        ("cx", "cy", "rx", "ry"),
        ("cx", "cy", "radius", "radius"),
        ("x", "y", "radius", "radius"),
        ("x", "y", "radiusx", "radiusy"),
    ):
        four = [number(values.get(k)) for k in (x, y, rx, ry)]
        if None not in four:
            a, b, w, h = four
            return RawBox(
                (a, b, 2 * w, 2 * h), "cxcywh", True, "", "circle", wrote(four), remark="the box around a circle"
            )
    return None


def flat_points(value: Any) -> list[Numbers] | None:
    """Points of [x, y, x, y, x, y ...], and of several such lists, or lists of points, together."""
    if is_list(value) and value and (flat := numbers(value)) and len(flat) >= 6 and len(flat) % 2 == 0:
        return [flat[i : i + 2] for i in range(0, len(flat), 2)]
    if not is_list(value) or not value:
        return None
    found: list[Numbers] = []
    for part in value:
        inner = (points(part) or flat_points(part)) if is_list(part) else None
        if inner is None:
            return None
        found += inner
    return found


def box_around(corners: list[Numbers], key: str, order: str) -> RawBox:
    """The box around points, which are y, x where `order` is yxyx."""
    if order == "yxyx":
        corners = [(x, y) for y, x in corners]
    box = around(corners)
    outline = len(corners) > 2 and len({c[0] for c in corners} | {c[1] for c in corners}) > 4
    return RawBox(box, "xyxy", True, "", key, wrote(box), remark="the box around an outline" if outline else "")
