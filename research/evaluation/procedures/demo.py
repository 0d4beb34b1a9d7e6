"""The demo's world: the thing is where it should be, and the world's own classifier says that it is as described.

The verdicts and columns are those of `research.demo.evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..boxes import best
from ..evidence import Record
from ..layout import Instance, Layout
from ..tables import Column, Measure, level, verdict_ok
from ..verdict import Verdict, first_error

NEEDS = ("boxes", "oracle")
TAGS: dict[str, tuple[str, ...]] = {}
IOU = 0.5
ATTRIBUTES = ("colour", "shape", "pattern", "outline")  # with a column each; a pattern's second colour has none


def verdicts(layout: Layout, records: Sequence[Mapping[str, Record]]) -> list[Verdict]:
    """records: for each instance of `layout` its evidence `boxes` and `oracle`.

    ok needs an IoU of 0.5, every attribute asked for, and none that was not. scores: 0 or 1 for each attribute.
    """
    found = []
    for index, (instance, by_kind) in enumerate(zip(layout.instances, records, strict=True)):
        if error := first_error(by_kind):
            found.append(Verdict(layout.id, index, False, 0.0, error, unjudged=True))
            continue
        detected = np.array(by_kind["boxes"].value["boxes"], dtype=float).reshape(-1, 5)
        iou = float(best(np.array([instance.box]), detected[:, :4])[0])
        said = by_kind["oracle"].value["found"]
        wrong = [
            f"{name} is {told or 'none'}, {instance.tags.get(name, 'none')} was asked for"
            for name, told in said.items()
            if told != instance.tags.get(name)
        ]
        reasons = [f"IoU {iou:.2f}, {IOU} is needed"] if iou < IOU else []
        scores = {name: float(said[name] == instance.tags.get(name)) for name in ATTRIBUTES}
        found.append(Verdict(layout.id, index, not (reasons or wrong), iou, "; ".join(reasons + wrong), scores=scores))
    return found


def columns() -> list[Column]:
    """Those of the demo's table."""
    return [
        Column("mIoU", lambda instance, verdict: verdict.iou),
        *(Column(name, _right(name)) for name in ATTRIBUTES),
        Column("1 attribute", level(verdict_ok, "1")),
        Column("2", level(verdict_ok, "2")),
        Column("3", level(verdict_ok, "3")),
        Column("all", verdict_ok),
    ]


def _right(attribute: str) -> Measure:
    def measure(instance: Instance, verdict: Verdict) -> float | None:
        return verdict.scores.get(attribute, 0.0) if attribute in instance.tags else None

    return measure
