"""Pictures to look at beside the table: unseen layouts, and the same noise with and without DEIG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from deig_core.model.adapter import DeigAdapter

from .generate import Models, generate
from .world import SIZE, Scene

ZOOM, SPACE = 2, 6
COLUMNS = 4
LAYOUTS, COMPARED = "demo-layouts.jpg", "demo-with-and-without.jpg"


def write(folder: Path, models: Models, adapter: DeigAdapter, scenes: Sequence[Scene]) -> None:
    """LAYOUTS, of all scenes, and COMPARED, of the first four, in `folder`."""
    pictures = generate(models, adapter, scenes)
    folder.mkdir(parents=True, exist_ok=True)
    sheet(pictures, scenes).save(folder / LAYOUTS, quality=90)
    few = scenes[:COLUMNS]
    without = generate(models, adapter, few, boxes=False, gates=False)
    both = sheet(np.concatenate([without, pictures[: len(few)]]), [*few, *few])
    both.save(folder / COMPARED, quality=90)


def sheet(pictures: np.ndarray, scenes: Sequence[Scene]) -> Image.Image:
    """Pictures float32 [n, SIZE, SIZE, 3] in rows; the boxes of a scene over its picture."""
    side = SIZE * ZOOM + SPACE
    rows = -(-len(pictures) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * side + SPACE, rows * side + SPACE), "white")
    for i, (picture, scene) in enumerate(zip(pictures, scenes, strict=True)):
        tile = Image.fromarray(np.rint(255 * picture).astype(np.uint8)).resize(
            (SIZE * ZOOM, SIZE * ZOOM), Image.Resampling.BICUBIC
        )
        drawing = ImageDraw.Draw(tile)
        for placed in scene.things:
            drawing.rectangle([ZOOM * c for c in placed.box], outline="white", width=1)
        whole.paste(tile, (SPACE + i % COLUMNS * side, SPACE + i // COLUMNS * side))
    return whole
