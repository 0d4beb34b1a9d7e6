"""python -m research.bench.gpu [--minutes 6] [--out FOLDER]: prove, measure and tune DEIG on this machine's GPU.

Exit code 0: every part ended well. 1: a proof or a part failed, or had to be stopped. 2: there is no GPU.
A goal that is missed is said, and is no failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from ..measure import Row, table
from . import part as a_part
from .report import TITLES, Found, Report

# What share of the time each may have; what one leaves over goes to those after it.
PARTS = {"prove": 75, "speed": 110, "tune": 80, "whole": 75}
MODULE = "research.bench.gpu.{}"


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, 1 where a part failed, 2 where there is no GPU to measure."""
    parser = argparse.ArgumentParser(
        prog="python -m research.bench.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=6.0,
        help="for all of it (default 6); cases for which there is no time are left out and named",
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=f"some alone: {', '.join(PARTS)}"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write gpu.json and gpu.md there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument(
        "--tiny", action="store_true", help="tiny sizes, on a CPU too: only to see that every part runs"
    )
    parser.add_argument(
        "--join",
        type=Path,
        metavar="ROWS",
        help="run nothing: put a file of rows (of the step in ComfyUI) into the JSON at hand",
    )
    options = parser.parse_args(arguments)
    json_file = options.json or (options.out / "gpu.json" if options.out else None)
    markdown_file = options.markdown or (options.out / "gpu.md" if options.out else None)
    if options.join:
        return _join(options.join, json_file, markdown_file, parser)

    began = time.monotonic()
    report = Report(options.minutes, options.tiny)
    for i, name in enumerate(options.parts):
        found = report.parts[name] = Found()
        started = time.monotonic()
        left = 60 * options.minutes - (started - began) - a_part.GRACE
        print(f"\n== {TITLES[name]} ==", flush=True)
        share = PARTS[name] / sum(PARTS[n] for n in options.parts[i:])
        found.state = a_part.conduct(
            MODULE.format(name), options.tiny, max(0.0, share * left), _Listener(report, found)
        )
        found.seconds, report.seconds = time.monotonic() - started, time.monotonic() - began
        if found.state == "refused":
            return 2
        _show_complete(found)
        report.write(json_file, markdown_file)
    end = f"Failed: {', '.join(report.failed())}." if report.failed() else "Every part ended well."
    print(f"\n{report.seconds:.0f} s. {end}")
    if markdown_file:
        print(f"For docs/gpu.md: {markdown_file}")
    return 1 if report.failed() else 0


def _show_complete(found: Found) -> None:
    for sent in found.tables:
        lines = ["  " + " | ".join(line) for line in (sent["header"], *sent["lines"])]
        print(f"\n{sent['title']}", *lines, sep="\n")
    for sent in found.texts:
        print(f"\n{sent['title']}\n{sent['text']}")


class _Listener:
    """Keeps what a part sends, and shows it."""

    def __init__(self, report: Report, found: Found):
        self.report, self.found, self.group = report, found, ""

    def __call__(self, message: tuple[str, Any]) -> None:
        kind, payload = message
        if kind == "environment":
            if not self.report.environment:
                print("  ".join(f"{k} {v}" for k, v in payload.items()), flush=True)
            self.report.environment = payload
            return
        self.found.hear(kind, payload)
        for line in self._shown(kind, payload):
            print(line, flush=True)

    def _shown(self, kind: str, payload: Any) -> list[str]:
        if kind == "row":
            text = table([Row(**{k: v for k, v in payload.items() if k != "met"})])
            same, self.group = payload["group"] == self.group, payload["group"]
            return [text.partition("\n")[2] if same else f"\n{text}"]
        if kind in ("table", "text", "done"):  # they are shown when they are complete
            return []
        return [f"  {'left out: ' if kind == 'left out' else ''}{payload}"]


def _join(rows: Path, json_file: Path | None, markdown_file: Path | None, parser: argparse.ArgumentParser) -> int:
    if json_file is None or not json_file.is_file():
        parser.error("--join needs the JSON of a run: give its folder with --out, or the file with --json.")
    report = Report.from_json(json_file.read_text(encoding="utf-8"))
    stored = json.loads(rows.read_text(encoding="utf-8"))
    report.parts["host"] = Found(**stored) if isinstance(stored, dict) else Found("done", rows=stored)
    report.write(json_file, markdown_file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
