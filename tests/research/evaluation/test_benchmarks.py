"""Readers and builders; the published files are not ours to pass on, so their form is made here."""

import json
import math
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from deig_core.errors import DeigError
from research import coco
from research.evaluation.benchmarks import deig_build, deig_read, instdiff_build, mig_read
from research.evaluation.benchmarks.coco_boxes import fractions, usable
from research.evaluation.benchmarks.deig_words import COLOURS, MATERIALS, OBJECT_SHARES, TEXTURES
from research.evaluation.layout import LayoutError, read_layouts, write_layouts

NOUNS = ("person", "dog", "cup", "couch", "teddy bear")


@pytest.fixture(scope="module")
def annotations():
    """600 pictures of 640 x 480 with 1 to 12 boxes of 1 to 90 % of each, crowds and empty boxes here and there."""
    lot = np.random.default_rng(0)
    images, found = [], []
    for i in range(1, 601):
        images.append({"id": i, "file_name": f"{i:012d}.jpg", "width": 640, "height": 480})
        for _ in range(lot.integers(1, 13)):
            w, h = 640 * lot.uniform(0.1, 0.95), 480 * lot.uniform(0.1, 0.95)
            box = [lot.uniform(0, 640 - w), lot.uniform(0, 480 - h), w, h]
            draw = lot.random()
            if draw < 0.03:
                box[2] = 0.0
            category = 1 if lot.random() < 0.4 else int(lot.integers(2, 6))
            found.append(
                {"id": len(found) + 7, "image_id": i, "category_id": category, "bbox": box, "iscrowd": int(draw > 0.97)}
            )
    return {
        "images": images,
        "annotations": found,
        "categories": [{"id": i, "name": name} for i, name in enumerate(NOUNS, 1)],
    }


@pytest.fixture(scope="module")
def built(annotations):
    return deig_build.build(usable(coco.pictures(annotations)), seed=3, count=200, source="instances.json")


A = f"a ({'|'.join(COLOURS)})"
GARMENT = rf"({A} (hat|jacket|shirt|sweater)|({'|'.join(COLOURS)}) (jeans|pants|shorts))"
PERSON = re.compile(rf"a person wearing ({GARMENT}(, | and |$)){{1,3}}")
THING = re.compile(
    rf"{A}(?P<texture> ({'|'.join(TEXTURES)}))?(?P<material> ({'|'.join(MATERIALS)}))? ({'|'.join(NOUNS[1:])})"
)


def test_every_picture_of_deig_bench_keeps_the_rules(built):
    assert len({layout.id for layout in built}) == 200
    for layout in built:
        assert 3 <= len(layout.instances) <= 10
        assert layout.prompt == ", ".join(i.text for i in layout.instances)
        for i in layout.instances:
            area = (i.box[2] - i.box[0]) * (i.box[3] - i.box[1])
            assert 0.10 <= area <= 0.60
            assert (i.tags["kind"] == "person") == (i.noun == "person")


def test_grammar_and_levels_agree(built):
    for i in (i for layout in built for i in layout.instances):
        if i.noun == "person":
            assert PERSON.fullmatch(i.text), i.text
            parts = re.split(", | and ", i.text.removeprefix("a person wearing "))
            assert i.tags["level"] == f"C{len(parts)}"
            assert i.text.count(" and ") == (len(parts) > 1)
            colours = [next(w for w in part.split() if w in COLOURS) for part in parts]
            assert len({*colours}) == len(colours), "so many colours as its level says"
            kinds = ["hat" if "hat" in p else "lower" if p.split()[0] in COLOURS else "upper" for p in parts]
            assert len({*kinds}) == len(kinds), "one garment a part of the body"
        else:
            match = THING.fullmatch(i.text)
            assert match, i.text
            level = {(0, 0): "L1", (0, 1): "L2", (1, 0): "L3", (1, 1): "L4"}
            assert i.tags["level"] == level[bool(match["texture"]), bool(match["material"])]


def test_shares_are_a_fair_lots(built):
    """Within four standard deviations of the binomial."""
    instances = [i for layout in built for i in layout.instances]
    levels = Counter(i.tags["level"] for i in instances)
    objects = sum(levels[name] for name in OBJECT_SHARES)
    persons = sum(levels[f"C{n}"] for n in (1, 2, 3))
    colours = Counter(i.tags["colour"] for i in instances if i.tags["kind"] == "object")
    expected = [
        *((levels[name], objects, share) for name, share in OBJECT_SHARES.items()),
        *((levels[f"C{n}"], persons, 1 / 3) for n in (1, 2, 3)),
        *((colours[name], objects, 1 / 12) for name in COLOURS),
    ]
    for seen, of, share in expected:
        assert abs(seen - of * share) <= 4 * math.sqrt(of * share * (1 - share))


def test_the_same_seed_gives_the_same_bytes(tmp_path, annotations, built):
    write_layouts(tmp_path / "1", built)
    shuffled = {**annotations, "images": annotations["images"][::-1]}
    again = deig_build.build(usable(coco.pictures(shuffled)), seed=3, count=200, source="instances.json")
    write_layouts(tmp_path / "2", again)
    other = deig_build.build(usable(coco.pictures(annotations)), seed=4, count=200, source="instances.json")
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert [x.prompt for x in other] != [x.prompt for x in built]


def test_a_pictures_texts_do_not_depend_on_the_others(annotations, built):
    few = {**annotations, "images": annotations["images"][:300]}
    few["annotations"] = [a for a in annotations["annotations"] if a["image_id"] <= 300]
    pictures = usable(coco.pictures(few))
    most = sum(3 <= len(deig_build._boxes(p)) <= 10 for p in pictures)
    texts = {x.id: x.prompt for x in deig_build.build(pictures, seed=3, count=most)}
    shared = [x for x in built if x.id in texts]
    assert len(shared) > 20
    assert all(texts[x.id] == x.prompt for x in shared)


def test_too_few_pictures(annotations):
    with pytest.raises(LayoutError, match=r"pictures have 3 to 10 boxes of 10% to 60% .* and 5000 are wanted"):
        deig_build.build(usable(coco.pictures(annotations)), count=5000)


def test_the_published_form_comes_back(tmp_path, built):
    path = tmp_path / "deig_bench_coco.json"
    deig_read.write_published(path, built, {built[0].id: "A dog."})
    assert json.loads(path.read_text())["results"][0]["caption"] == "A dog."

    def kept(layout):
        return layout.id, layout.prompt, [(i.box, i.text, i.noun, i.tags["level"]) for i in layout.instances]

    assert [*map(kept, deig_read.read(path))] == [*map(kept, built)]


def test_mig_bench(tmp_path):
    path = tmp_path / "mig_bench_coco.json"
    two = [
        {"bbox": [0, 0, 0.5, 1.004], "label": "a red teddy bear"},
        {"bbox": [0.5, 0, 1, 1], "label": "a brown cup"},
    ]
    data = {n: {"caption": f"photo {n}", "image_id": 9, "segment": two} for n in ("10", "2")}
    path.write_text(json.dumps(data))
    layouts = mig_read.read(path)
    assert [x.id for x in layouts] == ["2", "10"]
    first, second = layouts[0].instances
    assert (first.noun, first.tags["colour"], first.tags["level"], first.box) == (
        "teddy bear",
        "red",
        "L2",
        (0, 0, 0.5, 1),
    )
    assert (second.noun, second.text) == ("cup", "a brown cup")
    write_layouts(tmp_path / "mig.jsonl", layouts)
    assert read_layouts(tmp_path / "mig.jsonl") == layouts


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (mig_read.read, "[", "cannot be read as JSON"),
        (mig_read.read, "[]", "cannot be read"),
        (mig_read.read, '{"x": {}}', "cannot be read"),
        (mig_read.read, '{"0": {"caption": "x"}}', "cannot be read (KeyError('segment'))"),
        (
            mig_read.read,
            '{"0": {"caption": "x", "image_id": 1, "segment": [{"bbox": [0, 0, 1, 1], "label": "a mauve cup"}]}}',
            "Picture 0, instance 1: the label 'a mauve cup'",
        ),
        (
            mig_read.read,
            '{"0": {"caption": "x", "image_id": 1, "segment": [{"bbox": [0, 0, 2, 1], "label": "a red cup"}]}}',
            "Picture 0, instance 1: box",
        ),
        (deig_read.read, "[]", "cannot be read"),
        (deig_read.read, '{"results": [{"file_name": "1.jpg"}]}', "cannot be read (KeyError('instances'))"),
        (
            deig_read.read,
            '{"results": [{"file_name": "1.jpg", "instances": [{"eval_info": {"type": "fish", "eval_metrics": {}}}]}]}',
            "instance 1 is of type 'fish'",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, read, content, said):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(DeigError) as error:
        read(path)
    assert said in str(error.value)


def test_adjectives_follow_from_the_annotations_id(annotations):
    pictures = usable(coco.pictures(annotations))
    colour = instdiff_build.layouts(pictures, "colour")
    by_picture = {f"{p.id:012d}": p for p in pictures}
    assert {x.id for x in colour} == {f"{p.id:012d}" for p in pictures if p.annotations}
    for layout in colour:
        for instance, a in zip(layout.instances, by_picture[layout.id].annotations, strict=True):
            label = ("black", "white", "red", "green", "yellow", "blue", "pink", "purple")[a.id % 8]
            assert (instance.text, instance.tags["label"]) == (f"{label} {a.category}", label)
    assert any(a.crowd for p in pictures for a in p.annotations), "crowds are in, as published"


def test_the_thirty_first_annotation_is_left_out(annotations):
    many = [{**annotations["annotations"][0], "id": n, "bbox": [0, 0, 10, 10]} for n in range(31)]
    (layout,) = instdiff_build.layouts(usable(coco.pictures({**annotations, "annotations": many})), "texture")
    assert len(layout.instances) == 30


def test_annotations_are_scaled_to_512(annotations):
    polygon = {**annotations["annotations"][0], "bbox": [64, 48, 320, 240], "segmentation": [[64, 48, 384, 288]]}
    polygon["area"] = 1000
    (moved,) = instdiff_build.scaled({**annotations, "annotations": [polygon]})["annotations"]
    assert moved["bbox"] == pytest.approx([51.2, 51.2, 256, 256])
    assert moved["segmentation"] == [pytest.approx([51.2, 51.2, 307.2, 307.2])]
    assert moved["area"] == pytest.approx(1000 * 512 * 512 / 640 / 480)


def test_a_crowds_mask_is_scaled_too(annotations):
    mask = pytest.importorskip("faster_coco_eval.core.mask", reason="faster-coco-eval is not installed")
    left_half = {"size": [480, 640], "counts": [0, 480 * 320, 480 * 320]}
    crowd = {**annotations["annotations"][0], "segmentation": left_half, "iscrowd": 1}
    (moved,) = instdiff_build.scaled({**annotations, "annotations": [crowd]})["annotations"]
    decoded = mask.decode(moved["segmentation"])
    assert decoded.shape == (512, 512)
    assert decoded[:, :256].all() and not decoded[:, 256:].any()


@pytest.mark.parametrize("bbox", [[600, 0, 42, 5], [-2, 0, 9, 9], [0, 400, 9, 82]])
def test_a_box_that_leaves_its_picture_is_refused_and_one_that_touches_its_edge_is_cut(annotations, bbox):
    def read(bbox):
        only = {**annotations, "annotations": [{**annotations["annotations"][0], "bbox": bbox}]}
        return usable(coco.pictures(only))

    with pytest.raises(LayoutError, match=r"bbox .* leaves its picture of 640 x 480 pixels"):
        read(bbox)
    (picture,) = (p for p in read([-0.5, 0, 640.75, 480.5]) if p.annotations)
    assert fractions(picture, picture.annotations[0]) == (0, 0, 1, 1)


@pytest.mark.skipif("DEIG_BENCH" not in os.environ, reason="DEIG_BENCH does not name deig_bench_coco.json")
def test_the_published_deig_bench():
    layouts = deig_read.read(Path(os.environ["DEIG_BENCH"]))
    levels = Counter(i.tags["level"] for x in layouts for i in x.instances)
    assert len(layouts) == 400
    assert levels == {"C1": 195, "C2": 211, "C3": 193, "L1": 209, "L2": 212, "L3": 213, "L4": 179}


@pytest.mark.skipif("MIG_BENCH" not in os.environ, reason="MIG_BENCH does not name mig_bench_coco.json")
def test_the_published_mig_bench():
    layouts = mig_read.read(Path(os.environ["MIG_BENCH"]))
    assert Counter(len(x.instances) for x in layouts) == dict.fromkeys(range(2, 7), 160)
    assert len({i.tags["colour"] for x in layouts for i in x.instances}) == 7
