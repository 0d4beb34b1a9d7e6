"""What an entry of a foreign file says of its thing, and numbers in it that would be a place if a key were known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .entry import Context, folded, is_list, number, numbers
from .vocabulary import ANGLES, BOX_KEYS, DECLARES, OUTLINES

TEXT_KEYS = (
    *("description", "desc", "caption", "prompt", "phrase", "expression", "sentence", "label", "text", "name", "class"),
    *("category", "classname", "categoryname", "tagname", "title", "classtitle", "displayname", "object", "objectname"),
    *("entity", "entityname", "labelname", "labeltext", "textlabel", "item", "subject", "concept", "query", "ref"),
    *("referringexpression", "instanceprompt", "regionprompt", "localprompt", "longdescription", "thing", "what"),
    *("rectanglelabels", "polygonlabels", "ellipselabels", "labels", "names", "tags", "classes", "categories", "obj"),
    *("value", "tag", "cls", "identity", "content", "textcontent", "transcription", "ocrtext", "sentences", "sent"),
)
NEGATIVE_KEYS = ("negative", "negativeprompt", "negprompt", "uncond", "negativedescription")
_HOLDERS = ("metadata", "regionattributes", "attributes", "data", "properties", "payload", "body")
_CLASS_KEYS = ("categoryid", "classid", "labelid", "class", "label", "category", "cls", "categoryidx")
# Numbers that stand beside a text and are no place.
_HARMLESS = {
    *(
        "score",
        "confidence",
        "conf",
        "probability",
        "prob",
        "id",
        "index",
        "idx",
        "order",
        "area",
        "weight",
        "strength",
    ),
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


_WORDS = re.compile(r"\s*[^\W\d_][^\n/\\#<>{}=]{2,2000}")
# Parts of keys that stand before words which describe no thing.
_NO_TEXT = (
    *(
        "id",
        "type",
        "kind",
        "mode",
        "format",
        "color",
        "colour",
        "file",
        "path",
        "url",
        "image",
        "source",
        "date",
        "time",
    ),
    *("by", "author", "user", "state", "status", "split", "token", "hash", "version", "license", "origin", "shape"),
    *("pose", "lang", "model", "mask", "unit", "order", "created", "layer", "direction", "view", "set", "space"),
    *("occluded", "truncated", "difficult", "outside", "keyframe", "align", "font", "style", "rule", "cap", "join"),
)
# Parts of a place inside a text: "left: 10%; top: 20%".
_SIDES = re.compile(r"\b(left|top|right|bottom|width|height|[xy](?:min|max|[012])?|[wh])\s*[:=]\s*-?[\d.]")


def text_of(entry: Mapping, context: Context) -> str:
    """The first text that an entry has for its thing, in the order of TEXT_KEYS, "" for none."""
    holders = [entry, *(v for k, v in folded(entry).items() if k in _HOLDERS and isinstance(v, Mapping))]
    for holder in holders:
        values = folded(holder)
        for key in TEXT_KEYS:
            if said := _said(values.get(key)):
                return said
    values = folded(entry)
    if context.names:
        for key in _CLASS_KEYS:
            known = values.get(key)
            if isinstance(known, (str, int)) and not isinstance(known, bool):
                said = context.names.get(known) or context.names.get(str(known))
                if said:
                    return said
    attributes = values.get("regionattributes")
    if isinstance(attributes, Mapping):
        return next((v.strip() for v in attributes.values() if isinstance(v, str) and v.strip()), "")
    return context.text


def _said(value: Any) -> str:
    if isinstance(value, str):
        return "" if number(value) is not None else value.strip()
    if is_list(value) and value:
        first = value[0]
        if isinstance(first, str) and all(isinstance(v, str) for v in value):
            return ", ".join(v.strip() for v in value if v.strip())
        return _said(first) if isinstance(first, Mapping) else ""
    if isinstance(value, Mapping):
        values = folded(value)
        return next((v.strip() for k in TEXT_KEYS if isinstance(v := values.get(k), str) and v.strip()), "")
    return ""


def negative_of(entry: Mapping) -> str:
    values = folded(entry)
    return next((v.strip() for k in NEGATIVE_KEYS if isinstance(v := values.get(k), str)), "")


def unread_text(entry: Mapping) -> str:
    """A key of an entry without a text whose value reads like one, "" for none."""
    for key, value in entry.items():
        name = next(iter(folded({key: value})), "")
        if not isinstance(value, str) or not _WORDS.fullmatch(value) or any(part in name for part in _NO_TEXT):
            continue
        if name not in DECLARES and name not in NEGATIVE_KEYS and name not in BOX_KEYS and name not in OUTLINES:
            return str(key)[:40]
    return ""


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
