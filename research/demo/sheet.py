"""`python -m research.demo.sheet FOLDER`: pictures to look at: 16 unseen layouts, and one seed with and without
DEIG.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from deig_core.demo import files

from . import models
from .evaluate import FIRST_SEED, load
from .generate import Models, generate
from .loop import device
from .world import SIZE, Scene, draw_scene

ZOOM, SPACE = 2, 6


def sheet(pictures: np.ndarray, scenes: Sequence[Scene | None], columns: int) -> Image.Image:
    """Pictures float32 [n, SIZE, SIZE, 3] in rows; the boxes of a scene over its picture, None for no boxes."""
    side = SIZE * ZOOM + SPACE
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * side + SPACE, rows * side + SPACE), "white")
    for i, (picture, scene) in enumerate(zip(pictures, scenes, strict=True)):
        tile = Image.fromarray(np.rint(255 * picture).astype(np.uint8)).resize(
            (SIZE * ZOOM, SIZE * ZOOM), Image.Resampling.BICUBIC
        )
        drawing = ImageDraw.Draw(tile)
        for placed in scene.things if scene else ():
            drawing.rectangle([ZOOM * c for c in placed.box], outline="white", width=1)
        whole.paste(tile, (SPACE + i % columns * side, SPACE + i // columns * side))
    return whole


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m research.demo.sheet", description=__doc__)
    parser.add_argument("folder", type=Path, help="where demo-layouts.jpg and demo-with-and-without.jpg go")
    parser.add_argument("--weights", type=Path, default=files.WEIGHTS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    assembled = Models(
        models.unet(options.weights).to(device()),
        models.autoencoder(options.weights).to(device()),
        models.text_encoder(options.weights),
    )
    adapter = load(options.weights / files.ADAPTER)
    scenes = [draw_scene(FIRST_SEED + i) for i in range(16)]
    pictures = generate(assembled, adapter, scenes)
    options.folder.mkdir(parents=True, exist_ok=True)
    sheet(pictures, scenes, 4).save(options.folder / "demo-layouts.jpg", quality=90)
    without = generate(assembled, adapter, scenes[:4], boxes=False, gates=False)
    sheet(np.concatenate([without, pictures[:4]]), [*scenes[:4], *scenes[:4]], 4).save(
        options.folder / "demo-with-and-without.jpg", quality=90
    )
    for i, scene in enumerate(scenes):
        print(f"{i + 1}. {scene.caption()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
