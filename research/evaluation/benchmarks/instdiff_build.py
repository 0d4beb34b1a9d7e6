"""InstDiff-Bench from COCO: annotations of pictures scaled to 512 x 512, and layouts with an adjective an instance.

The customised file that InstanceDiffusion names could not be had; it is COCO's own, scaled, so that average precision
compares boxes in the drawn picture's pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...coco import Picture
from ..layout import MOST_INSTANCES, Instance, Layout
from ..procedures.instdiff import LABELS
from .coco_boxes import fractions

SIDE = 512


def layouts(pictures: Sequence[Picture], attribute: str | None = None, source: str = "") -> list[Layout]:
    """A layout for each picture with a box; the first 30 annotations, crowds too, as published.

    attribute: colour or texture: the adjective of an annotation is number `id mod 8` of the eight; None: nouns alone.
    """
    record = {"file": source, "licence": "boxes, categories and captions of COCO, CC BY 4.0"}
    found = []
    for picture in pictures:
        instances = []
        for a in picture.annotations[:MOST_INSTANCES]:
            label = LABELS[attribute][a.id % 8] if attribute else ""
            tags = {"attribute": attribute, "label": label} if attribute else {}
            text = f"{label} {a.category}".strip()
            instances.append(Instance(fractions(picture, a), text, a.category, tags))
        if instances:
            names = ", ".join(i.text for i in instances)
            prompt = f"{picture.caption} {names}".strip()
            found.append(Layout(f"{picture.id:012d}", "instdiff", prompt, tuple(instances), SIDE, SIDE, record))
    return found


def scaled(instances: Mapping[str, Any]) -> dict[str, Any]:
    """COCO's annotations, checked before by `coco.pictures`, as if each picture were 512 x 512: boxes, polygons and
    run-length masks; an area by both factors.
    """
    factors = {i["id"]: (SIDE / i["width"], SIDE / i["height"]) for i in instances["images"]}
    annotations = []
    for a in instances["annotations"]:
        fx, fy = factors[a["image_id"]]
        x, y, w, h = a["bbox"]
        moved = {**a, "bbox": [x * fx, y * fy, w * fx, h * fy]}
        if "area" in a:
            moved["area"] = a["area"] * fx * fy
        if isinstance(a.get("segmentation"), list):
            moved["segmentation"] = [
                [v * (fy if i % 2 else fx) for i, v in enumerate(polygon)] for polygon in a["segmentation"]
            ]
        elif a.get("segmentation"):
            moved["segmentation"] = _scaled_mask(a["segmentation"])
        annotations.append(moved)
    images = [{**i, "width": SIDE, "height": SIDE} for i in instances["images"]]
    return {**instances, "images": images, "annotations": annotations}


def _scaled_mask(segmentation: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np
    from faster_coco_eval.core import mask
    from PIL import Image

    run_length = segmentation
    if isinstance(run_length["counts"], list):
        run_length = mask.frPyObjects(run_length, *run_length["size"])
    whole = Image.fromarray(mask.decode(run_length)).resize((SIDE, SIDE), Image.Resampling.NEAREST)
    encoded = mask.encode(np.asfortranarray(np.asarray(whole)))
    return {"size": [SIDE, SIDE], "counts": encoded["counts"].decode()}
