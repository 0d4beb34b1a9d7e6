"""MIG-Bench: the instance is where it should be, and enough of the mask that SAM finds for its box has the colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..colour import RANGES
from ..evidence import Record
from ..layout import Layout
from ..tables import Column, further, level, verdict_iou, verdict_ok
from ..verdict import Verdict, first_error
from .location import Thresholds, locate

NEEDS = ("boxes", "colours")
TAGS = {"colour": tuple(RANGES)}
SHARE = 0.2  # of the mask, at least
LEVELS = ("L2", "L3", "L4", "L5", "L6")


def verdicts(
    layout: Layout,
    records: Sequence[Mapping[str, Record]],
    thresholds: Thresholds = Thresholds(),  # noqa: B008  (frozen)
    share: float = SHARE,
) -> list[Verdict]:
    """records: for each instance of `layout` its evidence `boxes` and `colours`.

    iou is 0 where the place is right and the colour is not, and its own where the place is wrong, as published.
    """
    found = []
    for index, (place, by_kind) in enumerate(zip(locate(layout, records, thresholds), records, strict=True)):
        instance, value = layout.instances[index], by_kind["colours"].value
        colour = instance.tags["colour"]
        error = first_error(by_kind) or ("" if colour in value["shares"] else f"no colours: a share of {colour} lacks")
        if error:
            found.append(Verdict(layout.id, index, False, 0.0, error, unjudged=True))
            continue
        there = value["shares"][colour]
        reason, iou = place.reason(instance.noun, thresholds), place.iou
        coloured = value["pixels"] > 0 and there >= share
        scores = {
            "share": there,
            "place": float(not reason),
            "one to one": float(coloured and place.one_to_one >= thresholds.iou),
        }
        if not reason and not coloured:
            iou = 0.0
            reason = (
                f"{colour} is {100 * there:.1f} % of the mask, {100 * share:g} % are needed"
                if value["pixels"]
                else "the segmenter's mask is empty"
            )
        found.append(Verdict(layout.id, index, not reason, iou, reason, scores=scores))
    return found


def columns() -> list[Column]:
    """Table 2's, in per cent, then those that say how far to trust it."""
    percent = {"scale": 100, "digits": 2}
    return [
        *(Column(f"ISR {name}", level(verdict_ok, name), **percent) for name in LEVELS),
        Column("ISR", verdict_ok, **percent),
        *(Column(f"mIoU {name}", level(verdict_iou, name), **percent) for name in LEVELS),
        Column("mIoU", verdict_iou, **percent),
        Column("place alone", further("place"), needs="place", **percent),
        Column("ISR, one to one", further("one to one"), needs="one to one", **percent),
    ]
