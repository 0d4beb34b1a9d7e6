"""A small detection set in COCO's form, and servers that describe it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

from research.captions import __main__ as captions
from research.engines.stub import MODEL, Reply

NOUNS = ["dog", "car", "person"]
GOOD = "a {noun} with a glossy surface, several pale stripes and one dark spot near its upper edge, number {number}"
CLASS = re.compile(r"shows one (.*?) with a little")


def write_set(folder: Path, pictures: int = 6, instances: int = 3) -> Path:
    """Noise with colours; `instances` boxes in each picture, classes in turn."""
    lot = np.random.default_rng(0)
    (folder / "pictures").mkdir(parents=True)
    images, annotations = [], []
    for i in range(pictures):
        pixels = lot.integers(0, 256, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{i}.jpg", quality=90)
        images.append({"id": i, "file_name": f"{i}.jpg", "width": 128, "height": 96})
        for k in range(instances):
            number = len(annotations)
            box = [2 + 40 * k, 5, 38, 40 + 3 * k]
            annotations.append({"id": number, "image_id": i, "category_id": number % 3, "bbox": box})
    categories = [{"id": i, "name": noun} for i, noun in enumerate(NOUNS)]
    data = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(data))
    return folder


def call(*arguments: object) -> int:
    return captions.main([str(a) for a in arguments])


def plan(folder: Path, out: Path, *more: object, per_shard: int = 2) -> int:
    return call(
        "plan", folder / "instances.json", out, "--pictures", folder / "pictures", "--per-shard", per_shard, *more
    )


def endpoint(stub, *more: object) -> list[object]:
    return ["--endpoint", stub.url, "--model", MODEL, "--in-flight", 8, *more]


def text_of(body: dict) -> str:
    return body["messages"][0]["content"][-1]["text"]


def describe(body: dict, number: int = 0, delay: float = 0.0) -> Reply:
    """A good description that names the class, a function of the question alone; no fault of any picture."""
    asked = CLASS.search(text_of(body))
    if not asked:
        return Reply("No", top=(("No", -0.01), ("Yes", -4.6)), delay=delay)
    return Reply(GOOD.format(noun=asked[1], number=body["seed"] % 1000), delay=delay)
