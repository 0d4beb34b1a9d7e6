"""What a region is over time, in straight lines between keys: its box over frames, its strength over the schedule.

    "keyframes": [{"frame": 0, "box": [x0, y0, x1, y1]}, {"frame": 15, "box": [...]}]
    "strengths": [{"at": 0.0, "strength": 1.0}, {"at": 0.5, "strength": 0.2}]

Before the first key and after the last nothing changes. A box may lie beyond the picture, so that things come in and go
out. "at" is a share of the noise schedule; where the strength is 0 the region is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, TypeVar

from ..errors import RegionError
from .box import Box

MAX_KEYFRAMES = 4096
MAX_FRAME = 10**6
BETWEEN = 31


@dataclass(frozen=True)
class Keyframe:
    """frame: from 0 on, as the pictures of a batch. box: fractions of the picture, with x0 < x1 and y0 < y1."""

    frame: int
    box: Box


@dataclass(frozen=True)
class StrengthKey:
    """at: share 0..1 of the noise schedule. strength: 0 or more."""

    at: float
    strength: float


Key = TypeVar("Key", Keyframe, StrengthKey)


def parse_keyframes(value: Any, name: str) -> tuple[Keyframe, ...]:
    """A document's "keyframes" in the order of their frames. Raises RegionError, naming the region `name`."""
    return _parsed(value, name, "keyframes", "frame", _keyframe)


def parse_strengths(value: Any, name: str) -> tuple[StrengthKey, ...]:
    """A document's "strengths" in their order. Raises RegionError, naming the region `name`."""
    return _parsed(value, name, "strengths", "at", _strength)


def _parsed(value: Any, name: str, what: str, moment: str, read: Callable[[Any, str], Key]) -> tuple[Key, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_KEYFRAMES:
        raise RegionError(f'{name}: "{what}" must be a list of 1 to {MAX_KEYFRAMES} of them; remove it otherwise.')
    keys = sorted((read(entry, name) for entry in value), key=attrgetter(moment))
    for before, after in pairwise(map(attrgetter(moment), keys)):
        if before == after:
            raise RegionError(f'{name}: "{what}" has {moment} {after} twice; remove one of them.')
    return tuple(keys)


def _keyframe(entry: Any, name: str) -> Keyframe:
    frame, box = (entry.get("frame"), entry.get("box")) if isinstance(entry, Mapping) else (None, None)
    if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame <= MAX_FRAME:
        raise RegionError(f'{name}: each of its "keyframes" must have a whole "frame" from 0 to {MAX_FRAME}.')
    if not isinstance(box, (list, tuple)) or len(box) != 4 or not all(_is_number(c) for c in box):
        raise RegionError(f'{name}: "box" of its keyframe {frame} must be four numbers [x0, y0, x1, y1].')
    if box[0] >= box[2] or box[1] >= box[3]:
        raise RegionError(f"{name}: the box of its keyframe {frame} has x1 <= x0 or y1 <= y0.")
    return Keyframe(frame, tuple(float(c) for c in box))


def _is_number(value: Any) -> bool:
    # False for NaN too, and an integer that no float can hold is compared, not converted.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1e3


def _strength(entry: Any, name: str) -> StrengthKey:
    at, strength = (entry.get(key) if isinstance(entry, Mapping) else None for key in ("at", "strength"))
    if not _is_number(at) or not 0 <= at <= 1 or not _is_number(strength) or strength < 0:
        raise RegionError(
            f'{name}: each of its "strengths" must have "at", a share of the schedule from 0 to 1, and a "strength" '
            f"from 0 to 1000."
        )
    return StrengthKey(float(at), float(strength))


def strength_at(keys: Sequence[StrengthKey], share: float) -> float:
    """The strength at a share of the noise schedule."""
    before, after, part = _around(keys, "at", share)
    return before.strength + part * (after.strength - before.strength)


def box_at(keys: Sequence[Keyframe], frame: int) -> Box:
    """The box at a frame, clipped to the picture; without area where it lies beyond."""
    before, after, part = _around(keys, "frame", frame)
    moved = (a + part * (b - a) for a, b in zip(before.box, after.box, strict=True))
    return tuple(min(max(c, 0.0), 1.0) for c in moved)


def some_boxes(keys: Sequence[Keyframe]) -> list[Box]:
    """Boxes that stand for those of all frames, clipped to the picture: of the keys, and of up to `BETWEEN` frames
    between them. Takes time in proportion to the keys, of which there may be thousands.
    """
    ordered = sorted(keys, key=attrgetter("frame"))
    steps = max(1, (BETWEEN + 1) // max(1, len(ordered) - 1))
    boxes = [box_at([key], key.frame) for key in ordered]
    for ends in pairwise(ordered):
        first, last = (key.frame for key in ends)
        boxes += [box_at(ends, first + (last - first) * i // steps) for i in range(1, steps)]
    return boxes


def _around(keys: Sequence[Key], moment: str, at: float) -> tuple[Key, Key, float]:
    """The keys before and after a moment ("frame" or "at"), and which part of the way from one to the other it is."""
    where = attrgetter(moment)
    before = max((k for k in keys if where(k) <= at), key=where, default=keys[0])
    after = min((k for k in keys if where(k) >= at), key=where, default=keys[-1])
    length = where(after) - where(before)
    return before, after, (at - where(before)) / length if length > 0 else 0.0


def as_json(keys: Sequence[Keyframe | StrengthKey]) -> list[dict[str, Any]]:
    return [asdict(key) | ({"box": list(key.box)} if isinstance(key, Keyframe) else {}) for key in keys]
