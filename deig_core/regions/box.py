"""A box of a picture."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in fractions of the picture, origin top left."""
