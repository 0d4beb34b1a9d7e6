"""The study of T as a table and as a picture."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MEASURES = ("mIoU", "colour", "shape", "pattern", "outline", "all")
MB = 2**20


def table(results: Mapping[str, Any]) -> str:
    """Markdown of what there is: a line for each T of the cost, and for each T and seed of the accuracy."""
    parts = []
    if cost := results.get("cost"):
        lines = [
            "| T | parameters | of them queries | keys and values of 5 regions | TFLOP of a step | s a step "
            "| peak of a step |",
            "|" + "---|" * 7,
        ]
        for row in cost["rows"]:
            spread = f"{statistics.median(row['seconds']):.2f} ({min(row['seconds']):.2f}-{max(row['seconds']):.2f})"
            lines.append(
                f"| {row['tokens']} | {row['parameters']:,} | {row['queries']:,} | "
                f"{row['keys_and_values'] / MB:.2f} MB | {row['operations'] / 1e12:.4f} | {spread} | "
                f"{row['peak'] / MB:.1f} MB |"
            )
        line = cost["line"]
        bases = ", ".join(f"{base / MB:.1f} MB for N = {n}" for n, base in line["bases"])
        lines += [
            "",
            f"The finest fuser's attention over N regions of T tokens holds, at its peak, {bases}, and "
            f"{line['slope'] / 1024:.3f} KB for each of the N T tokens; a token, its key and its value are "
            f"{line['exact'] / 1024:.3f} KB. No measured point is further than {100 * line['worst']:.2f} % from that.",
        ]
        parts.append("\n".join(lines))
    if rows := results.get("accuracy", {}).get("rows"):
        lines = ["| T | seed | " + " | ".join(MEASURES) + " |", "|" + "---|" * (2 + len(MEASURES))]
        for row in rows:
            cells = [f"{v:.3f} ± {(high - low) / 2:.3f}" for v, low, high in (row["scores"][m] for m in MEASURES)]
            lines.append(f"| {row['tokens']} | {row['seed']} | " + " | ".join(cells) + " |")
        recipe = rows[0]["recipe"]
        lines += [
            "",
            f"Adapters of {recipe['steps']} steps on {recipe['scenes']} scenes, {recipe['layouts']} unseen layouts; "
            "± is half of the 95 % interval over layouts, and says nothing of another seed.",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def plot(results: Mapping[str, Any], path: Path) -> None:
    """A panel each for time, memory and accuracy, of those that there are."""
    from matplotlib.figure import Figure

    panels = []
    if cost := results.get("cost"):
        panels += [lambda axes: _time(axes, cost["rows"]), lambda axes: _memory(axes, cost["line"])]
    if rows := results.get("accuracy", {}).get("rows"):
        panels.append(lambda axes: _accuracy(axes, rows))
    if not panels:
        return
    figure = Figure(figsize=(4.6 * len(panels), 3.6), layout="constrained")
    for draw, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        draw(axes)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def _of_t(axes, tokens: Sequence[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(tokens, [str(t) for t in tokens])
    axes.set_xlabel("T")


def _time(axes, rows: Sequence[Mapping[str, Any]]) -> None:
    tokens, medians = [r["tokens"] for r in rows], [statistics.median(r["seconds"]) for r in rows]
    low = [m - min(r["seconds"]) for m, r in zip(medians, rows, strict=True)]
    high = [max(r["seconds"]) - m for m, r in zip(medians, rows, strict=True)]
    axes.errorbar(tokens, medians, [low, high], marker="o", capsize=3, label="measured")
    reference = min(rows, key=lambda r: r["operations"])
    scale = statistics.median(reference["seconds"]) / reference["operations"]
    axes.plot(tokens, [scale * r["operations"] for r in rows], "--", label="as the operations")
    _of_t(axes, tokens)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("s a step")
    axes.set_title("Time of a step, 5 regions")
    axes.legend()


def _memory(axes, line: Mapping[str, Any]) -> None:
    for count, base in line["bases"]:
        some = [(t, held / MB) for n, t, held in line["points"] if n == count]
        tokens = [t for t, _ in some]
        (dots,) = axes.plot(*zip(*some, strict=True), "o", label=f"{count} region{'s' if count > 1 else ''}")
        axes.plot(tokens, [(base + line["slope"] * count * t) / MB for t in tokens], "--", color=dots.get_color())
    axes.set_ylim(bottom=0)
    axes.set_xlabel("T")
    axes.set_ylabel("MB")
    axes.set_title("Peak of a fuser's attention")
    axes.legend()


def _accuracy(axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for seed in sorted({r["seed"] for r in rows}):
        some = sorted((r for r in rows if r["seed"] == seed), key=lambda r: r["tokens"])
        values = [r["scores"]["all"] for r in some]
        tokens = [r["tokens"] for r in some]
        spans = [[v - low for v, low, _ in values], [high - v for v, _, high in values]]
        axes.errorbar(tokens, [v for v, *_ in values], spans, marker="o", capsize=3, label=f"seed {seed}")
    _of_t(axes, sorted({r["tokens"] for r in rows}))
    axes.set_ylim(bottom=0)
    axes.set_title("Instances with everything right, demo world")
    axes.legend()
