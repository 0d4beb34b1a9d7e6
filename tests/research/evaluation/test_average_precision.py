import json
import math

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval", reason="faster-coco-eval (extra `evaluation`) is not installed")
from research.evaluation.average_precision import ResultsError, average_precision


def truth(boxes, pictures=(1, 2)):
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 512, "height": 512} for i in pictures],
        "categories": [{"id": 18, "name": "dog"}],
        "annotations": [
            {"id": n, "image_id": i, "category_id": 18, "bbox": list(box), "area": box[2] * box[3], "iscrowd": 0}
            for n, (i, box) in enumerate(boxes, 1)
        ],
    }


def detection(picture, box, score):
    return {"image_id": picture, "category_id": 18, "bbox": list(box), "score": score}


# Two hits and a false one on three truths: by hand AP 0.401980, AP50 0.554455, AP75 0.336634.
GOLDEN = truth([(1, (0, 0, 100, 100)), (1, (200, 200, 100, 100)), (2, (0, 0, 100, 100))])
FOUND = [
    detection(1, (0, 0, 100, 100), 0.9),
    detection(1, (200, 200, 100, 60), 0.7),  # IoU 0.6
    detection(2, (300, 300, 50, 50), 0.8),
]


def test_the_golden_case():
    found = average_precision(GOLDEN, FOUND)
    assert [round(found[name], 6) for name in ("AP", "AP50", "AP75")] == [0.401980, 0.554455, 0.336634]
    assert (found["pictures"], found["without"]) == (2, 0)
    assert math.isnan(found["AP small"])


def test_pycocotools_agrees_to_six_digits(tmp_path):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools (extra `evaluation`) is not installed")
    from pycocotools.cocoeval import COCOeval

    lot = np.random.default_rng(0)
    boxes = [(int(lot.integers(1, 9)), (*lot.integers(0, 300, 2), *lot.integers(20, 200, 2))) for _ in range(40)]
    boxes = [(i, tuple(map(float, box))) for i, box in boxes]
    near = [(i, tuple(np.array(box) + lot.normal(0, 8, 4).round(3))) for i, box in boxes[:30]]
    found = [detection(i, map(float, box), float(s)) for (i, box), s in zip(near, lot.random(30), strict=True)]
    whole = truth(boxes, range(1, 9))
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(whole))
    reference = coco.COCO(str(path))
    evaluation = COCOeval(reference, reference.loadRes([dict(d) for d in found]), "bbox")
    evaluation.evaluate(), evaluation.accumulate(), evaluation.summarize()
    ours = average_precision(whole, found)
    assert [ours[n] for n in ("AP", "AP50", "AP75")] == pytest.approx(evaluation.stats[:3].tolist(), abs=1e-6)


def test_a_picture_without_detections_lowers_ap_and_is_counted():
    perfect = [detection(a["image_id"], a["bbox"], 0.9) for a in GOLDEN["annotations"]]
    half = average_precision(GOLDEN, [d for d in perfect if d["image_id"] == 1])
    assert average_precision(GOLDEN, perfect)["AP"] == pytest.approx(1)
    assert half["AP"] < 0.7
    assert half["without"] == 1


def test_no_detections_at_all():
    for kind in ("box", "mask"):
        found = average_precision(GOLDEN, [], kind)
        assert (found["AP"], found["AP50"], found["AP75"], found["AP large"]) == (0, 0, 0, 0) and found["without"] == 2
        assert math.isnan(found["AP small"]) and math.isnan(found["AP medium"]), "there is no truth of that size"


def test_what_it_is_given_stays_as_it_was():
    before = json.dumps([GOLDEN, FOUND])
    average_precision(GOLDEN, FOUND)
    assert json.dumps([GOLDEN, FOUND]) == before


@pytest.mark.parametrize(
    ("detections", "said"),
    [
        ({"results": []}, "no list of detections"),
        ([1], "no list of detections"),
        ([{}], "Detection 0 cannot be read"),
        ([detection(1, (0, 0, 1), 0.5)], "no finite box"),
        ([detection(1, (0, 0, 1, float("nan")), 0.5)], "no finite box"),
        ([detection(1, (0, 0, 1, 1), float("inf"))], "no finite box"),
        ([FOUND[0], detection(7, (0, 0, 1, 1), 0.5)], "Detection 1 is in picture 7"),
        ([{**FOUND[0], "category_id": 0}], "of category 0, which"),
        ([detection(1, (900, 0, 100, 100), 0.5)], "another size"),
    ],
)
def test_foreign_detections_are_refused(detections, said):
    with pytest.raises(ResultsError) as error:
        average_precision(GOLDEN, detections)
    assert said in str(error.value)
