"""Scores beside the paper's figures, in a block of their own, with what differs in the procedure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..intervals import Estimate
from .layout import LayoutError
from .published import TABLES, Table
from .score import PROCEDURES, VERSION
from .tables import COUNTS, Row, markdown, rounded
from .values import is_number


def read_scores(path: Path) -> tuple[str, list[Row]]:
    """Benchmark and rows of what `score --json` wrote. Raises LayoutError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise LayoutError(f"{path} has version {data['version']!r}; this program reads {VERSION}: run score again.")
        if not isinstance(data["benchmark"], str):
            raise TypeError("the benchmark is no text")
        return data["benchmark"], [_row(r) for r in data["rows"]]
    except LayoutError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LayoutError(f"{path} cannot be read ({error!r}): what `score --json` wrote was expected.") from None


def compared(benchmark: str, rows: list[Row]) -> str:
    """Markdown: our rows in the published columns, the paper's rows, and what differs. Raises LayoutError."""
    if benchmark not in TABLES:
        raise LayoutError(f"The paper has no table of {benchmark}: {', '.join(TABLES)} were expected.")
    table = TABLES[benchmark]
    printed = {name for row in table.rows.values() for name in row}
    columns = [c for c in PROCEDURES[benchmark].columns() if c.name in printed]
    names = [*(c.name for c in columns), *sorted(printed - {c.name for c in columns})]
    lines = ["## Measured here", "", markdown(rows, columns), "", f"## Published: {table.title}", ""]
    lines += [*_published(table, names), "", "What differs, so that no row stands beside another one's:", ""]
    return "\n".join([*lines, *(f"- {sentence}" for sentence in table.differs)])


def _published(table: Table, names: list[str]) -> list[str]:
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for method, values in table.rows.items():
        cells = [rounded(values[name], table.digits.get(name, 2)) if name in values else "" for name in names]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return lines


def _row(data: dict[str, Any]) -> Row:
    estimates = {name: Estimate(**e) for name, e in data["estimates"].items()}
    counts = {name: data["counts"][name] for name in COUNTS}
    if not isinstance(data["name"], str) or not all(
        map(is_number, [*counts.values(), *(value for e in estimates.values() for value in e)])
    ):
        raise TypeError("a row has a text as its name, and finite numbers")
    return Row(data["name"], estimates, {**data["counts"], **counts})
