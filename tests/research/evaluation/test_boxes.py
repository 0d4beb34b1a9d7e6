import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.evaluation.boxes import best, iou, one_to_one, suppressed

UNIT = (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (UNIT, 1),
        ((0.5, 0, 1.5, 1), 1 / 3),
        ((0, 0, 0.5, 1), 1 / 2),
        ((0.25, 0.25, 0.75, 0.75), 1 / 4),
        ((1, 0, 2, 1), 0),
        ((0.5, 0.5, 0.5, 0.5), 0),
        ((0.8, 0.8, 0.2, 0.2), 0),
    ],
)
def test_iou(other, expected):
    assert iou(UNIT, other)[0, 0] == iou(other, UNIT)[0, 0] == pytest.approx(expected)


def test_two_empty_boxes_overlap_nothing():
    assert iou((0, 0, 0, 0), (0, 0, 0, 0))[0, 0] == 0


corner = st.integers(0, 64).map(lambda n: n / 64)  # 1 - x is exact
boxes = st.lists(st.tuples(corner, corner, corner, corner), min_size=1, max_size=6)


@given(boxes, boxes)
def test_iou_survives_mirror_and_exchange(a, b):
    def mirrored(x):
        x = np.array(x)
        return np.stack([1 - x[:, 2], x[:, 1], 1 - x[:, 0], x[:, 3]], 1)

    assert np.allclose(iou(a, b), iou(b, a).T)
    assert np.allclose(iou(a, b), iou(mirrored(a), mirrored(b)))


def shifted(by):
    """A unit box, `by` to the right: its IoU with the unit box is (1 - by) / (1 + by)."""
    return (by, 0, 1 + by, 1)


def overlapping(value):
    return shifted((1 - value) / (1 + value))


def test_suppression_keeps_079_and_drops_081():
    scores = [0.9, 0.5]
    assert suppressed([UNIT, overlapping(0.79)], scores, 0.8).tolist() == [0, 1]
    assert suppressed([UNIT, overlapping(0.81)], scores, 0.8).tolist() == [0]


def test_suppression_goes_by_score_and_ties_by_order():
    assert suppressed([UNIT, UNIT, (2, 2, 3, 3)], [0.3, 0.9, 0.5], 0.8).tolist() == [1, 2]
    assert suppressed([UNIT, UNIT], [0.5, 0.5], 0.8).tolist() == [0]
    assert suppressed(np.zeros((0, 4)), [], 0.8).tolist() == []


def test_what_was_dropped_suppresses_nothing():
    chain = [UNIT, shifted(0.1), shifted(0.2)]  # neighbours overlap by 0.82, the ends by 0.67
    assert suppressed(chain, [0.9, 0.8, 0.7], 0.8).tolist() == [0, 2]


def test_one_detection_answers_two_instances_only_as_published():
    wanted, found = [UNIT, overlapping(0.9)], [UNIT]
    assert best(wanted, found) == pytest.approx([1, 0.9])
    assert one_to_one(wanted, found) == pytest.approx([1, 0])
    assert best(wanted, []).tolist() == one_to_one(wanted, []).tolist() == [0, 0]


def test_one_to_one_takes_the_largest_sum():
    """The first instance leaves its best detection to the second, which has no other that is near."""
    wanted, found = [UNIT, shifted(0.3)], [shifted(0.15), shifted(-0.2)]
    assert one_to_one(wanted, found) == pytest.approx([0.8 / 1.2, 0.85 / 1.15])
