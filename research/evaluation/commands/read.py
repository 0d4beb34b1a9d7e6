"""turn a published benchmark's file into layouts"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from ..benchmarks import deig_read, mig_read
from ..layout import write_layouts

NAME = "read"
READERS = {"deig": deig_read.read, "mig": mig_read.read}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("benchmark", choices=READERS)
    parser.add_argument("file", type=Path, help="deig_bench_coco.json or mig_bench_coco.json, from their owners")
    parser.add_argument("target", type=Path, help="the .jsonl file of layouts to write")


def run(options: argparse.Namespace) -> None:
    layouts = READERS[options.benchmark](options.file)
    write_layouts(options.target, layouts)
    levels = Counter(i.tags["level"] for x in layouts for i in x.instances)
    print(
        f"{options.target}: {len(layouts)} pictures, {sum(levels.values())} instances, "
        + ", ".join(f"{level} {count}" for level, count in sorted(levels.items()))
        + "."
    )
