"""What a foreign value looks like: rows, columns, names of classes, keys that are texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .descriptions import TEXT_KEYS, text_of
from .entry import Context, folded, is_list, number, numbers, plain_key, points, words_of
from .limits import MOST_PARTS
from .stray import PLACE_WORDS
from .vocabulary import ASIDE, BOX_KEYS, COLUMN_TEXTS, COLUMNS, LISTS, ORDER_WORDS, OUTLINES, UNIT_WORDS

_KNOWN = {*LISTS, *COLUMNS, *COLUMN_TEXTS, *TEXT_KEYS, *BOX_KEYS, *OUTLINES, *ASIDE, *PLACE_WORDS}
# In a key of one word, a sign that it is a key and no description.
_TECHNICAL = ("box", "rect", "coord", "roi", "poly", "point", "region", "crop", "bound", "corner", "extent")


def own_text(value: Mapping) -> str:
    """The one text of a mapping, not that of lists in it."""
    kept = {k: v for k, v in value.items() if isinstance(v, str) or plain_key(k) == "properties"}
    return text_of(kept, Context())


def of_numbers(value: Any) -> bool:
    """A list of at least four numbers, or of such lists."""
    if not is_list(value) or not value:
        return False
    found = numbers(value)
    return len(found) > 3 if found else all(is_list(v) and of_numbers(v) for v in value)


def is_row(item: Any) -> bool:
    """A text beside a box in one list: ["a dog", [1, 2, 3, 4]], [1, 2, 3, 4, "a dog"], with a score perhaps."""
    if not is_list(item):
        return False
    texts = [v for v in item if isinstance(v, str) and number(v) is None]
    return len(texts) == 1 and len(item) > 1 and all(isinstance(v, (str, int, float, list)) for v in item)


def _is_columns_key(key: Any) -> bool:
    """A key such as "det_bboxes" or "boxes_norm": boxes, whose they are, and words for their order and units."""
    words = words_of(key)
    return any(w in ("boxes", "bboxes") for w in words) and all(
        w in ("boxes", "bboxes", "bounding", "pred", "det", "detected", "out", "output", "gt", "final")
        or w in ORDER_WORDS
        or w in UNIT_WORDS
        for w in words
    )


def columns_of(value: Mapping) -> tuple[str, list] | None:
    """(key, boxes) of a mapping that has its boxes in one list."""
    for wanted in (*COLUMNS, ""):
        for key, boxes in value.items():
            known = plain_key(key) == wanted if wanted else _is_columns_key(key)
            if not known or not is_list(boxes) or not boxes:
                continue
            if len(boxes) > MOST_PARTS or all(
                is_list(b) and (len(numbers(b) or ()) > 3 or points(b) or any(is_list(p) for p in b)) for b in boxes
            ):
                return str(key), list(boxes)
    return None


def names_of_classes(value: Mapping) -> dict[Any, str]:
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
