"""The table of measured control: shares with 95 % intervals, over verdicts grouped by scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..intervals import over_pictures
from .scorer import Verdict

Measure = Callable[[Verdict], float | None]


def _level(attributes: int) -> Measure:
    return lambda v: float(v.passes()) if v.wanted.thing.attributes == attributes else None


def _right(attribute: str) -> Measure:
    # A pattern or outline that nobody asked for is judged by `passes`; its own column is about those that were asked
    # for.
    return lambda v: float(v.right(attribute)) if getattr(v.wanted.thing, attribute) else None


MEASURES: dict[str, Measure] = {
    "mIoU": lambda v: v.iou,
    "colour": _right("colour"),
    "shape": _right("shape"),
    "pattern": _right("pattern"),
    "outline": _right("outline"),
    "1 attribute": _level(1),
    "2": _level(2),
    "3": _level(3),
    "all": lambda v: float(v.passes()),
}


def measured(scenes: Sequence[Sequence[Verdict]]) -> dict[str, tuple[float, float, float]]:
    """Per measure (value, low, high): the mean over instances and its 95 % bootstrap interval over whole scenes."""
    return {
        name: over_pictures([[x for v in scene if (x := measure(v)) is not None] for scene in scenes])
        for name, measure in MEASURES.items()
    }


def table(rows: dict[str, dict[str, tuple[float, float, float]]]) -> str:
    """Markdown: a line for each model, `value ± half width` in each cell."""
    columns = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for name, row in rows.items():
        cells = [f"{value:.3f} ± {(high - low) / 2:.3f}" for value, low, high in row.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
