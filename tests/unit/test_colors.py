"""The colours of regions: each is drawn in its own, or in one of the palette."""

from hypothesis import given
from hypothesis import strategies as st

from deig_core.regions.colors import COLORS, drawn_color, ink_on, palette_color

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
colors = st.tuples(*[st.integers(0, 255)] * 3)


def read(color):
    """Red, green and blue of #rrggbb alone; ValueError for other texts."""
    if len(color) != 7 or color[0] != "#":
        raise ValueError(color)
    return tuple(bytes.fromhex(color[1:]))


def test_the_palette_begins_anew_behind_its_last_colour():
    count = len(COLORS)
    assert [palette_color(n) for n in range(1, 2 * count + 1)] == [*COLORS, *COLORS]


@given(colors, st.integers(1, 64))
def test_a_region_is_drawn_in_its_own_colour(color, number):
    assert drawn_color("#" + bytes(color).hex(), number, read) == color


@given(st.sampled_from(["", "no colour", "#12345", "#gggggg", "red;"]), st.integers(1, 64))
def test_what_is_no_colour_is_drawn_in_that_of_the_palette(text, number):
    assert drawn_color(text, number, read) == read(palette_color(number))


@given(colors, colors)
def test_what_is_written_on_a_brighter_colour_is_not_brighter(color, more):
    brighter = tuple(map(max, color, more))
    assert ink_on(BLACK) == WHITE and ink_on(WHITE) == BLACK
    assert ink_on(brighter) == BLACK or ink_on(color) == WHITE
