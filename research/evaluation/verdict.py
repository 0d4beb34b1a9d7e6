"""The verdict on one instance: the last thing that knows a benchmark's procedure, the first that a table reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .layout import Layout


@dataclass(frozen=True)
class Verdict:
    """ok: as the benchmark's own procedure decides. iou: as it enters mIoU, 0 for a missing picture.

    reason: why not, in words, for people; empty where ok.
    scores: the further measures of the instance, 0..1: other parsers, P(yes), cosines; a name that an instance lacks
        does not enter that measure's average.
    """

    layout: str
    instance: int
    ok: bool
    iou: float
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.ok == (not self.reason), "a verdict has a reason exactly where it is no"


def failed(layout: Layout, reason: str) -> list[Verdict]:
    """All instances of a picture that is missing or cannot be read: failures with IoU 0."""
    return [Verdict(layout.id, index, False, 0.0, reason) for index in range(len(layout.instances))]
