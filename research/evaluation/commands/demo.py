"""everything at once on the demo's world, which needs no download: pictures, evidence, table, page of failures; fails
unless the figures are those of the demo's own evaluation
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deig_core.demo import files
from deig_core.errors import DeigError

from ...atomic import write_whole
from .. import sheet
from ..generate import generate
from ..layout import write_layouts
from ..look import look
from ..score import Scores, procedure, score
from ..tables import markdown

NAME = "demo"
NEEDS = "diffusers accelerate scipy tqdm filelock"
TRAINED = Path(__file__).parents[2] / "demo" / "trained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", default=Path("evaluation-demo"), help="where everything goes")
    parser.add_argument("--layouts", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--steps", type=int, default=files.STEPS, help="of the sampler")
    parser.add_argument("--weights", type=Path, default=files.WEIGHTS, help="the demo's (default: the shipped ones)")
    parser.add_argument(
        "--trained", type=Path, default=TRAINED, help="a folder of research.demo.train: its adapters become rows"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())


def run(options: argparse.Namespace) -> None:
    import torch

    try:
        from ...demo.evaluate import FIRST_SEED, TRUTH, evaluated, variants
        from ...demo.world import draw_scene
        from ..demo import DemoSampler, Renderer, layout_of
        from ..witnesses.oracle import Finder, Judge
    except ImportError as error:
        raise DeigError(f"{error.name} is not installed, and the demo's models need it: pip install {NEEDS}.") from None
    torch.set_num_threads(options.threads)
    layouts = [layout_of(draw_scene(FIRST_SEED + i)) for i in range(options.layouts)]
    options.folder.mkdir(parents=True, exist_ok=True)
    write_layouts(options.folder / "layouts.jsonl", layouts)
    samplers = {TRUTH: Renderer()}
    for name, variant in variants(options.weights, options.trained).items():
        samplers[name] = DemoSampler(options.weights, variant, options.steps)
    folders = {name: options.folder / re.sub(r"\W+", "-", name).strip("-") for name in samplers}
    witnesses = [Finder(), Judge(options.weights)]
    for name, folder in folders.items():
        generate(layouts, folder, samplers[name], [options.seed])
        look(layouts, folder / str(options.seed), witnesses, say=lambda text: None)
    scores = _named(score(layouts, list(folders.values())), list(samplers))
    print(f"\n{markdown(scores.rows, procedure(layouts).columns())}\n")
    write_whole(options.folder / "scores.json", json.dumps(scores.to_json(layouts), indent=1) + "\n")
    print(f"What failed: {sheet.write(options.folder / 'failures', 'The demo: what failed', layouts, scores.sets)}\n")
    own = evaluated(options.weights, options.trained, layouts=options.layouts, seed=options.seed, steps=options.steps)
    if differing := differences(scores, own):
        raise DeigError(f"The demo's own evaluation has other figures: {'; '.join(differing[:5])}.")
    print("The demo's own evaluation (python -m research.demo.evaluate) has the very same figures.")


def differences(scores: Scores, own: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Where the rows, their columns or any of value, low and high differ from the demo's own, in words."""
    ours = {row.name: {name: tuple(e) for name, e in row.estimates.items()} for row in scores.rows}
    return [
        f"{row}, {column}: {theirs} instead of {here}"
        for row in {**ours, **own}
        for column in {**ours.get(row, {}), **own.get(row, {})}
        if (here := ours.get(row, {}).get(column)) != (theirs := _tuple(own.get(row, {}).get(column)))
    ]


def _tuple(value: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if value is None else tuple(value)


def _named(scores: Scores, names: Sequence[str]) -> Scores:
    """With the demo's names instead of the folders'."""
    return replace(
        scores,
        sets=[replace(each, name=name) for each, name in zip(scores.sets, names, strict=True)],
        rows=[replace(each, name=name) for each, name in zip(scores.rows, names, strict=True)],
    )
