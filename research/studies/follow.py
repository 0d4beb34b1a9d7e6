"""`python -m research.studies follow`: what regions that follow tiles, own what overlaps, are drawn again or act for a
part of the schedule are good for in the demo's world, as tables with 95 % intervals.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from deig_core.demo import files
from deig_core.demo.files import GUIDANCE, STEPS

from ..demo.scorer import Classifier
from . import curves, gates, overlap, reuse, small, tiles
from .curves import Table
from .paint import Painter

TABLES = {
    "tiles": tiles.table,
    "overlap": overlap.table,
    "small": small.table,
    "gates": gates.table,
    "reuse": reuse.table,
}  # longest first, so that two processes end at about the same time


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.studies follow", description=__doc__)
    parser.add_argument("--layouts", type=int, default=24, help="pictures of 256 x 256; of the others more")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=tuple(TABLES), help="some of the tables")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--weights", type=Path, default=files.WEIGHTS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="tables that are made at once")
    parser.add_argument("--threads", type=int, default=1, help="of each of them")
    parser.add_argument("--plot", type=Path, help="a picture of what gates and reuse save and cost goes here")
    options = parser.parse_args(arguments)
    if min(options.layouts, options.jobs, options.threads) < 1:
        parser.error("--layouts, --jobs and --threads are positive numbers")
    if options.plot and not {"gates", "reuse"} <= {*options.only}:
        parser.error("--plot needs the tables gates and reuse")
    print(f"{STEPS} steps, guidance {GUIDANCE}; intervals are over pictures", flush=True)
    work = [(name, options.layouts, options.seed, options.weights, options.threads) for name in options.only]
    points = []
    if options.jobs == 1 or len(work) == 1:
        done = map(_made, work)
        points += [point for table in done for point in _said(*table)]
    else:
        # Not forked: torch's threads do not live through that.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(options.jobs, len(work)), context) as pool:
            points += [point for table in pool.map(_made, work) for point in _said(*table)]
    if options.plot:
        curves.plot(points, options.plot)
    return 0


def _made(work: tuple[str, int, int, Path, int]) -> tuple[str, Table, float]:
    """(the table's name, the table, the seconds that it took)."""
    name, layouts, seed, weights, threads = work
    torch.set_num_threads(threads)
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, weights))
    began = time.monotonic()
    table = TABLES[name](Painter(weights), classifier, layouts, seed)
    return name, table, time.monotonic() - began


def _said(name: str, table: Table, seconds: float) -> Sequence[curves.Point]:
    print(f"\n## {name}\n\n{table.text}\n\n{seconds:.0f} s", flush=True)
    return table.points


if __name__ == "__main__":
    raise SystemExit(main())
