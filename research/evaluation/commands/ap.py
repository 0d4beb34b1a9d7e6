"""average precision of a detector's COCO results file on the drawn pictures"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ... import coco
from ...atomic import write_whole
from ..average_precision import KINDS, average_precision
from ..tables import rounded

NAME = "ap"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("annotations", type=Path, help="instances_512.json of `build instdiff`")
    parser.add_argument("detections", type=Path, help="COCO results, such as the predictions.json of `yolo val`")
    parser.add_argument("--kind", choices=KINDS, default="box")
    parser.add_argument("--most", type=int, default=100, help="detections a picture that count (default: 100)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")


def run(options: argparse.Namespace) -> None:
    truth = coco.read_json(options.annotations)
    coco.pictures(truth)
    found = average_precision(truth, coco.read_json(options.detections), options.kind, options.most)
    pictures, without = found.pop("pictures"), found.pop("without")
    for name, value in found.items():
        print(f"{name:10} {rounded(value, 4) if value == value else 'no such truth'}")
    print(f"{pictures} pictures, {without} of them without a detection, which count as empty.")
    if options.json:
        whole = {**{n: v if v == v else None for n, v in found.items()}, "pictures": pictures, "without": without}
        write_whole(options.json, json.dumps(whole, indent=1) + "\n")
