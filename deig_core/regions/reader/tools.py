"""Files of annotation tools and packs whose places are written in a way of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..box import Box
from .box_keys import raw_box_of
from .descriptions import text_of
from .entry import Context, Entry, around, folded, is_four, is_list, numbers, points, wrote
from .limits import MOST_PARTS
from .mapping import entries_of
from .raw_box import RawBox
from .said import SEVERAL_PICTURES, Said

if TYPE_CHECKING:
    from .walk import Walk


def find_label_studio(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """A result of Label Studio, or a row of its short export; a kind without a place is named, or passed over."""
    if not isinstance(value, Mapping):
        return None
    values = folded(value)
    inner = values.get("value")
    studio = isinstance(inner, Mapping) and ("originalwidth" in values or "fromname" in values)
    labels = any(k.endswith("labels") and k != "labels" and len(k) > 8 and is_list(v) for k, v in values.items())
    if not studio and not (labels and (raw_box_of(value) is not None)):
        return None
    holder = inner if studio else value
    raw = raw_box_of(holder)
    if raw is None:
        if any(k in folded(holder) for k in ("choices", "text", "rating", "taxonomy")):
            return []
        problem = "holds no rectangle, ellipse or polygon; draw one, or connect a mask to DEIG Regions from Masks"
        return [Entry("Label Studio", text=text_of(holder, context), problem=problem, written=wrote(list(holder)))]
    return [replace(e, units="percent", sure=True) for e in entries_of(raw, holder, context, "Label Studio")]


def find_createml(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """An annotation of CreateML: the centre and size in pixels."""
    inner = folded(value).get("coordinates") if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping) or not all(k in folded(inner) for k in ("x", "y", "width", "height")):
        return None
    raw = raw_box_of(inner)
    return entries_of(raw, value, context, "CreateML", "cxcywh", "pixels")


def find_omost(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """A region of Omost's canvas: top, bottom, left, right of 90."""
    if not isinstance(value, Mapping) or not {"rect"} < set(value) or not {"prefixes", "suffixes"} & set(value):
        return None
    four = numbers(value["rect"])
    parts = [p for key in ("prefixes", "suffixes") if is_list(value.get(key)) for p in value[key] if isinstance(p, str)]
    text = ", ".join(p.strip().strip(",") for p in parts if p.strip())
    if four is None or len(four) != 4:
        return [Entry("Omost canvas", text=text, problem=f'"rect" must be four numbers; got {wrote(value["rect"])}')]
    fractions = tuple(v / 90 for v in four)
    return [Entry("Omost canvas", fractions, "yyxx", True, "fractions", True, text=text, written=wrote(four))]


def find_labelme(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """A shape of labelme; of an outline the box around it."""
    if not isinstance(value, Mapping) or "shape_type" not in value or "points" not in value:
        return None
    corners, text = points(value["points"]), text_of(value, context)
    kind = value["shape_type"]
    if not corners or kind in ("point", "linestrip", "line", "points") or (len(corners) < 2):
        problem = f"is a {kind}, which has no inside: draw a rectangle or a polygon"
        return [Entry("labelme", text=text, problem=problem, written=wrote(kind))]
    remark = "" if kind == "rectangle" else "the box around an outline"
    if kind == "circle":
        (x, y), (ex, ey) = corners[:2]
        radius = ((ex - x) ** 2 + (ey - y) ** 2) ** 0.5
        corners = [(x - radius, y - radius), (x + radius, y + radius)]
    box = around(corners)
    return [Entry("labelme", box, "xyxy", True, "pixels", False, context.size, text, written=wrote(box), remark=remark)]


def find_vgg(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """A region of the VGG Image Annotator, of its versions 1 to 3 or a row of its CSV."""
    if not isinstance(value, Mapping):
        return None
    if "region_shape_attributes" in value:  # a row of its CSV
        value = {str(k).removeprefix("region_"): _json(v) for k, v in value.items() if str(k).startswith("region_")}
        value["region_attributes"] = value.pop("attributes", {})
    elif isinstance(value.get("metadata"), Mapping) and isinstance(value.get("file"), Mapping):
        return _vgg_3(value, context, walk)
    if not isinstance(value.get("shape_attributes"), Mapping):
        return None
    raw = raw_box_of(value["shape_attributes"]) or RawBox(problem="is a point or a line, which has no inside")
    return entries_of(raw, value, context, "VGG Image Annotator", units="pixels")


def _json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def _vgg_3(value: Mapping, context: Context, walk: Walk) -> list[Entry] | None:
    """Its third version: {"xy": [2, x, y, width, height], "vid": file, "av": {attribute: text or an option's id}}."""
    marked = [m for m in value["metadata"].values() if isinstance(m, Mapping) and is_list(m.get("xy")) and m["xy"]]
    if not marked:
        return None
    files = list(dict.fromkeys(str(m.get("vid")) for m in marked))
    if len(files) > 1:
        walk.notes.append(Said(SEVERAL_PICTURES, count=len(files)))
    found = []
    for one in marked:
        if str(one.get("vid")) != files[0]:
            continue
        kind, *rest = numbers(one["xy"]) or (0,)
        shape = {2: lambda n: dict(zip(("x", "y", "width", "height"), n, strict=False)), 7: lambda n: {"polygon": n}}
        raw = raw_box_of(shape[kind](rest)) if kind in shape else None
        raw = raw or RawBox(problem="is no rectangle and no polygon", written=wrote(one["xy"]))
        said = one.get("av") if isinstance(one.get("av"), Mapping) else {}
        text = ", ".join(t for k, v in said.items() if (t := _vgg_said(value.get("attribute"), k, v)))
        found += entries_of(raw, {"text": text}, context, "VGG Image Annotator", units="pixels")
    return found


def _vgg_said(attributes: Any, key: str, said: Any) -> str:
    about = attributes.get(key) if isinstance(attributes, Mapping) else None
    options = about.get("options") if isinstance(about, Mapping) else None
    option = options.get(said, said) if isinstance(options, Mapping) and isinstance(said, str) else said
    return option.strip() if isinstance(option, str) else ""


def find_fragment(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """A W3C web annotation whose selector is a media fragment, xywh=."""
    target = value.get("target") if isinstance(value, Mapping) else None
    selector = target.get("selector") if isinstance(target, Mapping) else None
    said = selector.get("value") if isinstance(selector, Mapping) else None
    match = re.fullmatch(r"xywh=(?:(pixel|percent):)?([\d.,]{7,80})", said) if isinstance(said, str) else None
    four = numbers(match[2]) if match else None
    if not four or len(four) != 4:
        return None
    units = "percent" if match[1] == "percent" else "pixels"
    text = text_of({"text": value.get("body"), **value}, context)
    return [Entry("web annotations", four, "xywh", True, units, True, context.size, text, written=said)]


def find_segs(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """The Impact Pack's SEGS as JSON: each segment's own box."""
    if not is_list(value) or len(value) != 2 or not is_list(value[1]):
        return None
    size = numbers(value[0]) if is_list(value[0]) else None
    if not size or len(size) != 2 or not all(isinstance(s, Mapping) and "crop_region" in s for s in value[1]):
        return None
    inside = replace(context, size=(size[1], size[0]))
    found: list[Entry] = []
    for seg in value[1]:
        raw = RawBox(problem='"bbox" must be four numbers') if not is_four(seg.get("bbox")) else raw_box_of(seg)
        found += entries_of(raw, seg, inside, "Impact SEGS", "xyxy", "pixels")
    return found


def segs_parts(value: Any) -> list[Box] | None:
    """The parts around the segments of the Impact Pack's SEGS ((height, width), segments), in fractions of the picture;
    None for anything else. `find_segs` reads the segments' own boxes.
    """
    if not isinstance(value, tuple) or len(value) != 2 or not all(hasattr(seg, "crop_region") for seg in value[1]):
        return None
    (height, width), segs = value
    return [tuple(v / side for v, side in zip(seg.crop_region, (width, height) * 2, strict=True)) for seg in segs]


def find_coco(value: Any, context: Context, walk: Walk) -> list[Entry] | None:
    """A whole COCO file: the annotations of its first picture."""
    if not isinstance(value, Mapping) or not is_list(value.get("annotations")) or not is_list(value.get("images")):
        return None
    marked = [a for a in value["annotations"] if isinstance(a, Mapping) and "image_id" in a]
    first = next((a for a in marked[:MOST_PARTS] if raw_box_of(a)), None)
    if first is None:
        return None
    own = str(first["image_id"])
    of_first = [a for a in marked if str(a["image_id"]) == own]
    walk.spend(len(of_first))
    pictures = {str(a["image_id"]) for a in marked}
    if len(pictures) > 1:
        walk.notes.append(Said(SEVERAL_PICTURES, count=len(pictures)))
    picture = next((i for i in value["images"] if isinstance(i, Mapping) and str(i.get("id")) == own), {})
    inside = replace(
        walk.inside({"categories": value.get("categories")}, context), size=walk.inside(picture, context).size
    )
    return [e for a in of_first if (p := raw_box_of(a)) for e in entries_of(p, a, inside, "COCO", "xywh", "pixels")]
