"""COCO's annotations: read as they are, and refused by their place where they are not COCO's."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.coco import Annotation, CocoError, Picture, pictures, read_json

IMAGE = {"id": 7, "file_name": "7.jpg", "width": 100, "height": 80}
BOX = {"id": 3, "image_id": 7, "category_id": 1, "bbox": [1, 2, 30, 40]}
WHOLE = {"images": [IMAGE], "annotations": [BOX], "categories": [{"id": 1, "name": "dog"}]}


def test_pictures_come_by_id_with_their_boxes_as_they_are():
    crowd = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [-0.5, 0, 0, 90.25], "iscrowd": 1, "description": "dogs"}
    other = {"id": 2, "file_name": "2.jpg", "width": 5, "height": 6}
    said = [{"image_id": 7, "caption": None}, {"image_id": 7, "caption": " A\n dog. "}, {"image_id": 7, "caption": "B"}]
    data = {**WHOLE, "images": [IMAGE, other], "annotations": [BOX, crowd]}
    assert pictures(data, {"annotations": said}) == [
        Picture(2, "2.jpg", 5, 6, (), ""),
        Picture(
            7,
            "7.jpg",
            100,
            80,
            (Annotation(3, "dog", (1, 2, 30, 40), False), Annotation(1, "dog", (-0.5, 0, 0, 90.25), True, "dogs")),
            "A dog.",
        ),
    ]


def box(**change):
    return {"annotations": [{**BOX, **change}]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": 3}, 'an object with a list "images" was expected'),
        (
            {"annotations": [None]},
            r"annotations\[0\] has no id; COCO's annotations have id, image_id, category_id, bbox",
        ),
        ({"annotations": [BOX, {"id": 4}]}, r"annotations\[1\] has no image_id"),
        ({"annotations": [BOX, BOX]}, r"annotations\[1\]: the id 3 is there twice"),
        ({"images": [IMAGE, IMAGE]}, r"images\[1\]: the id 7 is there twice"),
        ({"images": [{**IMAGE, "width": 0}]}, r"images\[0\]: width is 0"),
        ({"images": [{**IMAGE, "height": 80.5}]}, r"images\[0\]: height is 80\.5"),
        (box(category_id=9), r"annotations\[0\] is of category 9, which is not among the categories"),
        (box(image_id=8), "Picture 8 has annotations and is not among the images"),
        (box(image_id=[]), r"annotations\[0\]: image_id must be a whole number"),
        (box(id=True), r"annotations\[0\]: id must be a whole number"),
        (box(bbox=None), r"annotations\[0\]: bbox None is no box"),
        (box(bbox=[0, 0, 40]), r"bbox \[0, 0, 40\] is no box"),
        (box(bbox=[0, 0, "40", 40]), "is no box"),
        (box(bbox=[0, 0, -1, 40]), "is no box"),
        (box(bbox=[0, 0, float("nan"), 40]), "is no box"),
        (box(bbox=[0, 0, 10**400, 1]), "is no box"),
    ],
)
def test_the_place_that_is_not_cocos_is_named(change, said):
    assert pictures(WHOLE)
    with pytest.raises(CocoError, match=said):
        pictures({**WHOLE, **change})


def test_captions_are_named_as_such():
    with pytest.raises(CocoError, match="no COCO captions"):
        pictures(WHOLE, {"images": []})
    with pytest.raises(CocoError, match=r"captions, annotations\[0\] has no image_id"):
        pictures(WHOLE, {"annotations": [{"caption": "a"}]})


@settings(max_examples=40)
@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(max_size=3), lambda x: st.lists(x, max_size=3)))
def test_whatever_stands_in_place_of_a_value_is_refused_or_read(value):
    for part, entry in (("annotations", BOX), ("images", IMAGE), ("categories", WHOLE["categories"][0])):
        for key in entry:
            try:
                pictures({**WHOLE, part: [{**entry, key: value}]})
            except CocoError as error:
                assert len(str(error)) < 200


@pytest.mark.parametrize("text", ["{", "[" * 100_000, ""])
def test_a_file_that_is_no_json_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CocoError, match=r"a\.json cannot be read as JSON"):
        read_json(tmp_path / "a.json")


def test_a_files_mark_at_its_beginning_is_no_part_of_it(tmp_path):
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps(WHOLE), encoding="utf-8")
    assert read_json(tmp_path / "a.json") == WHOLE
