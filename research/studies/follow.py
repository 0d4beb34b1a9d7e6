"""`python -m research.studies follow`: what regions that follow tiles, own what overlaps, are drawn again or act for a
part of the schedule are good for in the demo's world, as tables with 95 % intervals.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from deig_core.demo import files
from deig_core.demo.files import GUIDANCE, STEPS

from ..demo.scorer import Classifier
from . import gates, overlap, reuse, small, tiles
from .paint import Painter

TABLES = {
    "tiles": tiles.table,
    "overlap": overlap.table,
    "small": small.table,
    "gates": gates.table,
    "reuse": reuse.table,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.studies follow", description=__doc__)
    parser.add_argument("--layouts", type=int, default=24, help="pictures of 256 x 256; of the others more")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES, help="some of the tables")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--weights", type=Path, default=files.WEIGHTS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.layouts < 1 or options.threads < 1:
        parser.error("--layouts and --threads are positive numbers")
    torch.set_num_threads(options.threads)
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, options.weights))
    painter = Painter(options.weights)
    print(f"{STEPS} steps, guidance {GUIDANCE}; intervals are over pictures", flush=True)
    for name in options.only:
        began = time.monotonic()
        print(f"\n## {name}\n\n{TABLES[name](painter, classifier, options.layouts, options.seed)}")
        print(f"\n{time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
