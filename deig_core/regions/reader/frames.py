"""Boxes of each frame of a video, all of them read alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...errors import RegionError
from ..document import Region, RegionDocument, check_count
from .by_hand import NOTHING_SET, ByHand
from .placing import Placing, refuse_where_nothing_is_left
from .reading import entries_or_document
from .said import one_line, short

NO_FRAMES = (
    "DEIG Regions from Frames needs a list with the boxes of each frame, such as a detector gives for a batch of "
    "pictures; boxes of one picture are for DEIG Regions from Boxes."
)


def read_frames(
    source: Any, width: int, height: int, by_hand: ByHand = NOTHING_SET
) -> tuple[list[tuple[Region, ...]], tuple[str, ...]]:
    """The regions of each frame, and sentences about how they were read.

    source: a list, or JSON text of one, that has for each frame what `reading.read` reads; None and empty lists are
    frames without boxes. Refusals as those of `read`; but order and units that are not set are found out once, from the
    boxes of all frames, since a thing that moves fits into more than one reading in some of them. Raises RegionError
    for what is no list of frames too, and for a frame that is a region document or holds a text without a place.
    """
    try:
        return _read(_frames(source), (width, height), by_hand)
    except RegionError as error:
        raise RegionError(one_line(str(error))) from None


def _read(
    frames: Sequence[Any], canvas: tuple[int, int], by_hand: ByHand
) -> tuple[list[tuple[Region, ...]], tuple[str, ...]]:
    found, notes = [], []
    for number, frame in enumerate(frames):
        entries, said = _entries(frame, number) if frame else ([], [])
        found.append(entries)
        notes += [f"Frame {number}: {note}" for note in said]
    placing = Placing([entry for entries in found for entry in entries], canvas, by_hand)
    placed = [placing.place(entries) for entries in found]
    problems = [(n, problem) for n, frame in enumerate(placed) for problem in frame.problems]
    regions = [frame.regions for frame in placed]
    refuse_where_nothing_is_left(
        [r for frame in regions for r in frame], [f"Frame {n}: {what}" for n, what in problems]
    )
    notes += [*placing.notes, *(f"Frame {n}: {note}" for n, frame in enumerate(placed) for note in frame.notes)]
    notes += [f"Frame {n}: left out: {problem}" for n, problem in problems]
    summary = placing.summary(placed)
    return regions, (*([summary] if summary else []), *short(notes))


def _entries(frame: Any, number: int) -> tuple[list, list[str]]:
    try:
        entries, notes = entries_or_document(frame)
        if isinstance(entries, RegionDocument):
            raise RegionError("it is a whole region document: give a list of boxes.")
        if any(entry.values is None and not entry.problem for entry in entries):
            raise RegionError("it holds a text without a place: give it a box of four numbers.")
        check_count(len(entries))
    except RegionError as error:
        raise RegionError(f"Frame {number}: {error}") from None
    return entries, notes


def _frames(source: Any) -> Sequence[Any]:
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError):
            raise RegionError(NO_FRAMES) from None
    if not isinstance(source, (list, tuple)) or not source or not all(map(_is_frame, source)):
        raise RegionError(NO_FRAMES)
    return source


def _is_frame(value: Any) -> bool:
    return value is None or (isinstance(value, (list, tuple, dict)) and not _is_box(value))


def _is_box(value: Any) -> bool:
    """Whether this is one box, and not a list of them."""
    if isinstance(value, dict):
        return "x" in value or "bbox" in value or "box" in value
    return len(value) > 0 and all(isinstance(number, (int, float)) for number in value)
