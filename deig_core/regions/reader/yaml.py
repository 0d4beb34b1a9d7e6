"""YAML as people write lists of boxes in it."""

from __future__ import annotations

import re
from typing import Any

from .entry import plain_key
from .vocabulary import BOX_KEYS, CENTRES, CORNERS, SIZES

MOST_CHARACTERS = 20_000
_KEY = re.compile(r"^[ \t]*(?:-[ \t]+)?([A-Za-z][\w -]{0,40}):(?:[ \t]|$)", re.M)


def from_yaml(text: str) -> Any | None:
    """The value of a text whose lines have the keys of a box; None for what is no YAML of that kind."""
    if text[:1] in "[{" or len(text) > MOST_CHARACTERS:
        return None
    keys = {plain_key(k) for k in _KEY.findall(text)}
    if not keys & set(BOX_KEYS) and not any(set(s) <= keys for s in (*CENTRES, *CORNERS, *SIZES)):
        return None
    import yaml  # of transformers

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return None
    return found if isinstance(found, (dict, list)) else None
