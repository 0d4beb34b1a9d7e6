"""Finding the entries of a foreign value: lists, columns beside each other, frames, and files around them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import RegionError
from ..document import MAX_REGIONS, shown
from .entry import Context, Entry, folded, is_list, number, numbers, plain_key, points, wrote
from .places import declared, place_of, size_of
from .plain import MOST_DEEP, plain
from .texts import PLACE_WORDS, TEXT_KEYS, negative_of, stray_place, text_of
from .vocabulary import BOX_KEYS, OUTLINES

LISTS = (
    *("elements", "boxes", "bboxes", "boundingboxes", "detections", "objects", "instances", "regions", "annotations"),
    *("shapes", "annos", "predictions", "results", "items", "layers", "bboxcontrols", "entities", "things", "subjects"),
)
"""Plain keys of lists whose texts without a place are regions too."""
COLUMNS = (
    *("boxes", "bboxes", "boundingboxes", "bbox", "predboxes", "xyxy", "locations", "gligenboxes", "quadboxes"),
    *("polygons", "box", "bboxesxyxy", "boxesxyxy", "boxlist", "boxescxcywh", "boxesxywh", "bboxesxywh", "xyxyn"),
    *("xywhn", "xywh", "recboxes"),
)
COLUMN_TEXTS = (
    *("descriptions", "captions", "phrases", "prompts", "labels", "texts", "textlabels", "bboxeslabels", "classnames"),
    *("names", "classes", "categories", "gligenphrases", "entities", "classlabels", "labelnames", "polygonslabels"),
    *("displaynames", "detectionclassnames", "detectionclassentities", "predclasses", "tags", "labelstext"),
    *("labeltexts", "objects", "label", "classname", "category", "name", "rectexts"),
    *("cls", "classids", "labelids", "classid"),
)
# Parts of files that hold numbers or texts and no regions.
_ASIDE = {
    *("info", "licenses", "categories", "keypoints", "landmarks", "mask", "masks", "size", "imagesize", "cropbox"),
    *("cropregion", "colorpalette", "palette", "colors", "flags", "scores", "classnames", "styledescription", "usage"),
    *("area", "embedding", "embeddings", "imagedata", "attributes", "metadata", "logits", "confidence", "confidences"),
}


MOST_VISITED, KEYS_OF_ONE = 3000, 8
TOO_MUCH = (
    f"There is far more in it than the boxes of one picture, which has at most {MAX_REGIONS} regions: give those of "
    "one picture alone."
)
_KNOWN = {*LISTS, *COLUMNS, *COLUMN_TEXTS, *TEXT_KEYS, *BOX_KEYS, *OUTLINES, *_ASIDE, *PLACE_WORDS}
# In a key of one word, a sign that it is a key and no description.
_TECHNICAL = ("box", "rect", "coord", "roi", "poly", "point", "region", "crop", "bound", "corner", "extent")


_PICTURES = ("imageid", "image", "filename", "imagepath", "imagename", "frameid", "frame", "frameindex", "path")


class Walk:
    """One reading of a value. notes: sentences about all of it."""

    def __init__(self, dialects):
        self.dialects = dialects
        self.notes: list[str] = []
        self.root: Any = None
        self._depth, self._left = 0, MOST_VISITED

    def entries(self, value: Any, context: Context, listed: bool = True) -> list[Entry]:
        """The entries of `value`; listed: its texts without a place are regions. Raises RegionError for a value that
        has more parts than the boxes of one picture, or that is nested too deeply, texts inside texts included.
        """
        self.root = value if self.root is None else self.root
        self._depth += 1
        if self._depth > MOST_DEEP + 1:
            raise RegionError(f"The boxes are nested more than {MOST_DEEP} levels deep; give a list of boxes.")
        self._spend(1 + len(value) // KEYS_OF_ONE if isinstance(value, Mapping) else 1)
        try:
            found = self._entries(value, context, listed)
        finally:
            self._depth -= 1
        if len(found) > self._left:
            raise RegionError(TOO_MUCH)
        return found

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise RegionError(TOO_MUCH)

    def _entries(self, value: Any, context: Context, listed: bool) -> list[Entry]:
        for dialect in self.dialects:
            if dialect.find and (found := dialect.find(value, context, self)) is not None:
                return found
        if isinstance(value, Mapping):
            return self._mapping(value, context, listed)
        if is_list(value):
            return self._list(value, context, listed)
        if isinstance(value, str) and listed and value.strip():
            if (found := self._written(value, context)) is not None:
                return found
            return [Entry("texts", text=value.strip(), written=wrote(value))]
        return [Entry("boxes", problem=f"{wrote(value)} is no box", written=wrote(value))] if listed else []

    def _written(self, text: str, context: Context) -> list[Entry] | None:
        """Entries of a text inside a list that is JSON itself, or numbers, or a text with four numbers in brackets or
        between commas: others may be a part of what it describes.
        """
        from .lines import from_lines, has_marked_numbers

        if numbers(text):
            return self.entries(list(numbers(text)), context)
        if text.lstrip()[:1] in ("[", "{"):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                return None
            inner = plain(inner)
            return self.entries(inner, context) if isinstance(inner, (Mapping, list)) else None
        found = from_lines(text) if has_marked_numbers(text) and "\n" not in text.strip() else None
        if not found or found[1]:
            return None
        self.notes.append(f"The numbers in the text {shown(text.strip())} were read as a box.")
        return found[0]

    def inside(self, value: Mapping, context: Context) -> Context:
        """What a mapping adds to the context of what lies in it."""
        layout, units = declared(value)
        return replace(
            context,
            size=size_of(value) or context.size,
            layout=layout or context.layout,
            units=units or context.units,
            names=_names(value) or context.names,
        )

    def group_text(self, value: Mapping) -> str:
        """The text that a mapping gives to all boxes in a list of it: not one that speaks of the whole picture."""
        scene = ("caption", "title", *(("description", "desc", "prompt", "name", "text") if value is self.root else ()))
        return own_text({k: v for k, v in value.items() if plain_key(k) not in scene})

    def _mapping(self, value: Mapping, context: Context, listed: bool) -> list[Entry]:
        context = self.inside(value, context)
        found: list[Entry] = []
        said, of_group = own_text(value), self.group_text(value)
        for key, inner in value.items():
            name = plain_key(key)
            if name in LISTS + COLUMNS and isinstance(inner, str) and inner.lstrip()[:1] in ("[", "{"):
                found += self._written(inner, context) or []
            if name in _ASIDE or not isinstance(inner, (Mapping, list)):
                continue
            known = name in LISTS or name in COLUMNS
            if isinstance(inner, list) and not known and _of_numbers(inner):
                continue  # for stray_place to name
            own = said if isinstance(inner, Mapping) and place_of(inner) else of_group
            if isinstance(inner, Mapping) and not own and not name.isdigit() and is_name(key) and place_of(inner):
                own = str(key)
            within = replace(context, text=own or context.text)
            found += self.entries(inner, within, listed=name in LISTS)
        text = text_of(value, Context())
        stray = "" if found else stray_place(value)
        if found or not (
            listed or (stray and any(_of_numbers(v) for k, v in value.items() if plain_key(k) not in _ASIDE))
        ):
            return found
        if stray:
            return [Entry("boxes", text=text, problem=stray, written=wrote(list(value)))]
        if text:
            return [Entry("texts", text=text, negative=negative_of(value), written=text)]
        lists = [v for k, v in value.items() if plain_key(k) in LISTS + COLUMNS]
        if lists and not any(v != [] for v in lists):
            return []
        return [Entry("boxes", problem=f"no box found in it ({wrote(list(value))})", written=wrote(list(value)))]

    def _list(self, value: list, context: Context, listed: bool) -> list[Entry]:
        value = self._first_picture(value)
        if len(value) > self._left:
            raise RegionError(TOO_MUCH)
        kinds = [self._is_frame(item) for item in value]
        if value and any(kinds) and all(k or item in ([], None) for k, item in zip(kinds, value, strict=True)):
            return self._first_frame(value, context, listed)
        found: list[Entry] = []
        for item in value:
            if listed or isinstance(item, (Mapping, list)):
                found += self.entries(item, context, listed)
        return found

    def _is_frame(self, item: Any) -> bool:
        """A list of boxes, or a mapping around one that has no text for them: the boxes of one picture."""
        if is_list(item):
            return bool(item) and numbers(item) is None and not is_row(item) and points(item) is None
        if not isinstance(item, Mapping) or place_of(item) or self.group_text(item):
            return False
        return any(plain_key(k) in LISTS + COLUMNS and is_list(v) and v for k, v in item.items()) or (
            len(item) == 1 and all(isinstance(v, Mapping) and columns_of(v) for v in item.values())
        )

    def _first_picture(self, value: list) -> list:
        """The entries of a list that belong to the picture of the first one, where they name their pictures."""
        first = folded(value[0]) if value and isinstance(value[0], Mapping) else {}
        for key in (k for k in _PICTURES if k in first):
            names = [folded(v).get(key) if isinstance(v, Mapping) else None for v in value]
            known = list(dict.fromkeys(n for n in names if isinstance(n, (str, int))))
            if len(known) > 1 and all(isinstance(n, (str, int)) for n in names) and any(map(_has_place, value)):
                self.notes.append(f"There are boxes of {len(known)} pictures; those of the first one were read.")
                return [v for v, n in zip(value, names, strict=True) if n == known[0]]
        return value

    def _first_frame(self, frames: list, context: Context, listed: bool) -> list[Entry]:
        found = [e for frame in frames if frame and (e := self.entries(frame, context, listed))]
        if len(found) > 1:
            self.notes.append(f"There are boxes of {len(found)} pictures; those of the first one were read.")
        return found[0] if found else []


def _has_place(value: Any) -> bool:
    return isinstance(value, Mapping) and place_of(value) is not None


def own_text(value: Mapping) -> str:
    """The one text of a mapping, not that of lists in it."""
    kept = {k: v for k, v in value.items() if isinstance(v, str) or plain_key(k) == "properties"}
    return text_of(kept, Context())


def _of_numbers(value: Any) -> bool:
    """A list of at least four numbers, or of such lists."""
    if not is_list(value) or not value:
        return False
    found = numbers(value)
    return len(found) > 3 if found else all(is_list(v) and _of_numbers(v) for v in value)


def is_row(item: Any) -> bool:
    """A text beside a box in one list: ["a dog", [1, 2, 3, 4]], [1, 2, 3, 4, "a dog"], with a score perhaps."""
    if not is_list(item):
        return False
    texts = [v for v in item if isinstance(v, str) and number(v) is None]
    return len(texts) == 1 and len(item) > 1 and all(isinstance(v, (str, int, float, list)) for v in item)


def columns_of(value: Mapping) -> tuple[str, list] | None:
    """(key, boxes) of a mapping that has its boxes in one list."""
    for wanted in COLUMNS:
        for key, boxes in value.items():
            if plain_key(key) != wanted or not is_list(boxes) or not boxes:
                continue
            if all(
                is_list(b) and (len(numbers(b) or ()) > 3 or points(b) or any(is_list(p) for p in b)) for b in boxes
            ):
                return str(key), list(boxes)
    return None


def _names(value: Mapping) -> dict[Any, str]:
    """Names of classes by their numbers: COCO's categories, YOLO's names, class maps."""
    values = folded(value)
    for about in [v for k, v in values.items() if k.endswith("metadata") and isinstance(v, Mapping)]:
        values = {**folded(about), **values}
    for key in ("categories", "names", "classmap", "classnames", "labelmap", "id2label"):
        found = values.get(key)
        if isinstance(found, Mapping) and is_list(found.get("labels")):
            found = found["labels"]
        if isinstance(found, Mapping) and isinstance(found.get("label"), Mapping):  # Datumaro
            found = found["label"].get("labels")
        if isinstance(found, Mapping) and found and all(isinstance(v, str) for v in found.values()):
            return {k: v for k, v in found.items()}
        if is_list(found) and found and all(isinstance(v, Mapping) and isinstance(v.get("name"), str) for v in found):
            ids = [v.get("id", i) for i, v in enumerate(found)]
            return {i: v["name"] for i, v in zip(ids, found, strict=True) if isinstance(i, (int, str))}
    return {}


def is_name(key: Any) -> bool:
    name = plain_key(key)
    technical = " " not in str(key) and any(part in name for part in _TECHNICAL)
    return isinstance(key, str) and bool(key.strip()) and name not in _KNOWN and not technical and "." not in key[-5:]
