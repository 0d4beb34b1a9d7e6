"""Limits that several rooms of the method keep."""

MAX_REGIONS = 64
"""Regions of a document, of joined texts and of one attention: a cell's membership is one 64-bit word."""

MOST_LAYERS = 128
"""Layers, or fusers, that are built for a file of weights: a broken file names any number."""
