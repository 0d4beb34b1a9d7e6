"""`python dev.py previews`: the pictures beside the example workflows, made by the workflows themselves."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .server import Server, images
from .setup import DEV, ROOT, Host

WORKFLOWS = ROOT / "example_workflows"
GAP, TALL, WIDE = 4, 360, 600  # pixels between pictures, and of a preview at most
LETTERS = 14
Label = tuple[str, float, float]
"""A text, and where its box has its left lower corner, as shares of the preview."""


@dataclass(frozen=True)
class Preview:
    """Of what a workflow shows, the files with these beginnings, `columns` in a row, and words over them."""

    files: tuple[str, ...]
    columns: int = 1
    labels: Sequence[Label] = ()


BESIDE = 0.51  # where the second of two begins
PREVIEWS = {
    "DEIG demo": Preview(("DEIG demo boxes",)),
    "DEIG masks": Preview(("DEIG masks boxes",)),
    "DEIG moving regions": Preview(("DEIG moving regions boxes",), 2),
    "DEIG overlap": Preview(("DEIG overlap boxes",)),
    "DEIG re-roll one region": Preview(
        ("ComfyUI_temp", "DEIG re-roll"), 2, (("before", 0.01, 0.97), ("region 3 anew", BESIDE, 0.97))
    ),
    "DEIG refine small regions": Preview(
        ("ComfyUI_temp", "DEIG refine"), 2, (("before", 0.01, 0.97), ("refined", BESIDE, 0.97))
    ),
    "DEIG reuse steps": Preview(
        ("DEIG reuse steps_",), 1, (("fusers in each step", 0.01, 0.97), ("in every second", BESIDE, 0.97))
    ),
    "DEIG strength and negatives": Preview(
        ("DEIG strength and negatives_",),
        1,
        (
            ("strength 1", 0.06, 0.08),
            ("strength 0.001", 0.53, 0.08),
            ("a star", 0.06, 0.99),
            ("a star, not a red one", 0.53, 0.99),
        ),
    ),
    "DEIG tiles": Preview(("DEIG tiles boxes",)),
    "DEIG timing": Preview(
        ("DEIG timing_",),
        1,
        (("all of the time", 0.06, 0.08), ("until 0.7", 0.53, 0.08), ("from 0.4 on", 0.06, 0.99)),
    ),
    "DEIG with and without": Preview(("DEIG with and without_",), 1, (("without", 0.01, 0.97), ("with", BESIDE, 0.97))),
}


def compose(pictures: Sequence[Image.Image], preview: Preview) -> Image.Image:
    """Pictures of one size in rows, at most WIDE x TALL pixels in all, and the labels."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // preview.columns)
    whole = Image.new("RGB", (preview.columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), "white")
    for i, picture in enumerate(pictures):
        whole.paste(picture, (i % preview.columns * (width + GAP), i // preview.columns * (height + GAP)))
    whole.thumbnail((WIDE, TALL))
    drawing, font = ImageDraw.Draw(whole), ImageFont.load_default(LETTERS)
    for text, x, y in preview.labels:
        at = (x * whole.width + 4, y * whole.height - 3)
        left, top, right, bottom = drawing.textbbox(at, text, font, anchor="ls")
        drawing.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill="black")
        drawing.text(at, text, "white", font, anchor="ls")
    return whole


def main() -> int:
    parser = argparse.ArgumentParser(prog="python dev.py previews", description=__doc__)
    parser.add_argument("--comfyui", type=Path, default=DEV / "comfyui", help="the host's folder")
    parser.add_argument("--base", type=Path, default=DEV / "base", help="where the host keeps its files")
    parser.add_argument("names", nargs="*", metavar="WORKFLOW", help="some of them")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in PREVIEWS]:
        parser.error(f"no preview of {', '.join(unknown)} is made here, but of {', '.join(PREVIEWS)}")
    host = Host(options.comfyui, Path(sys.prefix), options.base)
    with Server(host, arguments=("--cpu", "--use-pytorch-cross-attention")) as server:
        for name in options.names or PREVIEWS:
            preview = PREVIEWS[name]
            workflow = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
            made = images(host, server.wait(server.queue(workflow)))
            chosen = [file for start in preview.files for file in made if file.name.startswith(start)]
            compose([Image.open(file) for file in chosen], preview).save(WORKFLOWS / f"{name}.jpg", quality=88)
            print(WORKFLOWS / f"{name}.jpg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
