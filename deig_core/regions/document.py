"""The region document: what the user asked for, as one versioned JSON value.

    {"version": 1, "width": 768, "height": 512,
     "regions": [{"id": "r1", "box": [x0, y0, x1, y1], "description": "...", "negative": "", "strength": 1.0,
                  "enabled": true, "locked": false, "color": "#e6194b"}]}

Boxes are fractions of the image, origin top left. Keys that this version does not know survive a round trip. A region
may have "keyframes" besides (keyframes.py), or a "mask" (painted.py). With a mask the document has version 2, so that a
pack which knows no masks refuses it instead of filling the boxes. A document with "overlap": "front" gives what regions
share to the later one; a region with "behind": true gives way to all that are without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..errors import RegionError
from ..limits import MAX_REGIONS
from ..schedule import GateSchedule, completed
from . import painted
from .box import Box
from .checks import (
    check_unknown,
    checked_flag,
    checked_number,
    checked_share,
    checked_strength,
    checked_text,
    kind_of,
    shown,
)
from .colors import palette_color
from .keyframes import Keyframe, StrengthKey, as_json, box_at, parse_keyframes, parse_strengths, strength_at

VERSION = 1
VERSION_WITH_MASKS = 2
SHARED, FRONT = OVERLAPS = ("shared", "front")  # what becomes of cells that several regions have
MIN_SIDE, MAX_SIDE = 8, 16384


@dataclass(frozen=True, eq=False)
class Region:
    """One instance: where it is and what it is.

    box: (x0, y0, x1, y1) as fractions 0..1 of the image.
    mask: bool [h, w] of any resolution over the whole image, or None. Where given, it says which cells belong to the
        region, and `box` is its bounding box.
    strength: 1 is exactly the paper; log(strength) is added to the attention to the region's tokens; 0 makes it
    invisible. negative: text for the same box in the unconditional side of CFG; empty = as trained.
    keyframes: where it is over time; where given, `box` is for readers that know no frames.
    start, end: the share of the noise schedule in which it is there, as those of `GateSchedule`.
    strengths: its strength over the noise schedule; where given, `strength` is for readers that know no such thing.
    behind: it gives way to all regions that are not behind, whatever the document's overlap.
    """

    id: str
    box: Box
    description: str = ""
    negative: str = ""
    strength: float = 1.0
    enabled: bool = True
    locked: bool = False
    color: str = palette_color(1)
    mask: torch.Tensor | None = None
    keyframes: tuple[Keyframe, ...] = ()
    start: float = 0.0
    end: float = 1.0
    behind: bool = False
    strengths: tuple[StrengthKey, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def visible(self) -> bool:
        return self.enabled and any(s > 0 for s in ([k.strength for k in self.strengths] or [self.strength]))

    def with_mask(self, mask: torch.Tensor) -> Region:
        """This region with `mask` (bool [h, w]) and the mask's bounding box. Raises RegionError for an empty mask, and
        for one of a region that moves.
        """
        if self.keyframes:
            raise RegionError(f"Region {self.id} has keyframes and a mask, which does not move: remove one of them.")
        return replace(self, mask=mask, box=painted.mask_bounds(mask, self.id))

    def strength_at(self, timestep: float) -> float:
        """Its strength at a UNet timestep 0..999; 0 where it is not there."""
        if not GateSchedule(1.0, self.start, self.end).scale(timestep):
            return 0.0
        return strength_at(self.strengths, completed(timestep)) if self.strengths else self.strength

    def at(self, frame: int) -> Region:
        """This region at a frame, where it may have no area."""
        return replace(self, box=box_at(self.keyframes, frame), keyframes=()) if self.keyframes else self


@dataclass(frozen=True, eq=False)
class RegionDocument:
    """Regions of an image of `width` x `height` pixels (the size the user draws on; boxes are fractions of it).

    overlap: who owns what several regions have, one of `OVERLAPS`: all of them, as trained, or the front one alone.
    notes: sentences about what was changed while it was read; no part of the JSON value.
    """

    width: int
    height: int
    regions: tuple[Region, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    overlap: str = SHARED
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON value."""
        return {
            **self.extra,
            "version": VERSION_WITH_MASKS if any(r.mask is not None for r in self.regions) else VERSION,
            "width": self.width,
            "height": self.height,
            **({"overlap": self.overlap} if self.overlap != SHARED else {}),
            "regions": [
                {
                    **r.extra,
                    "id": r.id,
                    "box": list(r.box),
                    "description": r.description,
                    "negative": r.negative,
                    "strength": r.strength,
                    "enabled": r.enabled,
                    "locked": r.locked,
                    "color": r.color,
                    **({"keyframes": as_json(r.keyframes)} if r.keyframes else {}),
                    **({"start": r.start} if r.start != 0 else {}),
                    **({"end": r.end} if r.end != 1 else {}),
                    **({"behind": True} if r.behind else {}),
                    **({"strengths": as_json(r.strengths)} if r.strengths else {}),
                    **({} if r.mask is None else {"mask": painted.kept(r.mask)}),
                }
                for r in self.regions
            ],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)


def parse(source: str | Mapping[str, Any]) -> RegionDocument:
    """Read a document of version 1 or 2 from JSON text or an already decoded value.

    Coordinates outside 0..1 are cut, and the document's notes say so. Raises RegionError, naming the region and the
    key, for text that is no JSON, NaN or infinite numbers, wrong types, x1 <= x0 or y1 <= y0, more than 64 regions, an
    unknown version.
    """
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except json.JSONDecodeError as error:
            raise RegionError(
                f"The region document is no valid JSON (line {error.lineno}, column {error.colno}: {error.msg})."
            ) from None
        except ValueError:  # Python reads no numbers of more than 4300 digits
            raise RegionError(
                "The region document is no usable JSON: there is a number of thousands of digits in it."
            ) from None
        except RecursionError:
            raise RegionError("The region document is no valid JSON: it is nested too deeply.") from None
    if not isinstance(source, Mapping):
        raise RegionError(
            f'The region document must be a JSON object with "version" and "regions"; got {kind_of(source)}.'
        )
    values = dict(source)
    version = values.pop("version", None)
    if version not in (VERSION, VERSION_WITH_MASKS) or isinstance(version, bool):
        raise RegionError(
            f"The region document has version {shown(version)}; this pack reads versions {VERSION} and "
            f"{VERSION_WITH_MASKS}: update the pack, or remake the regions."
        )
    width, height = _side(values.pop("width", None), "width"), _side(values.pop("height", None), "height")
    overlap = values.pop("overlap", SHARED)
    if overlap not in OVERLAPS:
        raise RegionError(f'The region document: "overlap" is {shown(overlap)}; it must be "shared" or "front".')
    entries = values.pop("regions", None)
    if not isinstance(entries, list):
        raise RegionError(f'The region document\'s "regions" must be a list; got {kind_of(entries)}.')
    check_count(len(entries))
    check_unknown(values, "The region document")
    notes: list[str] = []
    regions = tuple(_region(e, i, width, height, notes) for i, e in enumerate(entries))
    return RegionDocument(width, height, regions, values, overlap, tuple(notes))


def check_count(count: int) -> None:
    """Raise RegionError for more than 64 regions."""
    if count > MAX_REGIONS:
        raise RegionError(
            f"There are {count} regions; at most {MAX_REGIONS} are possible: remove {count - MAX_REGIONS}."
        )


def _box(values: Any, name: str) -> tuple[Box, str]:
    """(four finite numbers cut to 0..1 with x0 < x1 and y0 < y1, a sentence where they had to be cut)."""
    if not isinstance(values, (list, tuple)) or len(values) != 4:
        raise RegionError(f'{name}: "box" must be four numbers [x0, y0, x1, y1]; got {shown(values)}.')
    numbers = [checked_number(v, name, "box") for v in values]
    cut = [min(max(v, 0.0), 1.0) for v in numbers]
    for low, high, label in ((0, 2, "x"), (1, 3, "y")):
        if numbers[high] <= numbers[low]:
            raise RegionError(f"{name}: box {shown(list(values))} has {label}1 <= {label}0.")
        if cut[high] <= cut[low]:
            raise RegionError(
                f"{name}: box {shown(list(values))} lies outside the image; coordinates are fractions 0..1."
            )
    beyond = f"{name}: box {shown(list(values))} reaches beyond the picture and was cut at its edge."
    return tuple(cut), beyond if cut != numbers else ""


def _region(entry: Any, index: int, width: int, height: int, notes: list[str]) -> Region:
    name = f"Region {index + 1}"
    if not isinstance(entry, Mapping):
        raise RegionError(f"{name} must be a JSON object; got {kind_of(entry)}.")
    values = dict(entry)
    if "box" not in values:
        raise RegionError(f'{name} has no "box".')
    (box, note), mask = _box(values.pop("box"), name), values.pop("mask", None)
    notes += [note] if note else []
    region = Region(
        box=box,
        id=checked_text(values.pop("id", f"r{index + 1}"), name, "id"),
        description=checked_text(values.pop("description", ""), name, "description"),
        negative=checked_text(values.pop("negative", ""), name, "negative"),
        strength=checked_strength(values.pop("strength", 1.0), name),
        enabled=checked_flag(values.pop("enabled", True), name, "enabled"),
        locked=checked_flag(values.pop("locked", False), name, "locked"),
        color=checked_text(values.pop("color", palette_color(index + 1)), name, "color"),
        keyframes=parse_keyframes(values.pop("keyframes"), name) if "keyframes" in values else (),
        start=checked_share(values.pop("start", 0.0), name, "start"),
        end=checked_share(values.pop("end", 1.0), name, "end"),
        behind=checked_flag(values.pop("behind", False), name, "behind"),
        strengths=parse_strengths(values.pop("strengths"), name) if "strengths" in values else (),
        extra=values,
    )
    if region.start >= region.end:
        raise RegionError(f'{name}: "start" must be smaller than "end", or it is never there; disable it instead.')
    check_unknown(values, name)
    if mask is None:
        return region
    return region.with_mask(painted.over_picture(painted.decode(mask, name), box, width, height))


def _side(value: Any, key: str) -> int:
    number = checked_number(value, "The region document", key)
    if number != int(number) or not MIN_SIDE <= number <= MAX_SIDE:
        raise RegionError(
            f'The region document: "{key}" is {shown(value)}; a whole number of pixels from {MIN_SIDE} to '
            f"{MAX_SIDE} is expected."
        )
    return int(number)
