"""make a benchmark of one's own from COCO's annotations"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ... import coco
from ...atomic import write_whole
from ..benchmarks import deig_build, deig_read, instdiff_build
from ..benchmarks.coco_boxes import usable
from ..layout import LayoutError, write_layouts

NAME = "build"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_subparsers(dest="benchmark", required=True)
    deig = which.add_parser("deig", help="DEIG-Bench by the paper's rules: descriptions drawn by lot")
    deig.add_argument("instances", type=Path, help="instances_val2017.json")
    deig.add_argument("captions", type=Path, help="captions_val2017.json")
    deig.add_argument("target", type=Path, help="the .jsonl file of layouts to write")
    deig.add_argument("--seed", type=int, default=0)
    deig.add_argument("--pictures", type=int, default=400)
    deig.add_argument("--published", type=Path, metavar="FILE", help="also write the form of deig_bench_coco.json")
    instdiff = which.add_parser("instdiff", help="InstDiff-Bench: an adjective an instance, annotations at 512 x 512")
    instdiff.add_argument("instances", type=Path, help="instances_val2017.json")
    instdiff.add_argument("captions", type=Path, help="captions_val2017.json")
    instdiff.add_argument(
        "target", type=Path, help="folder for instances_512.json, plain.jsonl, colour.jsonl and texture.jsonl"
    )


def run(options: argparse.Namespace) -> None:
    annotations = coco.read_json(options.instances)
    pictures = usable(coco.pictures(annotations, coco.read_json(options.captions)))
    left = len(annotations["annotations"]) - sum(len(p.annotations) for p in pictures)
    if left:
        print(f"{left} annotations have boxes without an area and are in no layout.")
    (_deig if options.benchmark == "deig" else _instdiff)(options, annotations, pictures)


def _deig(options: argparse.Namespace, _, pictures: list[coco.Picture]) -> None:
    if options.target.suffix != ".jsonl":
        raise LayoutError(f"The layouts' file must end with .jsonl, and {options.target.name} does not.")
    layouts = deig_build.build(pictures, seed=options.seed, count=options.pictures, source=options.instances.name)
    write_layouts(options.target, layouts)
    if options.published:
        captions = {f"{p.id:012d}": p.caption for p in pictures}
        deig_read.write_published(options.published, layouts, captions)
    print(f"{options.target}: {len(layouts)} pictures, {sum(len(x.instances) for x in layouts)} instances.")


def _instdiff(options: argparse.Namespace, annotations: dict, pictures: list[coco.Picture]) -> None:
    options.target.mkdir(parents=True, exist_ok=True)
    whole = json.dumps(instdiff_build.scaled(annotations))
    write_whole(options.target / "instances_512.json", whole)
    for name, attribute in (("plain", None), ("colour", "colour"), ("texture", "texture")):
        layouts = instdiff_build.layouts(pictures, attribute, options.instances.name)
        write_layouts(options.target / f"{name}.jsonl", layouts)
    print(f"{options.target}: {len(layouts)} pictures, {sum(len(x.instances) for x in layouts)} instances.")
