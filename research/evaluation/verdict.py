"""The verdict on one instance, which each benchmark's procedure makes and every table is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .evidence import Record
from .layout import Layout


@dataclass(frozen=True)
class Verdict:
    """ok: as the benchmark's own procedure decides. iou: as it enters mIoU; None where the benchmark measures none.

    reason: why not, in words, for people; empty where ok.
    unjudged: it failed because there is no word on it: no picture, or a model that gave an error.
    scores: the further measures of the instance, by name; what a lack of one means, the column decides that reads it.
    """

    layout: str
    instance: int
    ok: bool
    iou: float | None
    reason: str = ""
    unjudged: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.ok == (not self.reason), "a verdict has a reason exactly where it is no"


def failed(layout: Layout, reason: str) -> list[Verdict]:
    """All instances of a picture that is missing or cannot be used: failures with IoU 0."""
    return [Verdict(layout.id, index, False, 0.0, reason, unjudged=True) for index in range(len(layout.instances))]


def first_error(records: Mapping[str, Record]) -> str | None:
    """Why one of an instance's records (by kind) is no evidence, in words; None where all are."""
    for kind, record in records.items():
        if record.error is not None:
            return f"no {kind}: {record.error}"
    return None
