"""Boxes of each frame of a video: a thing that moves fits into other orders and units in some frames than in others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.regions.reader import ByHand, read_frames


def boxes(*found, **options):
    frames, sentences = read_frames(found[0], 640, 480, ByHand(**options))
    return [[region.box for region in frame] for frame in frames], sentences


def moved(x, frames=6):
    """A thing in fractions that moves right."""
    return [(x + 0.05 * i, 0.1, x + 0.05 * i + 0.2, 0.4) for i in range(frames)]


@pytest.mark.parametrize("as_text", [False, True])
def test_units_of_all_frames_are_those_of_the_one_that_tells(as_text):
    """The first frames' numbers would fit into 640 x 480 pixels."""
    frames = [[{"bbox_2d": [round(1000 * v) for v in box], "label": "dog"}] for box in moved(0.3)]
    read, sentences = boxes(json.dumps(frames) if as_text else frames)
    assert [frame[0] for frame in read] == [pytest.approx(box, abs=1e-3) for box in moved(0.3)]
    assert sentences == ("Read as Qwen boxes, xyxy, 0 to 1000, 6 boxes.",)


def test_the_order_of_all_frames_is_that_of_most_boxes():
    """The first one's numbers are corners too, as long as it is near the left edge."""
    frames = [[[20 * i, 10, 60, 60], [300, 200, 90, 90]] for i in range(5)]
    read, sentences = boxes(frames)
    assert all(len(frame) == 2 for frame in read)
    assert read[1][0] == pytest.approx((20 / 640, 10 / 480, 80 / 640, 70 / 480))
    assert any("corner and size" in sentence for sentence in sentences)


@given(st.permutations(range(6)))
def test_frames_in_another_order_are_read_alike(order):
    frames = [[[round(640 * v) if k % 2 == 0 else round(480 * v) for k, v in enumerate(b)]] for b in moved(0.1)]
    straight, _ = boxes(frames)
    mixed, _ = boxes([frames[i] for i in order])
    assert mixed == [straight[i] for i in order]


def test_what_is_set_by_hand_counts():
    frames = [[[10, 10, 200, 200]], [], None, [[20, 10, 200, 200]]]
    read, _ = boxes(frames, order="xywh", units="pixels", size=(1280, 0))
    assert read == [
        [pytest.approx((10 / 1280, 10 / 480, 210 / 1280, 210 / 480))],
        [],
        [],
        [pytest.approx((20 / 1280, 10 / 480, 220 / 1280, 210 / 480))],
    ]


def test_what_is_left_out_is_said_with_its_frame():
    frames = [[[10, 10, 100, 100]], [[300, 300, 200, 200], [20, 10, 110, 100]]]
    read, sentences = boxes(frames, order="xyxy")
    assert [len(frame) for frame in read] == [1, 1]
    assert any(s.startswith("Frame 1: left out: Region 1: box [300, 300, 200, 200]") for s in sentences)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([[[30, 30, 20, 20]], []], "Frame 0: Region 1"),
        ([["a cat"], []], "Frame 0: it holds a text without a place"),
        ([[[0, 0, 1, 1]] * 65], "Frame 0: .*at most 64"),
        ([{"version": 1, "width": 64, "height": 64, "regions": []}], "Frame 0: it is a whole region document"),
        ([[0, 0, 1, 1]], "the boxes of each frame"),
        ("a cat", "the boxes of each frame"),
        ([], "the boxes of each frame"),
    ],
)
def test_refused(source, words):
    with pytest.raises(RegionError, match=words):
        read_frames(source, 64, 64, ByHand(order="xyxy"))
