"""Every other way in: what other nodes, tools and models call boxes, turned into a region document.

Accepted, as Python values or as JSON text:
    our own document                                 {"version": 1, "regions": [...]}
    core BOUNDING_BOX, one box, a frame, or frames   {x, y, width, height, metadata: {desc}} in pixels
    core ARRAY, and Ideogram-style {"elements": []}  {type, bbox: [ymin, xmin, ymax, xmax] on 0..1000, desc, text}
    KJNodes elements                                 {x, y, w, h, desc, text} as fractions
    detections                                       {box | bbox | xyxy | box_2d: [4 numbers], label | caption |
    description ...} detectors' columns                               {boxes | bboxes: [[4 numbers], ...], labels |
    phrases | ...: [text, ...]} bare lists                                       [[4 numbers], ...] (KJNodes BBOX is
    xywh in pixels), tensors and arrays texts                                            "a red hoodie", or {desc ...}
    without a box: a region of the whole image
Of several frames the first one is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import torch

from ..errors import RegionError
from .document import (
    COLORS,
    Region,
    RegionDocument,
    check_count,
    checked_box,
    checked_number,
    checked_strength,
    checked_text,
    log,
    mask_bounds,
    parse,
    shown,
)

LIST_KEYS = ("elements", "boxes", "bboxes", "detections", "objects", "instances")
PARALLEL_KEYS = (
    "labels",
    "phrases",
    "captions",
    "descriptions",
    "texts",
    "class_names",
    "names",
)  # beside a list of boxes, one for each
TEXT_KEYS = ("description", "desc", "label", "caption", "prompt", "text", "phrase", "name", "class", "category")
LAYOUTS = ("xyxy", "xywh", "yxyx")
UNITS = ("auto", "pixels", "fractions", "0..1000")
WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)


def from_boxes(
    source: Any,
    width: int,
    height: int,
    *,
    layout: str = "xyxy",
    units: str = "auto",
    descriptions: Sequence[str] = (),
) -> RegionDocument:
    """Turn `source` (see the module) into a document of width x height pixels.

    layout: order of bare lists of four, one of LAYOUTS. units: of bare lists and detections, one of UNITS; "auto" takes
    numbers that are all <= 1 as fractions and others as pixels. descriptions: override the boxes' own texts, in order;
    texts beyond the last box get a box of the whole image. Raises RegionError for what cannot be read.
    """
    if isinstance(source, str):
        source = from_text(source)
    if isinstance(source, Mapping) and "regions" in source:
        document = parse(source)
        check_count(max(len(document.regions), len(descriptions)))
        return RegionDocument(
            document.width, document.height, _described(document.regions, descriptions), document.extra
        )
    entries = _entries(source)
    check_count(max(len(entries), len(descriptions)))
    if units == "auto":
        numbers = [n for e in entries if not _has_own_units(e) for n in _bare_numbers(e)]
        units = "fractions" if all(abs(n) <= 1 for n in numbers) else "pixels"
    regions = []
    for i, entry in enumerate(entries):
        name = f"Region {i + 1}"
        text = checked_text(_description(entry), name, "description")
        alone = text and (isinstance(entry, str) or (not _has_own_units(entry) and _bare(entry) is None))
        box = WHOLE_IMAGE if alone else _box(entry, name, width, height, layout, units)
        strength = checked_strength(entry.get("strength", 1.0), name) if isinstance(entry, Mapping) else 1.0
        regions.append(
            Region(f"r{i + 1}", checked_box(box, name), text, color=COLORS[i % len(COLORS)], strength=strength)
        )
    return RegionDocument(width, height, _described(regions, descriptions))


def from_masks(masks: torch.Tensor, width: int, height: int, descriptions: Sequence[str] = ()) -> RegionDocument:
    """One region for each mask [n, h, w] (a pixel belongs to it from 0.5 on), each with its mask and its bounding box.

    Empty masks are left out with a warning in the log, together with their description. Raises RegionError for more
    than 64 masks.
    """
    if masks.ndim != 3:
        raise RegionError(f"Masks must be a batch [count, height, width]; got the shape {list(masks.shape)}.")
    check_count(len(masks))
    regions = []
    for i, mask in enumerate(masks.detach().cpu() >= 0.5):
        if not mask.any():
            log.warning("Mask %d is empty and was left out.", i + 1)
            continue
        text = descriptions[i] if i < len(descriptions) else ""
        regions.append(Region(f"r{i + 1}", mask_bounds(mask), text, color=COLORS[i % len(COLORS)], mask=mask))
    return RegionDocument(width, height, tuple(regions))


def from_text(text: str) -> Any:
    """Decode JSON as people and models write it: code fences, words around it and trailing commas are forgiven.

    Raises RegionError where nothing can be read.
    """
    fenced = re.search(r"```[\w-]*\s*(.*?)```", text, re.S)
    body = (fenced.group(1) if fenced else text).strip()
    starts = [i for i in (body.find("{"), body.find("[")) if i >= 0]
    end = max(body.rfind("}"), body.rfind("]")) + 1
    # The whole text first: fences inside a description are part of it.
    candidates = [text, body, body[min(starts) : end]] if starts else [text, body]
    for candidate in candidates:
        for attempt in (candidate, _without_trailing_commas(candidate)):
            try:
                return json.loads(attempt)
            except (ValueError, RecursionError):
                continue
    if not body:
        return []
    raise RegionError("The boxes are no readable JSON: expected a list of boxes or a region document.")


def _without_trailing_commas(text: str) -> str:
    return re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda m: m.group(1) or "", text)


def _entries(source: Any) -> list:
    if isinstance(source, Mapping):
        entries = next((list(found) for key in LIST_KEYS if _is_list(found := _listed(source.get(key)))), None)
        return [source] if entries is None else _with_texts(entries, source)
    source = _listed(source)
    if not _is_list(source):
        raise RegionError(f"Boxes must be a list of boxes, or JSON text of one; got {type(source).__name__}.")
    if not source:
        return []
    if _is_four(source):
        return [source]
    first = _listed(source[0])
    is_frames = _is_list(first) and not any(isinstance(v, Real) for v in first)
    return list(first) if is_frames else list(source)


def _with_texts(entries: list, source: Mapping) -> list:
    """Boxes with the texts that stand beside them in a list of the same length."""
    texts = next((t for key in PARALLEL_KEYS if _is_list(t := source.get(key)) and len(t) == len(entries)), None)
    if (
        texts is None
        or not all(isinstance(t, str) for t in texts)
        or any(isinstance(e, (Mapping, str)) for e in entries)
    ):
        return entries
    return [{"box": entry, "label": text} for entry, text in zip(entries, texts, strict=True)]


def _listed(value: Any) -> Any:
    """Tensors and arrays, and their numbers, as plain Python values."""
    return value.tolist() if hasattr(value, "tolist") else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_four(value: Any) -> bool:
    return _is_list(value) and len(value) == 4 and all(isinstance(v, Real) and not isinstance(v, bool) for v in value)


def _bare(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        entry = next((entry[k] for k in ("box", "xyxy", "box_2d", "bbox") if k in entry), None)
    return _listed(entry)


def _bare_numbers(entry: Any) -> list[float]:
    values = _bare(entry)
    return [v for v in values if isinstance(v, Real)] if _is_list(values) else []


def _has_own_units(entry: Any) -> bool:
    return isinstance(entry, Mapping) and (
        "box_2d" in entry
        or {"bbox", "desc"} <= entry.keys()
        or {"x", "y", "w", "h"} <= entry.keys()
        or {"x", "y", "width", "height"} <= entry.keys()
    )


def _box(entry: Any, name: str, width: int, height: int, layout: str, units: str) -> list:
    """Four numbers x0, y0, x1, y1 as fractions; anything else is passed on for checked_box to name."""
    if isinstance(entry, Mapping):
        if {"x", "y", "w", "h"} <= entry.keys():
            return _to_fractions([entry[k] for k in "xywh"], name, "xywh", (1, 1))
        if {"x", "y", "width", "height"} <= entry.keys():
            return _to_fractions([entry[k] for k in ("x", "y", "width", "height")], name, "xywh", (width, height))
        if "box_2d" in entry or ("bbox" in entry and "desc" in entry):
            return _to_fractions(_bare(entry), name, "yxyx", (1000, 1000))
        if "xyxy" in entry:
            layout = "xyxy"
        if _bare(entry) is None:
            raise RegionError(
                f"{name}: no box found in it; expected one of the keys box, bbox, xyxy, or x, y, width, height."
            )
    scale = {"fractions": (1, 1), "pixels": (width, height), "0..1000": (1000, 1000)}[units]
    return _to_fractions(_bare(entry), name, layout, scale)


def _to_fractions(values: Any, name: str, layout: str, scale: tuple[int, int]) -> list:
    if not _is_four(values):
        raise RegionError(f"{name}: a box must be four numbers; got {shown(values)}.")
    a, b, c, d = (checked_number(_listed(v), name, "box") for v in values)
    x0, y0, x1, y1 = {"xyxy": (a, b, c, d), "xywh": (a, b, a + c, b + d), "yxyx": (b, a, d, c)}[layout]
    return [x0 / scale[0], y0 / scale[1], x1 / scale[0], y1 / scale[1]]


def _description(entry: Any) -> str:
    if isinstance(entry, str):
        return entry.strip()
    if not isinstance(entry, Mapping):
        return ""
    metadata = entry.get("metadata")
    for holder in (entry, metadata if isinstance(metadata, Mapping) else {}):
        for key in TEXT_KEYS:
            if isinstance(holder.get(key), str) and holder[key].strip():
                return holder[key].strip()
    return ""


def _described(regions: Sequence[Region], descriptions: Sequence[str]) -> tuple[Region, ...]:
    texts = [checked_text(text, f"Region {i + 1}", "description") for i, text in enumerate(descriptions)]
    named = [replace(r, description=texts[i]) if i < len(texts) and texts[i] else r for i, r in enumerate(regions)]
    for i in range(len(regions), len(texts)):
        taken = {r.id for r in named}
        free = next(name for n in range(i + 1, i + len(taken) + 2) if (name := f"r{n}") not in taken)
        named.append(Region(free, WHOLE_IMAGE, texts[i], color=COLORS[i % len(COLORS)]))
    return tuple(named)
