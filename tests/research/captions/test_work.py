"""From annotations to shards of instances to describe."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deig_core.errors import DeigError
from research.captions.cost import Set
from research.captions.cost import main as cost
from research.captions.work import Instance, Limits, Work, read_work, shards

IMAGE = {"id": 7, "file_name": "7.jpg", "width": 100, "height": 80}


def coco(annotations, images=(IMAGE,), categories=({"id": 1, "name": "dog"},)):
    found = [{"id": i, "image_id": 7, "category_id": 1, **a} for i, a in enumerate(annotations)]
    return {"images": list(images), "annotations": found, "categories": list(categories)}


def read(tmp_path, data, captions=None, **limits):
    path = tmp_path / "instances.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    if captions is not None:
        (tmp_path / "captions.json").write_text(json.dumps(captions))
    return read_work(path, tmp_path / "captions.json" if captions is not None else None, Limits(**limits))


def test_what_is_described_and_what_is_left_out(tmp_path):
    annotations = [
        {"bbox": [10, 10, 40, 50]},
        {"bbox": [10, 10, 40, 50], "iscrowd": 1},
        {"bbox": [10, 10, 0, 50]},
        {"bbox": [90, 10, 40, 50]},
        {"bbox": [-5, -5, 45, 45.5]},
        {"bbox": [10, 10, 31, 80]},
        {"bbox": [10, 10, 32, 32]},
        {"bbox": [200, 10, 40, 40]},
    ]
    (work,), left_out = read(tmp_path, coco(annotations), {"annotations": [{"image_id": 7, "caption": " Dogs. "}]})
    assert work == Work(
        "7",
        "7.jpg",
        100,
        80,
        "Dogs.",
        (
            Instance("0", (10, 10, 40, 50), "dog"),
            Instance("4", (0, 0, 40, 40.5), "dog"),
            Instance("6", (10, 10, 32, 32), "dog"),
        ),
    )
    assert +left_out == {"crowd": 1, "empty box": 1, "outside the picture": 2, "small": 1}
    assert Work.from_json(work.to_json()) == work


def test_of_a_crowded_picture_the_largest_are_described_in_their_order(tmp_path):
    annotations = [{"bbox": [0, 0, 33 + (i * 7) % 40, 40]} for i in range(35)]
    (work,), left_out = read(tmp_path, coco(annotations))
    assert len(work.instances) == 30 and left_out["beyond the most of a picture"] == 5
    kept = [int(i.id) for i in work.instances]
    assert kept == sorted(kept)
    assert min(i.bbox[2] for i in work.instances) >= max(annotations[n]["bbox"][2] for n in set(range(35)) - set(kept))


def test_the_trainers_own_lines_are_read_with_their_texts_as_classes(tmp_path):
    path = tmp_path / "mine.jsonl"
    line = {"file_name": "a.png", "width": 64, "height": 64, "caption": "", "instances": []}
    line["instances"] = [{"bbox": [0, 0, 40, 40], "description": t} for t in ("a dog", "an old car", "chair")]
    path.write_text(json.dumps(line) + "\n")
    (work,), _ = read_work(path)
    assert [i.noun for i in work.instances] == ["dog", "old car", "chair"]
    assert [i.id for i in work.instances] == ["0-0", "0-1", "0-2"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{", r"instances\.json cannot be read as JSON"),
        ([], "no COCO annotations"),
        (coco([{"bbox": [0, 0, 4, 4]}]), r"holds nothing to describe; left out: \{'small': 1"),
    ],
)
def test_annotations_that_cannot_be_used_are_refused_by_name(tmp_path, data, said):
    with pytest.raises(DeigError, match=said):
        read(tmp_path, data)


@given(st.integers(1, 200), st.integers(1, 70))
def test_shards_hold_every_picture_once_in_order(pictures, size):
    parts = shards(list(range(pictures)), size)
    assert [n for part in parts for n in part] == list(range(pictures))
    assert all(len(part) == size for part in parts[:-1]) and len(parts[-1]) <= size


def test_an_instances_seed_is_its_own_and_does_not_change():
    seeds = {Instance(str(i), (0, 0, 1, 1), "dog").seed(0) for i in range(2000)}
    assert len(seeds) == 2000 and all(0 <= s < 2**31 for s in seeds)
    assert Instance("5", (9, 9, 9, 9), "cat").seed(0) == Instance("5", (0, 0, 1, 1), "dog").seed(0) == 1008181865
    assert Instance("5", (0, 0, 1, 1), "dog").seed(1) != 1008181865


def test_what_is_on_paper(capsys):
    one = Set(10, 100, whole=400, crop=100)
    assert one.questions == pytest.approx(2 * 10 + 110) and one.written == pytest.approx(20 * 2 + 110 * 40)
    assert 110 * 500 < one.read < 110 * 1000
    assert cost(["--pictures", "1000", "--instances", "7000"]) == 0
    assert "9,700 questions" in capsys.readouterr().out
