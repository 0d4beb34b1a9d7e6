"""A box of a picture, and a picture's size as boxes and nodes have it: width first."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in fractions of the picture, origin top left."""

WidthHeight = tuple[float, float]
"""Width and height in pixels. Where heights come first, as in a tensor's shape, it is `layout.masks.Size`."""
