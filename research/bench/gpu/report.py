"""What a run found, as JSON and as a Markdown page that fits docs/gpu.md."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..measure import Row, number

TITLES = {
    "prove": "Proof",
    "speed": "The attention alone",
    "tune": "Tiles",
    "whole": "The whole",
    "host": "A step in ComfyUI",
}
PIVOT = "the kernel / "  # groups of one set of names that stand beside each other in one table


@dataclass
class Found:
    """What a part has sent so far. state: "running", or how it ended (part.conduct)."""

    state: str = "running"
    seconds: float = 0.0
    rows: list[dict] = field(default_factory=list)
    tables: list[dict] = field(default_factory=list)
    texts: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    error: str = ""

    def hear(self, kind: str, payload: Any) -> None:
        """A `part.Message`; "environment" and "done" change nothing here."""
        if kind == "row":
            self.rows.append(payload)
        elif kind == "table":
            _under_its_title(self.tables, dict(zip(("title", "header", "lines"), payload, strict=True)))
        elif kind == "text":
            _under_its_title(self.texts, dict(zip(("title", "text"), payload, strict=True)))
        elif kind == "note":
            self.notes.append(payload)
        elif kind == "left out":
            self.left_out.append(payload)
        elif kind in ("failed", "refused"):
            self.error = payload


def _under_its_title(known: list[dict], new: dict) -> None:
    """What is sent again has grown: it takes the place of what was sent before."""
    known[:] = [old for old in known if old["title"] != new["title"]] + [new]


@dataclass
class Report:
    """A run: the minutes that it was given, the seconds that it took, the machine, and what each part found, by its
    name.
    """

    minutes: float
    tiny: bool = False
    seconds: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Found] = field(default_factory=dict)

    def failed(self) -> list[str]:
        """Parts that did not end by themselves, and did not end well."""
        return [name for name, part in self.parts.items() if part.state != "done"]

    def to_json(self) -> str:
        """Infinities and NaN, which JSON does not know, are texts; `from_json` reads them back."""
        plain = {
            **vars(self),
            "failed": self.failed(),
            "parts": {name: vars(part) for name, part in self.parts.items()},
        }
        return json.dumps(_finite(plain), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Raises ValueError, KeyError or TypeError for what `to_json` did not write."""
        stored = json.loads(text, object_hook=_numbers)
        stored.pop("failed")
        return cls(**{**stored, "parts": {name: Found(**part) for name, part in stored["parts"].items()}})

    def to_markdown(self) -> str:
        """A section of docs/gpu.md."""
        environment = self.environment
        lines = [f"## {environment.get('card', 'no card')}, {environment.get('date', 'no date')}", ""]
        if self.tiny:
            lines += ["**Tiny sizes: this says that every part runs, and nothing of any speed.**", ""]
        lines += [
            ", ".join(f"{name} {value}" for name, value in environment.items() if name not in ("card", "date")) + ".",
            "",
        ]
        lines += [
            f"`--minutes {self.minutes:g}`, {self.seconds:.0f} s. "
            + "; ".join(f"{name}: {part.state}, {part.seconds:.0f} s" for name, part in self.parts.items())
            + ".",
            "",
        ]
        for name, part in self.parts.items():
            lines += [f"### {TITLES.get(name, name)}", "", *_markdown(part)]
        return "\n".join(lines).rstrip() + "\n"

    def write(self, json_file: Path | None, markdown_file: Path | None) -> None:
        """Each file appears whole or not at all; None leaves it out. Raises OSError."""
        for path, text in ((json_file, self.to_json), (markdown_file, self.to_markdown)):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(path.name + ".part")
                part.write_text(text(), encoding="utf-8")
                os.replace(part, path)


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no NaN: they become their names."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(stored: dict) -> dict:
    return {k: float(v) if v in ("inf", "-inf", "nan") else v for k, v in stored.items()}


def _markdown(part: Found) -> list[str]:
    lines: list[str] = []
    if part.error:
        lines += [f"**This part {part.state}.**", "", "```", part.error.strip(), "```", ""]
    if part.left_out:
        lines += [f"Left out, for there was no time: {'; '.join(part.left_out)}.", ""]
    rows = [Row(**{k: v for k, v in row.items() if k != "met"}) for row in part.rows]
    beside = [row for row in rows if row.group.startswith(PIVOT)]
    if beside:
        lines += _beside(beside)
    for group in dict.fromkeys(row.group for row in rows if row not in beside):
        of_group = [row for row in rows if row.group == group]
        lines += [
            f"**{_cell(group)}**",
            "",
            *_table(
                ["", "median", "spread", "goal", "", ""],
                [
                    [row.name, f"{number(row.value)} {row.unit}".strip(), _spread(row), _goal(row), _met(row), row.note]
                    for row in of_group
                ],
            ),
        ]
    for table in part.tables:
        lines += [f"**{_cell(table['title'])}**", "", *_table(table["header"], table["lines"])]
    for text in part.texts:
        lines += [f"**{_cell(text['title'])}**", "", "```", text["text"], "```", ""]
    return lines + [line for note in part.notes for line in (f"- {_cell(note)}",)] + ([""] if part.notes else [])


def _beside(rows: list[Row]) -> list[str]:
    """One line for each name, one column for each group."""
    groups = list(dict.fromkeys(row.group for row in rows))
    by_place = {(row.name, row.group): row for row in rows}
    lines = []
    for name in dict.fromkeys(row.name for row in rows):
        cells = [name]
        for group in groups:
            row = by_place.get((name, group))
            cells.append(
                "" if row is None else f"{number(row.value)} {_spread(row)}{' **missed**' if row.met is False else ''}"
            )
        first = next(row for row in rows if row.name == name)
        lines.append([*cells, first.note.partition(" / ")[0]])
    goals = {group: next((_goal(row) for row in rows if row.group == group and _goal(row)), "") for group in groups}
    header = [
        "the kernel's time divided by that of",
        *(f"{g.removeprefix(PIVOT)}{f', goal {goals[g]}' if goals[g] else ''}" for g in groups),
        "the kernel",
    ]
    return _table(header, lines)


def _table(header: list[str], lines: list[list[str]]) -> list[str]:
    rows = [header, ["---"] * len(header), *lines]
    return ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows] + [""]


def _cell(text: str) -> str:
    """A bar would end the cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def _spread(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"({number(row.low)} .. {number(row.high)})"


def _goal(row: Row) -> str:
    return ", ".join(
        f"{sign} {number(goal)}" for sign, goal in (("<=", row.at_most), (">=", row.at_least)) if goal is not None
    )


def _met(row: Row) -> str:
    return {None: "", True: "met", False: "**missed**"}[row.met]
