"""COCO's average precision of detections in drawn pictures, by faster-coco-eval, over all pictures of the benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from deig_core.errors import DeigError

KINDS = {"box": "bbox", "mask": "segm"}
_STATS = ("AP", "AP50", "AP75", "AP small", "AP medium", "AP large")


class ResultsError(DeigError):
    """A file of detections is not what it was taken for."""


def average_precision(
    truth: Mapping[str, Any], detections: Sequence[Mapping[str, Any]], kind: str = "box", most: int = 100
) -> dict[str, float]:
    """AP (mean over IoU 0.50 to 0.95), AP50, AP75, AP of small, medium and large ones; and `pictures`, `without`:
    pictures without a detection, which count as empty, while YOLO's own validation leaves them out.

    truth: COCO annotations in the drawn pictures' pixels (`build instdiff` writes them). detections: COCO results,
    [{image_id, category_id, bbox: [x, y, w, h] in pixels, score}], with `segmentation` for kind mask. most: detections
    a picture that count, the best ones. A figure without any truth of its size is NaN.

    Raises ResultsError that names the detection, and DeigError where faster-coco-eval is missing.
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError as error:
        raise DeigError(f"faster-coco-eval is missing ({error}): pip install faster-coco-eval==1.8.0.") from None
    check(truth, detections, kind)
    pictures = {image["id"] for image in truth["images"]}
    without = len(pictures - {d["image_id"] for d in detections})
    counts = {"pictures": len(pictures), "without": without}
    # A private copy: the library completes what it is given.
    whole = COCO({**truth, "annotations": [dict(a) for a in truth["annotations"]]})
    if detections:
        evaluation = COCOeval_faster(whole, whole.loadRes([dict(d) for d in detections]), KINDS[kind])
    else:  # loadRes refuses none; which sizes have a truth does not depend on the kind
        evaluation = COCOeval_faster(whole, COCO({**truth, "annotations": []}), KINDS["box"])
    evaluation.params.maxDets = [1, 10, most]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    values = (float(v) for v in evaluation.stats[: len(_STATS)])
    return {**{name: v if v >= 0 else math.nan for name, v in zip(_STATS, values, strict=True)}, **counts}


def check(truth: Mapping[str, Any], detections: Any, kind: str) -> None:
    """Raises ResultsError where a detection cannot belong to the truth."""
    expected = "a COCO results file, [{image_id, category_id, bbox, score}, ...], was expected"
    if not isinstance(detections, list) or not all(isinstance(d, dict) for d in detections):
        raise ResultsError(f"This is no list of detections: {expected}.")
    pictures, categories = ({x["id"] for x in truth[name]} for name in ("images", "categories"))
    sizes = {i["id"]: (i["width"], i["height"]) for i in truth["images"]}
    for number, d in enumerate(detections):
        where = f"Detection {number}"
        try:
            box, score = [float(v) for v in d["bbox"]], float(d["score"])
            known = d["image_id"] in pictures, d["category_id"] in categories
            shaped = kind == "box" or d["segmentation"]
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"{where} cannot be read ({error!r}): {expected}.") from None
        if not shaped or len(box) != 4 or not all(map(math.isfinite, (*box, score))):
            raise ResultsError(f"{where} has no finite box, score and, for masks, segmentation: {expected}.")
        if not known[0]:
            raise ResultsError(f"{where} is in picture {d['image_id']!r}, which the annotations do not list.")
        if not known[1]:
            raise ResultsError(
                f"{where} is of category {d['category_id']!r}, which the annotations do not list: COCO's ids are 1 to "
                f"90 with gaps, and a detector's own count from 0."
            )
        width, height = sizes[d["image_id"]]
        if box[0] > width + 1 or box[1] > height + 1 or box[0] + box[2] > 2 * width or box[1] + box[3] > 2 * height:
            raise ResultsError(
                f"{where}: bbox {d['bbox']} lies outside of its picture of {width} x {height}: were the detections "
                f"made in pictures of another size?"
            )
