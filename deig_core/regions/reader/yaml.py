"""YAML as people write lists of boxes in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ...errors import RegionError
from .entry import plain_key
from .vocabulary import BOX_KEYS, CENTRES, CORNERS, SIZES

MOST_CHARACTERS = 20_000
_KEY = re.compile(r"^[ \t]*(?:-[ \t]+)?([A-Za-z][\w -]{0,40}):(?:[ \t]|$)", re.M)


def from_yaml(text: str) -> Any | None:
    """The value of a text whose lines have the keys of a box; None for what is no YAML of that kind. Raises RegionError
    for anchors and aliases, with which a short text is a value without end.
    """
    if text[:1] in "[{" or len(text) > MOST_CHARACTERS:
        return None
    keys = {plain_key(k) for k in _KEY.findall(text)}
    if not keys & set(BOX_KEYS) and not any(set(s) <= keys for s in (*CENTRES, *CORNERS, *SIZES)):
        return None
    import yaml  # of transformers

    try:
        found = yaml.load(text, Loader=_loader())
    except RegionError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return None
    return found if isinstance(found, (dict, list)) else None


@lru_cache(maxsize=1)
def _loader() -> type:
    """YAML's safe loader without anchors, whose dates and binary data are texts."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent, index):
            if getattr(self.peek_event(), "anchor", None):
                raise RegionError("YAML with anchors or aliases (& and *) is not read; write each box out.")
            return super().compose_node(parent, index)

    for kind in ("timestamp", "binary"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", yaml.SafeLoader.construct_scalar)
    return Loader
