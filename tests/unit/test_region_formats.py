"""However a rectangle comes in, it is the same region."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.region_formats import from_boxes, from_masks
from deig_core.regions import Region, RegionDocument

WIDTH, HEIGHT, TEXT = 800, 500, "a red hoodie"
X0, Y0, X1, Y1 = 80, 100, 480, 450
BOX = (0.1, 0.2, 0.6, 0.9)
OURS = RegionDocument(WIDTH, HEIGHT, (Region("r1", BOX, TEXT),))

DESCRIBED = {
    "document": OURS.to_dict(),
    "core box": {"x": X0, "y": Y0, "width": X1 - X0, "height": Y1 - Y0, "metadata": {"desc": TEXT}},
    "core frame": [{"x": X0, "y": Y0, "width": X1 - X0, "height": Y1 - Y0, "label": TEXT}],
    "core frames": [[{"x": X0, "y": Y0, "width": X1 - X0, "height": Y1 - Y0, "metadata": {"desc": TEXT}}], []],
    "core elements": [{"type": "obj", "bbox": [200, 100, 900, 600], "desc": TEXT}],
    "elements inside": {"high_level": "x", "elements": [{"type": "text", "bbox": [200, 100, 900, 600], "desc": TEXT, "text": "OPEN"}]},
    "KJNodes elements": [{"x": 0.1, "y": 0.2, "w": 0.5, "h": 0.7, "type": "obj", "desc": TEXT}],
    "detections": {"detections": [{"xyxy": [X0, Y0, X1, Y1], "label": TEXT, "score": 0.7}]},
    "detections in fractions": [{"box": list(BOX), "caption": TEXT}],
    "a language model's": [{"box_2d": [200, 100, 900, 600], "label": TEXT}],
}


@pytest.mark.parametrize("name", DESCRIBED)
@pytest.mark.parametrize("as_text", [False, True])
def test_described_boxes(name, as_text):
    source = DESCRIBED[name]
    if as_text:
        source = "Here they are:\n```json\n" + json.dumps(source)[:-1] + "," + json.dumps(source)[-1] + "\n```\nEnjoy!"
    (region,) = from_boxes(source, WIDTH, HEIGHT).regions
    assert region.box == pytest.approx(BOX) and region.description == TEXT


@pytest.mark.parametrize(("numbers", "layout", "units"), [
    ([X0, Y0, X1, Y1], "xyxy", "auto"), ([X0, Y0, X1 - X0, Y1 - Y0], "xywh", "pixels"), ([0.1, 0.2, 0.6, 0.9], "xyxy", "auto"),
    ([0.1, 0.2, 0.5, 0.7], "xywh", "fractions"), ([200, 100, 900, 600], "yxyx", "0..1000"),
])
@pytest.mark.parametrize("wrap", [lambda n: [n], lambda n: n, lambda n: [[n]], lambda n: torch.tensor([n], dtype=torch.float64)])
def test_bare_lists(numbers, layout, units, wrap):
    (region,) = from_boxes(wrap(numbers), WIDTH, HEIGHT, layout=layout, units=units).regions
    assert region.box == pytest.approx(BOX)


def test_descriptions_in_order_and_texts_without_a_box():
    regions = from_boxes([[0, 0, 0.5, 1], {"box": [0.5, 0, 1, 1], "label": "kept"}], WIDTH, HEIGHT, descriptions=["first", "", "third"]).regions
    assert [r.description for r in regions] == ["first", "kept", "third"]
    assert regions[2].box == (0, 0, 1, 1)


@pytest.mark.parametrize(("source", "said"), [
    ("no json", "no readable JSON"), (7, "must be a list"), ([{"score": 1}], "no box found"), ([[0, 0, 1]], "four numbers"),
    ([[0.8, 0.2, 0.4, 0.9]], "x1 <= x0"), ([[0, 0, 1, 1]] * 65, "65 regions"), ([{"box": "abcd"}], "four numbers"),
])
def test_what_cannot_be_read_is_said(source, said):
    with pytest.raises(RegionError, match=said):
        from_boxes(source, WIDTH, HEIGHT)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["x", "y", "w", "h", "width", "height", "bbox", "box", "desc", "regions", "elements", "version", "metadata"]), inner, max_size=5),
    max_leaves=12)


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_anything_is_regions_or_a_region_error(value):
    try:
        document = from_boxes(value, WIDTH, HEIGHT)
    except RegionError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(document, RegionDocument)


def test_masks_become_regions_and_empty_ones_are_left_out(caplog):
    masks = torch.zeros(3, 50, 80)
    masks[0, 10:45, 8:48] = 1
    masks[2, 0, 0] = 0.5
    first, third = from_masks(masks, WIDTH, HEIGHT, ["a", "b", "c"]).regions
    assert first.box == pytest.approx(BOX) and (first.description, third.description) == ("a", "c")
    assert third.box == pytest.approx((0, 0, 1 / 80, 1 / 50))
    assert "Mask 2 is empty" in caplog.text
