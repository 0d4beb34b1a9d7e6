"""Limits and sizes that several rooms of the method keep."""

PIXELS_PER_LATENT = 8
"""Pixels a side that one cell of the latent stands for."""

MAX_REGIONS = 64
"""Regions of a document, of joined texts and of one attention: a cell's membership is one 64-bit word."""

MOST_LAYERS = 128
"""Layers, or fusers, that are built for a file of weights: a broken file names any number."""
