"""python -m research.training.coco instances.json captions.json data.jsonl: COCO's annotations as training pictures.

COCO names classes only. Better descriptions (20 to 30 words each, docs/method.md section 9) go into the field
`description` of an annotation, or are written into the resulting lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError

from .pictures import Box, Picture, write_pictures


def from_coco(instances: dict, captions: dict | None = None) -> list[Picture]:
    """Pictures with at least one box. The caption is the first of COCO's, or the descriptions joined; crowds are left
    out.

    Raises DeigError that names the place in the annotations which is not COCO's.
    """
    classes = {c["id"]: c["name"] for c in _entries(instances, "categories", ("id", "name"))}
    said: dict[Any, str] = {}
    for a in _entries(captions, "annotations", ("image_id",)) if captions is not None else ():
        if isinstance(a.get("caption"), str) and a["caption"].strip():
            said.setdefault(a["image_id"], a["caption"].strip())
    objects: dict[Any, list[tuple[Box, str]]] = defaultdict(list)
    for i, a in enumerate(_entries(instances, "annotations", ("image_id", "bbox", "category_id"))):
        box = _box(a["bbox"], f"annotations[{i}]")
        if a.get("iscrowd") or box[2] <= 0 or box[3] <= 0:
            continue
        if a["category_id"] not in classes:
            raise DeigError(f"annotations[{i}]: category_id {a['category_id']!r} is none of the categories.")
        text = a.get("description")
        objects[a["image_id"]].append(
            (box, text if isinstance(text, str) and text else f"a {classes[a['category_id']]}")
        )
    return [
        Picture(
            p["file_name"],
            p["width"],
            p["height"],
            said.get(p["id"]) or ", ".join(text for _, text in objects[p["id"]]),
            tuple(b for b, _ in objects[p["id"]]),
            tuple(t for _, t in objects[p["id"]]),
        )
        for p in _entries(instances, "images", ("id", "file_name", "width", "height"))
        if objects[p["id"]]
    ]


def _entries(data: Any, part: str, needed: tuple[str, ...]) -> list[dict]:
    if not isinstance(data, dict) or not isinstance(data.get(part), list):
        raise DeigError(f'These are no COCO annotations: an object with a list "{part}" was expected.')
    for i, entry in enumerate(data[part]):
        lacking = [k for k in needed if not isinstance(entry, dict) or k not in entry]
        if lacking:
            raise DeigError(f"{part}[{i}] has no {lacking[0]}; COCO's {part} have {', '.join(needed)}.")
        for key in ("id", "image_id", "category_id"):
            if isinstance(entry.get(key), (list, dict)):
                raise DeigError(f"{part}[{i}]: {key} must be a number.")
    return data[part]


def _box(value: Any, where: str) -> Box:
    try:
        box = tuple(map(float, value))
    except (TypeError, ValueError, OverflowError):
        box = ()
    if len(box) != 4 or not all(abs(v) < 1e6 for v in box):
        raise DeigError(f"{where}: bbox must be four numbers x, y, width, height in pixels; got {str(value)[:60]}.")
    return box


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DeigError(f"{path.name} is no JSON ({' '.join(str(error).split())[:80]}).") from None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m research.training.coco", description="COCO annotations as JSON lines for training."
    )
    parser.add_argument("instances", type=Path, help="instances_train2017.json")
    parser.add_argument(
        "captions",
        type=Path,
        nargs="?",
        help="captions_train2017.json (default: a caption is its picture's descriptions)",
    )
    parser.add_argument("target", type=Path, help="the .jsonl file to write")
    options = parser.parse_args(arguments)
    if options.target.suffix != ".jsonl":  # two COCO files without a target would lose the second one
        parser.error(f"the file to write must end with .jsonl, and {options.target.name} does not")
    try:
        read = [_read(path) for path in (options.instances, options.captions) if path]
        write_pictures(options.target, from_coco(*read))
    except (DeigError, OSError, ValueError) as error:
        print(f"coco: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
