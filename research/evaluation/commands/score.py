"""verdicts and tables from the evidence, in seconds"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from deig_core.errors import DeigError

from ...atomic import write_whole
from .. import sheet
from ..layout import read_layouts
from ..procedures import deig, mig
from ..procedures.location import Thresholds
from ..score import procedure, score
from ..tables import as_csv, markdown

NAME = "score"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = Thresholds()
    parser.add_argument("layouts", type=Path, help="the .jsonl file of layouts")
    parser.add_argument("folders", type=Path, nargs="+", help="the folders that `look` looked at: a row each")
    parser.add_argument("--score", type=float, default=default.score, help=f"detections above it ({default.score})")
    parser.add_argument("--nms", type=float, default=default.nms, help=f"overlap of two of one thing ({default.nms})")
    parser.add_argument("--iou", type=float, default=default.iou, help=f"a detection answers a box ({default.iou})")
    parser.add_argument("--share", type=float, default=mig.SHARE, help=f"mig: of the mask in the colour ({mig.SHARE})")
    parser.add_argument("--parser", choices=deig.PARSERS, default="published", help="deig: what counts as yes")
    parser.add_argument(
        "--use", nargs="+", default=[], metavar="KIND=NAME", help="whose evidence, where several gave it"
    )
    parser.add_argument("--stretch", action="store_true", help="as for look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also the figures, for compare")
    parser.add_argument("--csv", type=Path, metavar="FILE")
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help="also a page of failures")


def run(options: argparse.Namespace) -> None:
    layouts = read_layouts(options.layouts)
    scores = score(layouts, options.folders, use=_use(options.use), stretch=options.stretch, how=_how(layouts, options))
    print(markdown(scores.rows, procedure(layouts).columns()))
    if options.json:
        write_whole(options.json, json.dumps(scores.to_json(layouts), indent=1) + "\n")
    if options.csv:
        write_whole(options.csv, as_csv(scores.rows))
    if options.sheet:
        print(f"\n{sheet.write(options.sheet, f'{scores.benchmark}: what failed', layouts, scores.sets)}")


def _how(layouts, options: argparse.Namespace) -> dict:
    thresholds = Thresholds(options.score, options.nms, options.iou)
    return {
        "deig": {"thresholds": thresholds, "parser": options.parser},
        "mig": {"thresholds": thresholds, "share": options.share},
    }.get(layouts[0].benchmark, {})


def _use(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise DeigError(f"--use {pair} is no KIND=NAME: boxes=grounding-dino-tiny, for instance, was expected.")
    return dict(pair.split("=", 1) for pair in pairs)
