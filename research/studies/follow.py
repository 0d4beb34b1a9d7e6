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
from contextlib import ExitStack
from pathlib import Path

import torch

from deig_core.demo import files
from deig_core.demo.files import GUIDANCE, STEPS

from ..demo.scorer import Classifier
from . import curves, gates, overlap, reuse, small, tiles
from .curves import Measured, Table
from .paint import Painter

TABLES = {
    "overlap": overlap.table,
    "small": small.table,
    "gates": gates.table,
    "reuse": reuse.table,
}  # longest first, so that two processes end at about the same time
NAMES = ("tiles", *TABLES)
Work = tuple[str, str, int, int, Path, int]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.studies follow", description=__doc__)
    parser.add_argument(
        "--layouts",
        type=int,
        default=24,
        help="pictures in each row of a table; of pairs twice as many, of large ones in tiles half as many",
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="some of the tables")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--weights", type=Path, default=files.WEIGHTS)
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="tables, and rows of tiles, that are made at once"
    )
    parser.add_argument("--threads", type=int, default=1, help="of each of them")
    parser.add_argument("--plot", type=Path, help="a picture of what gates and reuse save and cost goes here")
    options = parser.parse_args(arguments)
    if min(options.layouts, options.jobs, options.threads) < 1:
        parser.error("--layouts, --jobs and --threads are positive numbers")
    if options.plot and not {"gates", "reuse"} <= {*options.only}:
        parser.error("--plot needs the tables gates and reuse")
    print(f"{STEPS} steps, guidance {GUIDANCE}; intervals are over pictures", flush=True)
    rest = (options.seed, options.weights, options.threads)
    large = -(-options.layouts // 2)
    work = [("tiles", row, large, *rest) for row in tiles.ROWS if "tiles" in options.only]
    work += [(name, "", options.layouts, *rest) for name in TABLES if name in options.only]
    points, rows = [], {}
    with ExitStack() as stack:
        run = map
        if min(options.jobs, len(work)) > 1:
            # Not forked: torch's threads do not live through that.
            spawn = multiprocessing.get_context("spawn")
            run = stack.enter_context(ProcessPoolExecutor(min(options.jobs, len(work)), spawn)).map
        for (name, row, *_), (made, seconds) in zip(work, run(_made, work), strict=True):
            table = made
            if row:
                rows[row] = made, seconds
                if len(rows) < len(tiles.ROWS):
                    continue
                seconds = sum(taken for _, taken in rows.values())
                table = tiles.table({k: v for k, (v, _) in rows.items()}, large, options.seed)
            print(f"\n## {name}\n\n{table.text}\n\n{seconds:.0f} s", flush=True)
            points += table.points
    if options.plot:
        curves.plot(points, options.plot)
    return 0


def _made(work: Work) -> tuple[Table | Measured, float]:
    """(a table, or a row of that of tiles, and the seconds that it took)."""
    name, row, layouts, seed, weights, threads = work
    torch.set_num_threads(threads)
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, weights))
    painter, began = Painter(weights), time.monotonic()
    if row:
        made = tiles.row(painter, classifier, layouts, seed, row)
    else:
        made = TABLES[name](painter, classifier, layouts, seed)
    return made, time.monotonic() - began


if __name__ == "__main__":
    raise SystemExit(main())
