"""Sizes of an adapter that is made in no time and has each of its parts."""

from deig_core.model.config import DeigConfig

SMALL = DeigConfig(
    text_dim=24,
    width=32,
    tokens=4,
    layers=2,
    heads=8,
    time_channels=16,
    time_dim=24,
    hidden=64,
    position_hidden=48,
    fusers=((("input", 1, 0), 16), (("middle", 0, 0), 32), (("output", 3, 0), 16)),
)
