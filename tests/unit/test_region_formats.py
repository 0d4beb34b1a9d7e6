"""However a rectangle comes in, it is the same region."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.regions.document import Region, RegionDocument, parse
from deig_core.regions.from_boxes import read_boxes
from deig_core.regions.from_masks import read_masks
from deig_core.regions.reader import ByHand

WIDTH, HEIGHT, TEXT = 800, 500, "a red hoodie"
X0, Y0, X1, Y1 = 80, 100, 480, 450
BOX = (0.1, 0.2, 0.6, 0.9)
OURS = RegionDocument(WIDTH, HEIGHT, (Region("r1", BOX, TEXT),))

CASES = json.loads((Path(__file__).parents[1] / "data" / "region_formats.json").read_text(encoding="utf-8"))["cases"]


def from_boxes(*source, **options):
    """The document that is read."""
    return read_boxes(*source, **options).document


def by_hand(options):
    """Options under the names of a node's inputs."""
    return ByHand(order=options.get("layout", "auto"), units=options.get("units", "auto"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_table_of_forms(case, as_text):
    source = json.dumps(case["source"]) if as_text and not isinstance(case["source"], str) else case["source"]
    if case["regions"] is None:
        with pytest.raises(RegionError):
            from_boxes(source, WIDTH, HEIGHT, by_hand(case.get("options", {})))
        return
    found = from_boxes(source, WIDTH, HEIGHT, by_hand(case.get("options", {}))).regions
    assert [r.description for r in found] == [r["description"] for r in case["regions"]]
    for region, expected in zip(found, case["regions"], strict=True):
        assert region.box == pytest.approx(expected["box"] or (0, 0, 1, 1))


@pytest.mark.parametrize(
    ("numbers", "order", "units"),
    [
        ([X0, Y0, X1, Y1], "xyxy", "auto"),
        ([X0, Y0, X1 - X0, Y1 - Y0], "xywh", "pixels"),
        ([0.1, 0.2, 0.6, 0.9], "xyxy", "auto"),
        ([0.1, 0.2, 0.5, 0.7], "xywh", "fractions"),
        ([200, 100, 900, 600], "yxyx", "0..1000"),
    ],
)
@pytest.mark.parametrize(
    "wrap", [lambda n: [n], lambda n: n, lambda n: [[n]], lambda n: torch.tensor([n], dtype=torch.float64)]
)
def test_bare_lists(numbers, order, units, wrap):
    (region,) = from_boxes(wrap(numbers), WIDTH, HEIGHT, ByHand(order=order, units=units)).regions
    assert region.box == pytest.approx(BOX)


def test_descriptions_in_order_and_texts_without_a_box():
    regions = from_boxes(
        [[0, 0, 0.5, 1], {"box": [0.5, 0, 1, 1], "label": "kept"}], WIDTH, HEIGHT, descriptions=["first", "", "third"]
    ).regions
    assert [r.description for r in regions] == ["first", "kept", "third"]
    assert regions[2].box == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no json", "no readable JSON"),
        (7, "must be a list"),
        ([{"score": 1}], "no box found"),
        ([[0, 0, 1]], "four numbers"),
        ([[0.8, 0.2, 0.4, 0.9]], "x1 <= x0"),
        ([[0, 0, 1, 1]] * 65, "65 regions"),
        ([{"box": "abcd"}], "four numbers"),
    ],
)
def test_what_cannot_be_read_is_said(source, said):
    with pytest.raises(RegionError, match=said):
        from_boxes(source, WIDTH, HEIGHT)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "x",
                    "y",
                    "w",
                    "h",
                    "width",
                    "height",
                    "bbox",
                    "box",
                    "desc",
                    "regions",
                    "elements",
                    "version",
                    "metadata",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400)
@given(JSON)
def test_anything_is_regions_or_a_region_error(value):
    try:
        document = from_boxes(value, WIDTH, HEIGHT)
    except RegionError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(document, RegionDocument)


def test_masks_become_regions_and_empty_ones_are_left_out():
    masks = torch.zeros(3, 50, 80)
    masks[0, 10:45, 8:48] = 1
    masks[2, 0, 0] = 0.5
    document, notes = read_masks(masks, ["a", "b", "c"], size=(WIDTH, HEIGHT))
    first, third = document.regions
    assert first.box == pytest.approx(BOX) and (first.description, third.description) == ("a", "c")
    assert third.box == pytest.approx((0, 0, 1 / 80, 1 / 50))
    assert notes == ("Mask 2 is empty and was left out.",)


def test_masks_given_to_regions_follow_the_same_rules():
    drawn = RegionDocument(80, 50, tuple(Region(f"r{i}", (0, 0, 1, 1), f"thing {i}") for i in range(3)))
    masks = torch.zeros(3, 50, 80)
    masks[0, 10:45, 8:48] = 1
    masks[2, 0, 0] = 0.3
    document, notes = read_masks(masks, ["", "b"], drawn)
    assert [r.description for r in document.regions] == ["thing 0", "b", "thing 2"]
    assert [r.mask is None for r in document.regions] == [False, True, False]
    assert document.regions[1].box == (0, 0, 1, 1)
    assert notes[1] == "Mask 2 is empty and was left out." and "Mask 3 is nowhere brighter" in notes[0]
    with pytest.raises(RegionError, match="All masks are empty"):
        read_masks(masks * 0, [], drawn)
    with pytest.raises(RegionError, match="3 masks for 1 regions"):
        read_masks(masks, [], replace(drawn, regions=drawn.regions[:1]))


@pytest.mark.parametrize(
    "given",
    [lambda m: m, lambda m: m[0], lambda m: m[:, None], lambda m: m[..., None], lambda m: m * 255, lambda m: m * 0.4],
    ids=["batch", "one", "channel", "last channel", "bytes", "soft"],
)
def test_masks_of_every_shape(given):
    masks = torch.zeros(1, 50, 80)
    masks[0, 10:45, 8:48] = 1
    document, notes = read_masks(given(masks), ["a"], size=(WIDTH, HEIGHT))
    assert document.regions[0].box == pytest.approx(BOX)
    assert bool(notes) == (given(masks).max() == pytest.approx(0.4))


@pytest.mark.parametrize(
    ("masks", "texts", "said"),
    [
        (torch.ones(1, 8, 8), ["a", "b", "c"], "1 mask for 3 descriptions"),
        (torch.ones(2, 8, 8), ["a", "b", "c"], "2 masks for 3 descriptions"),
        (torch.zeros(2, 8, 8), [], "All masks are empty"),
        (torch.ones(2, 3, 8, 8), [], "shape"),
        (torch.ones(8), [], "shape"),
        (torch.ones(0, 8, 8), [], "shape"),
        (torch.ones(64, 64, 3), [], "pictures with channels"),
        (np.ones((1, 8, 8)), [], "ordinary tensor"),
        (torch.ones(1, 8, 8) * 1j, [], "ordinary tensor"),
        (torch.eye(8).to_sparse()[None], [], "ordinary tensor"),
        (torch.full((1, 8, 8), math.nan), [], "NaN"),
        (torch.ones(65, 8, 8), [], "65 regions"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_masks_that_say_nothing(masks, texts, said):
    with pytest.raises(RegionError, match=said):
        read_masks(masks, texts)


HUGE = 10**400  # an integer that JSON can say and a float cannot hold


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([[0.1, 0.2, 0.5, True]], "Region 1"),
        ([[0.1, 0.2, 0.5, HUGE]], "Region 1"),
        ([{"x": 1, "y": 1, "w": HUGE, "h": 1}], "Region 1"),
        *(([{"box": BOX, "strength": s}], "Region 1.*strength") for s in (-1, math.nan, HUGE, "2", True)),
        ([{"box": BOX, "label": "\ud83d"}], "Region 1.*half a character"),
        ({"boxes": "none"}, "Region 1.*boxes"),
        ('{"box": ' + "1" * 5000 + "}", "Region 1.*box"),
        ("[" * 100_000, "nested"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_numbers_and_texts_that_no_region_can_hold_are_named(source, said):
    with pytest.raises(RegionError, match=said) as caught:
        from_boxes(source, WIDTH, HEIGHT)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize("said", ["a ```quoted``` sign", "says ,] and ,}", 'a "bracket }" ]'])
def test_texts_inside_a_document_are_no_markup(said):
    source = RegionDocument(WIDTH, HEIGHT, (Region("r1", BOX, said),)).to_json()
    assert from_boxes(source, WIDTH, HEIGHT).regions[0].description == said


@pytest.mark.parametrize("source", [[], [BOX], OURS.to_dict()], ids=["none", "one", "document"])
def test_65_descriptions_are_too_many(source):
    with pytest.raises(RegionError, match="65 regions"):
        from_boxes(source, WIDTH, HEIGHT, descriptions=["a cat"] * 65)


def test_a_description_without_a_box_gets_an_id_of_its_own():
    regions = from_boxes(
        RegionDocument(WIDTH, HEIGHT, (Region("r2", BOX),)).to_dict(), WIDTH, HEIGHT, descriptions=["a", "b", "c"]
    ).regions
    assert len({r.id for r in regions}) == 3 and regions[0].id == "r2"


@pytest.mark.parametrize(
    "source",
    [np.array([BOX]), [np.array(BOX)], [torch.tensor(BOX, dtype=torch.float64)], [[np.float64(n) for n in BOX]]],
)
def test_arrays_are_lists(source):
    assert from_boxes(source, WIDTH, HEIGHT).regions[0].box == pytest.approx(BOX)


def test_whole_numbers_of_numpy_are_pixels():
    source = [[np.int64(X0), np.int32(Y0), np.float32(X1), np.int64(Y1)]]
    assert from_boxes(source, WIDTH, HEIGHT).regions[0].box == pytest.approx(BOX)


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([HUGE, 1, 0.5]),
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "x",
                        "y",
                        "w",
                        "h",
                        "width",
                        "height",
                        "box",
                        "bbox",
                        "box_2d",
                        "desc",
                        "strength",
                        "elements",
                        "regions",
                    ]
                ),
                inner,
                max_size=7,
            )
        ),
        max_leaves=25,
    )
)
def test_what_is_read_is_a_valid_document_and_the_rest_a_region_error(source):
    for form in (source, json.dumps(source)):
        try:
            document = from_boxes(form, WIDTH, HEIGHT, descriptions=["a", "b"])
        except RegionError as error:
            assert "\n" not in str(error)
        else:
            assert parse(document.to_json()).to_dict() == document.to_dict()


@pytest.mark.parametrize("bad", [[300, 300, 200, 200], None, [900, 900, 950, 950], {"label": "x", "bbox": [1, 2, 3]}])
def test_a_box_that_is_left_out_takes_its_description_with_it(bad):
    boxes = [[10, 10, 100, 100], bad, [400, 400, 500, 500]]
    reading = read_boxes(
        boxes, 512, 512, ByHand(order="xyxy", units="pixels"), descriptions=["one", "two", "three", "four"]
    )
    first, third, more = reading.document.regions
    assert [r.description for r in (first, third, more)] == ["one", "three", "four"]
    assert third.box == pytest.approx([400 / 512, 400 / 512, 500 / 512, 500 / 512]) and more.box == (0, 0, 1, 1)
    assert "Description 2 belongs to a box that was left out." in reading.notes


@pytest.mark.parametrize(
    ("size", "expected"), [((1024, 0), (0.25, 0.5)), ((0, 1024), (0.5, 0.25)), ((0, 0), (0.5, 0.5))]
)
def test_one_side_of_the_boxes_own_picture_may_be_set_alone(size, expected):
    (region,) = read_boxes([[0, 0, 256, 256]], 512, 512, ByHand(units="pixels", size=size)).document.regions
    assert region.box[2:] == expected
