"""How much of a foreign value is looked at: enough for the boxes of one picture, little enough for a hostile file."""

from ...errors import RegionError

MOST_DEEP = 40
"""Levels of brackets, mappings or elements inside each other."""

MOST_PARTS = 3000
"""Parts of a value; boxes among them. What has more is not of one picture."""


def too_deep() -> RegionError:
    return RegionError(f"The boxes are nested more than {MOST_DEEP} levels deep; give a list of boxes.")
