"""What is right against what it costs: gates that act in a part of the schedule, fusers that run in some steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..intervals import Estimate

STEP = 1.44  # an SD 1.5 step with DEIG / one without, on a CPU (docs/bench.md)

Measured = Mapping[str, tuple[float, float, float]]  # a row of `demo.report.table`


@dataclass(frozen=True)
class Point:
    """curve: the one that it lies on. share: of the steps in which the fusers run. seconds: of CPU time a picture.
    right: share of the things of which all is right.
    """

    curve: str
    name: str
    share: float
    seconds: float
    right: Estimate

    @property
    def cost(self) -> float:
        """Of an SD 1.5 run, by arithmetic; 1 with the fusers in each step."""
        return (1 + self.share * (STEP - 1)) / STEP


@dataclass(frozen=True)
class Table:
    """A study's Markdown, and its points."""

    text: str
    points: Sequence[Point] = ()


def costs(points: Sequence[Point]) -> str:
    """Two lines below a table."""
    seconds = "; ".join(f"{point.name} {point.seconds:.2f} s" for point in points)
    arithmetic = "; ".join(f"{point.name} {point.cost:.2f}" for point in points)
    return f"CPU a picture: {seconds}\n\nAn SD 1.5 run costs, by arithmetic: {arithmetic}"


def plot(points: Sequence[Point], path: Path) -> None:
    """A panel for SD 1.5 by arithmetic, and one for the demo by its CPU time against that of its first point."""
    from matplotlib.figure import Figure

    curves: dict[str, list[Point]] = {}
    for point in points:
        curves.setdefault(point.curve, []).append(point)
    figure = Figure(figsize=(10.4, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, curves, lambda point, first: point.cost)
    _draw(right, curves, lambda point, first: point.seconds / first.seconds)
    left.set_title("an SD 1.5 run, by arithmetic")
    right.set_title("the demo's run, CPU time as measured")
    left.set_ylabel("things of which all is right")
    left.set_ylim(0, 1.15)
    for axes in (left, right):
        axes.set_xlabel("time; 1: the fusers run in each step")
        axes.grid(alpha=0.3)
    left.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def _draw(axes, curves: Mapping[str, Sequence[Point]], time: Callable[[Point, Point], float]) -> None:
    for k, (name, points) in enumerate(curves.items()):
        times, values = [time(p, points[0]) for p in points], [p.right for p in points]
        spans = [[v.value - v.low for v in values], [v.high - v.value for v in values]]
        axes.errorbar(times, [v.value for v in values], spans, marker="os^"[k % 3], capsize=3, label=name)
        for i, (x, point) in enumerate(zip(times[1:], points[1:], strict=True)):
            # Where curves lie beside each other and points close together, their names must not.
            if k % 3 == 2:
                y, place, side = point.right.high, (0, 4 + 10 * (i % 3)), "center"
            else:
                y, place, side = point.right.value, ((6, -13), (-6, 9))[k % 3], ("left", "right")[k % 3]
            axes.annotate(point.name, (x, y), textcoords="offset points", xytext=place, fontsize=8, ha=side)
