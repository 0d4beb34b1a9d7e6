"""take pictures that MIGC's runner drew, under the names of their layouts"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..adopt import adopt
from ..layout import read_layouts

NAME = "adopt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layouts", type=Path, help="the .jsonl file of layouts")
    parser.add_argument("source", type=Path, help="folder of <prompt>_<seed>_<COCO id>.png")
    parser.add_argument("target", type=Path, help="new folder, for copies <seed>/<layout id>.png")


def run(options: argparse.Namespace) -> None:
    layouts = read_layouts(options.layouts)
    counts, strange = adopt(layouts, options.source, options.target)
    for seed, count in counts.items():
        print(f"{options.target / seed}: pictures of {count} of {len(layouts)} layouts")
    if strange:
        print(f"{strange} pictures in {options.source} belong to no layout and were left there.")
