"""python -m research.training.coco instances.json captions.json data.jsonl: COCO's annotations as training pictures.

COCO names classes only. Better descriptions (20 to 30 words each, docs/method.md section 9) go into the field
`description` of an annotation, or are written into the resulting lines.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError

from .. import coco
from .pictures import Picture, write_pictures


def from_coco(instances: Any, captions: Any = None) -> list[Picture]:
    """Pictures with at least one box. The caption is the first of COCO's, or the descriptions joined; crowds and boxes
    without an area are left out.

    Raises CocoError that names the place in the annotations which is not COCO's.
    """
    found = []
    for p in coco.pictures(instances, captions):
        kept = [a for a in p.annotations if not a.crowd and min(a.bbox[2:]) > 0]
        texts = tuple(a.description or f"a {a.category}" for a in kept)
        if kept:
            caption = p.caption or ", ".join(texts)
            found.append(Picture(p.file_name, p.width, p.height, caption, tuple(a.bbox for a in kept), texts))
    return found


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
        read = [coco.read_json(path) for path in (options.instances, options.captions) if path]
        write_pictures(options.target, from_coco(*read))
    except (DeigError, OSError) as error:
        print(f"coco: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
