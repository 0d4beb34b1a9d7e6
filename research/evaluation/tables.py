"""Verdicts to tables: means over instances with 95 % intervals over pictures, and what the means are of."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..intervals import Estimate, over_pictures
from .layout import Instance, Layout
from .pictures import Found
from .verdict import Verdict

Measure = Callable[[Instance, Verdict], float | None]  # None: the instance is not of this column

COUNTS = ("pictures", "missing", "unusable", "resized", "unjudged")  # of a row, printed in this order


@dataclass(frozen=True)
class Column:
    """by_picture: the mean inside a picture first, then over the pictures; else pooled over instances.

    needs: a score of verdicts; the column is left out where no instance has it. scale, digits: of the printed numbers.
    """

    name: str
    measure: Measure
    by_picture: bool = False
    needs: str | None = None
    scale: int = 1
    digits: int = 3


def verdict_ok(_: Instance, verdict: Verdict) -> float:
    """1 or 0, so that a mean is the share of the right ones."""
    return float(verdict.ok)


def verdict_iou(_: Instance, verdict: Verdict) -> float | None:
    """None where the benchmark measures none."""
    return verdict.iou


def further(name: str) -> Measure:
    """Of the verdict's `scores` the one of that name; an instance without it counts 0, as a missing picture's does."""

    return lambda _, verdict: verdict.scores.get(name, 0.0)


def level(measure: Measure, *levels: str) -> Measure:
    """`measure`, for the instances of these levels alone."""
    return lambda instance, verdict: measure(instance, verdict) if instance.tags.get("level") in levels else None


@dataclass(frozen=True)
class Row:
    """One set of pictures, or several of the same layouts (seeds), judged.

    counts: pictures, missing, unusable, resized; instances, unjudged.
    """

    name: str
    estimates: Mapping[str, Estimate]
    counts: Mapping[str, int]


Judged = Mapping[str, Sequence[Verdict]]  # by layout's id


def row(name: str, layouts: Sequence[Layout], sets: Sequence[tuple[Judged, Mapping[str, Found]]], columns) -> Row:
    """sets: verdicts and pictures of each seed. The pictures of one layout are one draw: they share boxes and texts."""
    judged = [verdicts for verdicts, _ in sets]
    estimates = {}
    for column in columns:
        if column.needs and not _anywhere(column.needs, judged):
            continue
        values = [
            [
                inner
                for verdicts in judged
                for inner in _values(column, [(layout.instances[v.instance], v) for v in verdicts[layout.id]])
            ]
            for layout in layouts
        ]
        if any(values):
            estimates[column.name] = over_pictures(values)
    found = [f for _, pictures in sets for f in pictures.values()]
    every = [v for verdicts in judged for of_layout in verdicts.values() for v in of_layout]
    counts = {
        "pictures": len(found),
        "missing": sum(f.path is None for f in found),
        "unusable": sum(f.path is not None and f.problem is not None for f in found),
        "resized": sum(f.resized_from is not None for f in found),
        "instances": len(every),
        "unjudged": sum(v.unjudged for v in every),
    }
    return Row(name, estimates, counts)


def rounded(value: float, digits: int, scale: int = 1) -> str:
    """Half up, of the number as it is written: 58.625 is 58.63 (binary rounding, and half to even, give 58.62)."""
    return str((Decimal(repr(float(value))) * scale).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def cell(estimate: Estimate, column: Column) -> str:
    """The value and half of its 95 % interval, in the column's unit and digits."""
    half = rounded((estimate.high - estimate.low) / 2, column.digits, column.scale)
    return f"{rounded(estimate.value, column.digits, column.scale)} ± {half}"


def markdown(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A line a row: `value ± half of the 95 % interval`; then what the pictures were."""
    there = [c for c in columns if any(c.name in r.estimates for r in rows)]
    lines = ["| | " + " | ".join([*(c.name for c in there), *COUNTS]) + " |"]
    lines.append("|---|" + "---|" * (len(there) + len(COUNTS)))
    for each in rows:
        cells = [cell(each.estimates[c.name], c) if c.name in each.estimates else "" for c in there]
        counts = [str(each.counts[name]) for name in COUNTS]
        lines.append(f"| {each.name} | " + " | ".join([*cells, *counts]) + " |")
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """[{name, estimates: {column: {value, low, high}}, counts}]: unrounded, in the unit 1."""
    return [
        {
            "name": each.name,
            "estimates": {name: estimate._asdict() for name, estimate in each.estimates.items()},
            "counts": dict(each.counts),
        }
        for each in rows
    ]


def as_csv(rows: Sequence[Row]) -> str:
    """A line an estimate: row, column, value, low, high."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "column", "value", "low", "high"])
    for each in rows:
        writer.writerows([each.name, name, *map(repr, estimate)] for name, estimate in each.estimates.items())
        writer.writerows([each.name, name, count, "", ""] for name, count in each.counts.items())
    return text.getvalue()


def _values(column: Column, verdicts: Sequence[tuple[Instance, Verdict]]) -> list[float]:
    values = [x for pair in verdicts if (x := column.measure(*pair)) is not None]
    return [sum(values) / len(values)] if values and column.by_picture else values


def _anywhere(score: str, judged: Sequence[Judged]) -> bool:
    return any(score in v.scores for verdicts in judged for each in verdicts.values() for v in each)
