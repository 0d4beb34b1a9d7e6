"""scores beside the paper's figures, with what differs in the procedure"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..compare import compared, read_scores

NAME = "compare"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scores", type=Path, help="what `score --json` wrote")


def run(options: argparse.Namespace) -> None:
    print(compared(*read_scores(options.scores)))
