"""COCO's annotations, checked: what the builders of the benchmarks start from."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .layout import Box, LayoutError

EXPECTED = "instances_val2017.json with images, annotations and categories was expected"


@dataclass(frozen=True)
class Annotation:
    """box: x0, y0, x1, y1 in pixels, cut at the picture's edges: COCO's leave it by fractions of a pixel."""

    id: int
    category: str
    box: Box
    crowd: bool

    @property
    def area(self) -> float:
        """Of the box, in pixels; COCO's own `area` is the segmentation's."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True)
class Picture:
    id: int
    file_name: str
    width: int
    height: int
    annotations: tuple[Annotation, ...]
    caption: str  # the first of COCO's five; empty where there are none

    def fraction(self, box: Box) -> Box:
        """`box` in pixels as fractions of the picture."""
        return box[0] / self.width, box[1] / self.height, box[2] / self.width, box[3] / self.height


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LayoutError(f"{path} cannot be read as JSON: {error}.") from None


def pictures(instances: Mapping[str, Any], captions: Mapping[str, Any] | None = None) -> list[Picture]:
    """All pictures, by id, annotations in the file's order. Boxes without an area, which COCO has, are left out.

    Raises LayoutError where the annotations are not COCO's: keys, categories that are not listed, ids that are there
    twice, boxes that lie outside of their picture.
    """
    try:
        names = {c["id"]: c["name"] for c in instances["categories"]}
        sizes = {i["id"]: (i["file_name"], i["width"], i["height"]) for i in instances["images"]}
        if len(sizes) < len(instances["images"]):
            raise LayoutError("The annotations list a picture's id twice.")
        said: dict[int, str] = {}
        for caption in (captions or {"annotations": []})["annotations"]:
            said.setdefault(caption["image_id"], " ".join(caption["caption"].split()))
        found, ids = defaultdict(list), set()
        for a in instances["annotations"]:
            if a["id"] in ids:
                raise LayoutError(f"The annotations list the id {a['id']} twice.")
            ids.add(a["id"])
            annotation = _annotation(a, names, sizes)
            if annotation.area > 0:
                found[a["image_id"]].append(annotation)
        return [Picture(key, *sizes[key], tuple(found[key]), said.get(key, "")) for key in sorted(sizes)]
    except LayoutError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LayoutError(f"These are no COCO annotations ({error!r}): {EXPECTED}.") from None


def _annotation(a: Mapping[str, Any], names: Mapping[int, str], sizes: Mapping[int, tuple]) -> Annotation:
    where = f"Annotation {a['id']}"
    if a["category_id"] not in names:
        raise LayoutError(f"{where} is of category {a['category_id']!r}, which is not among the categories.")
    if a["image_id"] not in sizes:
        raise LayoutError(f"{where} is in picture {a['image_id']!r}, which is not among the images.")
    x, y, w, h = map(float, a["bbox"])
    _, width, height = sizes[a["image_id"]]
    if not all(map(math.isfinite, (x, y, w, h))) or w < 0 or h < 0:
        raise LayoutError(f"{where}: bbox {a['bbox']} is no box; x, y, width, height in pixels were expected.")
    if x < -1 or y < -1 or x + w > width + 1 or y + h > height + 1:
        raise LayoutError(f"{where}: bbox {a['bbox']} leaves its picture of {width} x {height} pixels.")
    box = (max(0.0, x), max(0.0, y), min(float(width), x + w), min(float(height), y + h))
    return Annotation(a["id"], names[a["category_id"]], box, bool(a.get("iscrowd")))
