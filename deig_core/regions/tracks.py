"""Boxes of every frame become regions that move: what belongs together, and the keyframes that say it.

A thing keeps its name, and its next box is the one that covers its last one most. Where it is missed for a few frames
it goes on in a straight line; before it comes and after it has gone its box lies beyond the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..errors import RegionError
from .box import Box
from .colors import palette_color
from .document import Region
from .keyframes import MAX_FRAME, Keyframe, box_at
from .painted import mask_bounds

MISSED = 8  # frames in a row that a thing may be missed in before it counts as gone
LEAST = 0.1  # IoU of a thing's boxes in two frames
BEYOND = 2.0  # widths of the picture to the right of it: where a thing is while it is not there


@dataclass(frozen=True)
class Track:
    """A thing's boxes by their frames, and its name."""

    name: str
    boxes: Mapping[int, Box]


def link(frames: Sequence[Sequence[tuple[str, Box]]]) -> list[Track]:
    """The things in boxes with names, frame by frame, in the order in which they come."""
    tracks: list[tuple[str, dict[int, Box]]] = []
    for number, found in enumerate(frames):
        there = [t for t in tracks if number - max(t[1]) <= MISSED + 1]
        pairs = sorted(
            (
                (iou(boxes[max(boxes)], box), t, i)
                for t, (name, boxes) in enumerate(there)
                for i, (other, box) in enumerate(found)
                if name == other
            ),
            reverse=True,
        )
        taken: set[int] = set()
        going: set[int] = set()
        for overlap, t, i in pairs:
            if overlap >= LEAST and t not in going and i not in taken:
                there[t][1][number] = found[i][1]
                going.add(t)
                taken.add(i)
        tracks += [(name, {number: box}) for i, (name, box) in enumerate(found) if i not in taken]
    return [Track(name, boxes) for name, boxes in tracks]


def iou(a: Box, b: Box) -> float:
    """What two boxes share, as a fraction of what they cover together."""
    across, down = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    inside = max(0.0, across) * max(0.0, down)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return inside / (sum(areas) - inside) if inside else 0.0


def keyframes(boxes: Mapping[int, Box], count: int, tolerance: float) -> tuple[Keyframe, ...]:
    """The fewest keys, as far as halving finds them, whose straight lines stay within `tolerance` (a fraction of the
    picture) of each box. count: frames there are.
    """
    numbers = sorted(boxes)
    keys = {numbers[0], numbers[-1]}
    spans = [(0, len(numbers) - 1)]
    while spans:
        first, last = spans.pop()
        ends = [Keyframe(numbers[i], boxes[numbers[i]]) for i in (first, last)]
        off = {i: _off(boxes[numbers[i]], box_at(ends, numbers[i])) for i in range(first + 1, last)}
        if off and max(off.values()) > tolerance:
            worst = max(off, key=off.__getitem__)
            keys.add(numbers[worst])
            spans += [(first, worst), (worst, last)]
    found = [Keyframe(number, boxes[number]) for number in sorted(keys)]
    before = [_gone(found[0], -1)] if numbers[0] > 0 else []
    after = [_gone(found[-1], 1)] if numbers[-1] < count - 1 else []
    return (*before, *found, *after)


def _off(box: Box, other: Box) -> float:
    return max(abs(a - b) for a, b in zip(box, other, strict=True))


def _gone(key: Keyframe, step: int) -> Keyframe:
    x0, y0, x1, y1 = key.box
    return Keyframe(key.frame + step, (x0 + BEYOND, y0, x1 + BEYOND, y1))


def moving_regions(
    tracks: Sequence[Track], count: int, descriptions: Sequence[str] = (), tolerance: float = 0.0
) -> tuple[Region, ...]:
    """A region for each track. descriptions: replace the tracks' names where they are not empty. Raises RegionError for
    more frames than a document can have, and for more descriptions than tracks.
    """
    if count - 1 > MAX_FRAME:
        raise RegionError(f"There are {count} frames; at most {MAX_FRAME + 1} are possible: read a part of them.")
    if len(descriptions) > len(tracks):
        raise RegionError(
            f"There are {len(descriptions)} descriptions and {len(tracks)} things in these frames: remove those "
            f"without a thing."
        )
    said = [*descriptions, *[""] * (len(tracks) - len(descriptions))]
    return tuple(
        Region(
            f"r{i + 1}",
            track.boxes[min(track.boxes)],
            text or track.name,
            color=palette_color(i + 1),
            keyframes=keyframes(track.boxes, count, tolerance),
        )
        for i, (track, text) in enumerate(zip(tracks, said, strict=True))
    )


def chosen(tracks: Sequence[Track], at_least: int, limit: int) -> tuple[list[Track], int, int]:
    """The tracks that are seen in `at_least` frames, of more than `limit` the `longest`; how many are seen in fewer
    frames, and how many were too many.
    """
    seen = [track for track in tracks if len(track.boxes) >= at_least]
    kept = longest(seen, limit)
    return kept, len(tracks) - len(seen), len(seen) - len(kept)


def longest(tracks: Sequence[Track], limit: int) -> list[Track]:
    """The `limit` tracks that are seen in most frames, in their order."""
    kept = sorted(range(len(tracks)), key=lambda i: (-len(tracks[i].boxes), i))[:limit]
    return [tracks[i] for i in sorted(kept)]


def of_masks(masks: torch.Tensor, name: str = "") -> list[Track]:
    """The track of one thing's masks, bool [frames, h, w]: none where all are empty."""
    boxes = {i: mask_bounds(mask) for i, mask in enumerate(masks) if mask.any()}
    return [Track(name, boxes)] if boxes else []


def of_packed(packed: torch.Tensor) -> list[Track]:
    """The tracks of things whose masks a tracker packed, uint8 [frames, things, h, w / 8]."""
    return [track for i in range(packed.shape[1]) for track in of_masks(unpacked(packed[:, i].cpu()))]


def unpacked(packed: torch.Tensor) -> torch.Tensor:
    """Masks of a tracker, eight pixels a byte (uint8 [..., h, w / 8], the lowest bit leftmost) -> bool [..., h, w]."""
    bits = torch.tensor([1 << i for i in range(8)], dtype=torch.uint8, device=packed.device)
    return (packed[..., None] & bits).bool().flatten(-2)
