"""Numbers of an entry that would be a place if a key were known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .descriptions import NEGATIVE_KEYS, TEXT_KEYS
from .entry import folded, is_list, number, numbers
from .vocabulary import ANGLES, BOX_KEYS, OUTLINES

# Numbers that stand beside a text and are no place.
_HARMLESS = {
    *("score", "confidence", "conf", "probability", "prob", "id"),
    *("index", "idx", "order", "area", "weight", "strength"),
    *("seed", "frame", "time", "timestamp", "version", "zindex", "layer", "depth", "count", "priority", "scale", "n"),
    *("color", "colour", "colors", "colours", "colorpalette", "palette", "embedding", "scores", "logit", "logits"),
    *("opacity", "alpha", "iscrowd", "trackid", "trackerid", "imageid", "detectionid", "classid", "categoryid"),
    *("labelid", "number", "rank", "level", "group", "groupid", "similarity", "distance", "age", "feather"),
    *("featherratio", "enable", "enabled", "locked", "visible", "width", "height", "type", "instanceid", "objectid"),
}
PLACE_WORDS = {
    *BOX_KEYS,
    *OUTLINES,
    *("area2d", "roi", "zone", "region", "crop", "loc", "location", "position", "pos", "place", "placement", "where"),
    *("coord", "window", "viewport", "extent", "patch", "geometry", "shape", "bb", "aabb", "rects", "boxes", "bboxes"),
    *("point", "points2d", "point2d", "keypoints", "landmarks", "rle", "mask", "masks", "frame2d", "tile", "cell"),
    *("quadrant", "side", "grid", "slot", "span", "rotatedbox", "obb", "rbox"),
}
# Parts of a place inside a text: "left: 10%; top: 20%".
_SIDES = re.compile(r"\b(left|top|right|bottom|width|height|[xy](?:min|max|[012])?|[wh])\s*[:=]\s*-?[\d.]")


def stray_place(entry: Mapping) -> str:
    """What in an entry without a known box looks like a place, in words for a message; "" where nothing does."""
    loose = []
    for key, value in entry.items():
        folded_key = next(iter(folded({key: value})), "")
        if folded_key in PLACE_WORDS or folded_key in ANGLES:
            if is_list(value) and not value and folded_key.endswith("s"):
                continue  # a detector that found nothing
            if value is None:
                return f'"{str(key)[:40]}" is empty'
            return f'"{str(key)[:40]}" is not a box that can be read'
        if isinstance(value, str) and (folded_key == "area" or len(set(_SIDES.findall(value[:400]))) > 1):
            return f'"{str(key)[:40]}" is a place in words, which is not read'
        if folded_key in _HARMLESS or folded_key in TEXT_KEYS or folded_key in NEGATIVE_KEYS:
            continue
        if number(value) is not None:
            loose.append(str(key)[:40])
        elif _numeric(value):
            return f'"{str(key)[:40]}" holds numbers, and no format with this key is known: name it box'
    if len(loose) > 1:
        keys = ", ".join(f"{k!r}" for k in loose[:4])
        return f"{keys} are numbers, and no format with these keys is known: name them x, y, width, height"
    return ""


def _numeric(value: Any) -> bool:
    """A list or mapping with at least two numbers in it, or text that consists of two."""
    if isinstance(value, str):
        found = numbers(value)
        return found is not None and len(found) > 1
    values = value.values() if isinstance(value, Mapping) else value if is_list(value) else ()
    count = 0
    for inner in values:
        if number(inner) is not None:
            count += 1
        elif isinstance(inner, (Mapping, list)) and _numeric(inner):
            return True
        if count > 1:
            return True
    return False
