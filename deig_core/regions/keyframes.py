"""Where a region is over time: boxes at some frames, and straight lines between them.

    "keyframes": [{"frame": 0, "box": [x0, y0, x1, y1]}, {"frame": 15, "box": [...]}]

Before the first and after the last the box stays. It may lie beyond the picture, so that things come in and go out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..errors import RegionError

MAX_KEYFRAMES = 4096
MAX_FRAME = 10**6

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Keyframe:
    """frame: from 0 on, as the pictures of a batch. box: fractions of the picture, with x0 < x1 and y0 < y1."""

    frame: int
    box: Box


def parse_keyframes(value: Any, name: str) -> tuple[Keyframe, ...]:
    """A document's "keyframes" in the order of their frames. Raises RegionError, naming the region `name`."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_KEYFRAMES:
        raise RegionError(f'{name}: "keyframes" must be a list of 1 to {MAX_KEYFRAMES} of them; remove it otherwise.')
    keys = sorted((_keyframe(entry, name) for entry in value), key=lambda key: key.frame)
    for before, after in pairwise(keys):
        if before.frame == after.frame:
            raise RegionError(f'{name}: "keyframes" has frame {after.frame} twice; remove one of them.')
    return tuple(keys)


def _keyframe(entry: Any, name: str) -> Keyframe:
    frame, box = (entry.get("frame"), entry.get("box")) if isinstance(entry, Mapping) else (None, None)
    if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame <= MAX_FRAME:
        raise RegionError(f'{name}: each of its "keyframes" must have a whole "frame" from 0 to {MAX_FRAME}.')
    if not isinstance(box, (list, tuple)) or len(box) != 4 or not all(_is_coordinate(c) for c in box):
        raise RegionError(f'{name}: "box" of its keyframe {frame} must be four numbers [x0, y0, x1, y1].')
    if box[0] >= box[2] or box[1] >= box[3]:
        raise RegionError(f"{name}: the box of its keyframe {frame} has x1 <= x0 or y1 <= y0.")
    return Keyframe(frame, tuple(float(c) for c in box))


def _is_coordinate(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= 1e3
    )


def box_at(keys: Sequence[Keyframe], frame: int) -> Box:
    """The box at a frame, clipped to the picture; without area where it lies beyond."""
    before = max((k for k in keys if k.frame <= frame), key=lambda k: k.frame, default=keys[0])
    after = min((k for k in keys if k.frame >= frame), key=lambda k: k.frame, default=keys[-1])
    share = (frame - before.frame) / (after.frame - before.frame) if after.frame > before.frame else 0.0
    moved = (a + share * (b - a) for a, b in zip(before.box, after.box, strict=True))
    return tuple(min(max(c, 0.0), 1.0) for c in moved)


def as_json(keys: Sequence[Keyframe]) -> list[dict[str, Any]]:
    return [{"frame": key.frame, "box": list(key.box)} for key in keys]
