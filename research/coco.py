"""COCO's annotations, checked: where benchmarks, captions and the trainer's lines begin."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError

Box = tuple[float, float, float, float]


class CocoError(DeigError):
    """A file is not COCO's annotations, or contradicts itself."""


@dataclass(frozen=True)
class Annotation:
    """bbox: x, y, width, height in pixels as the file has them: COCO has boxes without an area, and some that leave
    their picture by fractions of a pixel. description: a better text than the category, if somebody added one.
    """

    id: int
    category: str
    bbox: Box
    crowd: bool
    description: str = ""


@dataclass(frozen=True)
class Picture:
    """caption: the first of COCO's five that is a text; empty where there is none."""

    id: int
    file_name: str
    width: int
    height: int
    annotations: tuple[Annotation, ...]
    caption: str


def read_json(path: Path) -> Any:
    """Raises CocoError."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise CocoError(f"{path} cannot be read as JSON ({' '.join(str(error).split())[:80]}).") from None


def pictures(instances: Any, captions: Any = None) -> list[Picture]:
    """Every picture by id, its annotations in the file's order; `captions` is COCO's second file.

    Raises CocoError that names the place: keys that lack, ids that are there twice or listed nowhere, boxes that are
    none.
    """
    images = _listed(instances, "images", ("id", "file_name", "width", "height"))
    names = {c["id"]: str(c["name"]) for c in _listed(instances, "categories", ("id", "name")).values()}
    found: dict[int, list[Annotation]] = defaultdict(list)
    for where, a in _listed(instances, "annotations", ("id", "image_id", "category_id", "bbox")).items():
        if a["category_id"] not in names:
            raise CocoError(f"{where} is of category {a['category_id']}, which is not among the categories.")
        found[a["image_id"]].append(_annotation(a, names[a["category_id"]], where))
    said: dict[int, str] = {}
    if captions is not None:
        for c in _listed(captions, "annotations", ("image_id",), "captions").values():
            if isinstance(c.get("caption"), str) and c["caption"].strip():
                said.setdefault(c["image_id"], " ".join(c["caption"].split()))
    listed = [_picture(i, found.pop(i["id"], ()), said.get(i["id"], ""), where) for where, i in images.items()]
    if found:
        raise CocoError(f"Picture {next(iter(found))} has annotations and is not among the images.")
    return sorted(listed, key=lambda p: p.id)


def _listed(data: Any, part: str, needed: tuple[str, ...], what: str = "annotations") -> dict[str, dict]:
    """The entries of a part of the file by their place in it."""
    if not isinstance(data, dict) or not isinstance(data.get(part), list):
        raise CocoError(f'These are no COCO {what}: an object with a list "{part}" was expected.')
    place = part if what == "annotations" else f"{what}, {part}"
    entries = {f"{place}[{i}]": entry for i, entry in enumerate(data[part])}
    ids = set()
    for where, entry in entries.items():
        lacking = [key for key in needed if not isinstance(entry, dict) or key not in entry]
        if lacking:
            raise CocoError(f"{where} has no {lacking[0]}; COCO's {part} have {', '.join(needed)}.")
        for key in {"id", "image_id", "category_id"} & {*needed}:
            if type(entry[key]) is not int:
                raise CocoError(f"{where}: {key} must be a whole number, as COCO's are.")
        if "id" in needed:
            if entry["id"] in ids:
                raise CocoError(f"{where}: the id {entry['id']} is there twice; each of the {part} needs its own.")
            ids.add(entry["id"])
    return entries


def _annotation(a: dict, category: str, where: str) -> Annotation:
    box = a["bbox"]
    numbers = isinstance(box, list) and len(box) == 4 and all(type(v) in (int, float) and abs(v) < 1e6 for v in box)
    if not numbers or min(box[2:]) < 0:
        raise CocoError(f"{where}: bbox {str(box)[:60]} is no box; x, y, width, height in pixels were expected.")
    text = a.get("description")
    return Annotation(
        a["id"], category, tuple(map(float, box)), bool(a.get("iscrowd")), text if isinstance(text, str) else ""
    )


def _picture(i: dict, annotations, caption: str, where: str) -> Picture:
    for name in ("width", "height"):
        if type(i[name]) is not int or i[name] <= 0:
            raise CocoError(f"{where}: {name} is {str(i[name])[:60]}; a whole number of pixels was expected.")
    return Picture(i["id"], str(i["file_name"]), i["width"], i["height"], tuple(annotations), caption)
