"""Is the thing where it was asked for? The first half of DEIG-Bench's and MIG-Bench's procedure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .. import boxes
from ..evidence import Record
from ..layout import Layout


@dataclass(frozen=True)
class Thresholds:
    """score: of a detection, above it. nms: detections of one noun that overlap by more are one. iou: a detection
    answers a box from here on.
    """

    score: float = 0.25
    nms: float = 0.8
    iou: float = 0.5


@dataclass(frozen=True)
class Location:
    """iou: with the detection of the instance's noun that overlaps its box most, as published: a neighbour's detection
    counts too. one_to_one: where each detection answers one instance of the noun at most. found: detections of the
    noun in the picture.
    """

    iou: float
    one_to_one: float
    found: int

    def reason(self, noun: str, thresholds: Thresholds) -> str:
        """Why the instance is not where it should be; empty where it is."""
        if self.iou >= thresholds.iou:
            return ""
        if not self.found:
            return f"no {noun} was found"
        return f"the best of {self.found} {noun} has IoU {self.iou:.2f} with the box, {thresholds.iou} is needed"


def locate(layout: Layout, records: Sequence[Mapping[str, Record]], thresholds: Thresholds) -> list[Location]:
    """records: for each instance of `layout` its evidence by kind, of which `boxes` is read; an error found nothing."""
    found = [_detections(by_kind["boxes"], thresholds) for by_kind in records]
    wanted = np.array([instance.box for instance in layout.instances])
    nouns = [instance.noun for instance in layout.instances]
    ious, apart = np.zeros(len(nouns)), np.zeros(len(nouns))
    for noun in dict.fromkeys(nouns):
        same = [i for i, other in enumerate(nouns) if other == noun]
        apart[same] = boxes.one_to_one(wanted[same], found[same[0]])
        for i in same:
            ious[i] = boxes.best(wanted[[i]], found[i])[0]
    return [Location(float(a), float(b), len(c)) for a, b, c in zip(ious, apart, found, strict=True)]


def _detections(record: Record, thresholds: Thresholds) -> np.ndarray:
    rows = np.array((record.value or {}).get("boxes", []), dtype=float).reshape(-1, 5)
    rows = rows[rows[:, 4] > thresholds.score]
    return rows[boxes.suppressed(rows[:, :4], rows[:, 4], thresholds.nms), :4]
