"""Which part of a picture is left in a map of coordinates that was cut, resized or rolled."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import DeigError
from deig_core.layout.coordinates import WHOLE, coordinate_map, read_places

SIDE = 1200


def resized(maps, height, width):
    return torch.nn.functional.interpolate(maps, (height, width), mode="nearest-exact")


@st.composite
def cuts(draw):
    """left, top, right, bottom in a map's pixels."""
    low = [draw(st.integers(0, SIDE - 80)) for _ in range(2)]
    return *low, *(draw(st.integers(start + 80, SIDE)) for start in low)


@settings(max_examples=60)
@given(cuts(), st.tuples(*[st.integers(64, 700)] * 2), st.booleans())
def test_a_cut_and_resized_map_says_where_it_was(cut, size, half):
    left, top, right, bottom = cut
    maps = resized(coordinate_map(SIDE, SIDE)[..., top:bottom, left:right], *size)
    (place,) = read_places(maps.half() if half else maps)
    assert place.box == pytest.approx(tuple(c / SIDE for c in cut), abs=1 / SIDE)
    assert not place.wraps and (place == WHOLE) == (cut == (0, 0, SIDE, SIDE))


@settings(max_examples=40)
@given(cuts(), st.tuples(*[st.integers(0, SIDE - 1)] * 2))
def test_a_rolled_map_says_on_which_side_it_begins(cut, shift):
    left, top, right, bottom = cut
    rolled = coordinate_map(SIDE, SIDE).roll(shift, (-2, -1))
    (place,) = read_places(rolled[..., top:bottom, left:right])
    start = ((left - shift[1]) % SIDE, (top - shift[0]) % SIDE)
    expected = (*start, start[0] + right - left, start[1] + bottom - top)
    assert place.box == pytest.approx(tuple(c / SIDE for c in expected), abs=1e-4)
    assert place.wraps == (max(expected) > SIDE)


def test_every_row_of_a_batch_has_its_own_place():
    maps = coordinate_map(64, 64)
    places = read_places(torch.cat([maps[..., :32, :32], maps[..., 16:48, 32:], maps[..., :32, :32]]))
    boxes = [(0, 0, 0.5, 0.5), (0.5, 0.25, 1, 0.75), (0, 0, 0.5, 0.5)]
    assert [p.box for p in places] == [pytest.approx(box, abs=1e-6) for box in boxes]


@pytest.mark.parametrize("change", [
    lambda m: m.flip(-1),
    lambda m: m[..., :8].flip(-1),
    lambda m: m.flip(-2),
    lambda m: m.mT,
    lambda m: 0.5 * m + 0.5 * m.roll(16, -1),
    lambda m: m * 3,
    lambda m: m + 0.1 * torch.rand_like(m),
    lambda m: torch.cat([m, m], -1),
    lambda m: torch.zeros_like(m),
    lambda m: m[:, :1],
    lambda m: m[..., :1],
])  # fmt: skip
def test_what_is_no_cut_is_refused(change):
    with pytest.raises(DeigError, match="Crop DEIG Regions"):
        read_places(change(coordinate_map(64, 64)))
