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

from deig_core.errors import DeigError

from .pictures import Picture, write_pictures


def from_coco(instances: dict, captions: dict | None = None) -> list[Picture]:
    """Pictures with at least one box. The caption is the first of COCO's, or the descriptions joined; crowds are left
    out.

    Raises DeigError where the annotations are not COCO's.
    """
    try:
        classes = {c["id"]: c["name"] for c in instances["categories"]}
        said = {a["image_id"]: a["caption"].strip() for a in reversed((captions or {"annotations": []})["annotations"])}
        objects = defaultdict(list)
        for a in instances["annotations"]:
            if not a.get("iscrowd") and a["bbox"][2] > 0 and a["bbox"][3] > 0:
                objects[a["image_id"]].append(
                    (tuple(map(float, a["bbox"])), a.get("description") or f"a {classes[a['category_id']]}")
                )
        return [
            Picture(
                i["file_name"],
                i["width"],
                i["height"],
                said.get(i["id"]) or ", ".join(text for _, text in objects[i["id"]]),
                tuple(b for b, _ in objects[i["id"]]),
                tuple(t for _, t in objects[i["id"]]),
            )
            for i in instances["images"]
            if objects[i["id"]]
        ]
    except (KeyError, TypeError, IndexError) as error:
        raise DeigError(
            f"These are no COCO annotations ({error!r}): instances_*.json with images, annotations and categories was "
            f"expected."
        ) from None


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
        read = [json.loads(path.read_text(encoding="utf-8")) for path in (options.instances, options.captions) if path]
        write_pictures(options.target, from_coco(*read))
    except (DeigError, OSError, ValueError) as error:
        print(f"coco: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
