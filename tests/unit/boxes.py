"""Boxes that a picture can have, for properties."""

from hypothesis import strategies as st


@st.composite
def boxes(draw):
    """x0, y0, x1, y1 in 0..1, each side 0.01 at least."""
    x0, y0 = (draw(st.floats(0, 0.95)) for _ in range(2))
    x1, y1 = (draw(st.floats(low + 0.01, 1)) for low in (x0, y0))
    return x0, y0, x1, y1
