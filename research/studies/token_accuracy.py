"""What T is good for: adapters of the demo's world that differ in T alone, trained alike and judged alike."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deig_core.demo import files
from deig_core.errors import DeigError

from ..atomic import write_whole

Scores = dict[str, tuple[float, float, float]]
"""Measure of the demo's table -> (value, low, high)."""


@dataclass(frozen=True)
class Recipe:
    """What all adapters share: steps of training and their batch; scenes to train on; layouts to be judged on."""

    steps: int = 420
    batch: int = 32
    scenes: int = 8000
    layouts: int = 512


@dataclass(frozen=True)
class Accuracy:
    """One adapter's row of the demo's table, and how it came about."""

    tokens: int
    seed: int
    recipe: Recipe
    scores: Scores

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def accuracies(
    folder: Path,
    tokens: Sequence[int],
    seeds: Sequence[int],
    recipe: Recipe,
    *,
    threads: int = 1,
    until: float = math.inf,
    say: Callable[[str], None] = print,
) -> Iterator[Accuracy]:
    """A row for each seed and T, seed by seed, as they get done; those that `folder` holds come at once.

    folder: holds `weights` with the base's IDE, made by `research.demo.train --ide-only`. until: time.monotonic() at
    which to save and stop. Raises DeigError for a row that was made by another recipe.
    """
    for seed in seeds:
        for t in tokens:
            place = folder / f"tokens-{t}-{seed}"
            row = read(place / "scores.json", t, seed, recipe)
            if row is None:
                say(f"T = {t}, seed {seed}: {recipe.steps} steps")
                row = _made(folder, place, t, seed, recipe, threads, until)
                if row is None:
                    say("Stopped before the end: the same command goes on.")
                    return
            yield row


def every(folder: Path, recipe: Recipe) -> list[Accuracy]:
    """All rows that `folder` holds, seed by seed. Raises DeigError for one that was made by another recipe."""
    rows = []
    for path in folder.glob("tokens-*-*/scores.json"):
        if found := re.fullmatch(r"tokens-(\d+)-(\d+)", path.parent.name):
            rows.append(read(path, *map(int, found.groups()), recipe))
    return sorted(rows, key=lambda row: (row.seed, row.tokens))


def read(path: Path, tokens: int, seed: int, recipe: Recipe) -> Accuracy | None:
    """The row in that file; None where there is none."""
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        row = Accuracy(data["tokens"], data["seed"], Recipe(**data["recipe"]), _scores(data["scores"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DeigError(f"{path} cannot be read ({error}): delete it, and the row is judged again.") from None
    if (row.tokens, row.seed, row.recipe) != (tokens, seed, recipe):
        raise DeigError(f"{path} is of another recipe ({row.recipe}): choose another folder, or that run's options.")
    return row


def _scores(data: dict[str, Sequence[float]]) -> Scores:
    return {name: tuple(value) for name, value in data.items()}


def _made(folder: Path, place: Path, tokens: int, seed: int, recipe: Recipe, threads: int, until: float):
    from ..demo.latents import training_scenes
    from ..demo.train_adapter import train_adapter

    weights = folder / "weights"
    scenes, latents = training_scenes(weights, folder / "latents", recipe.scenes, threads)
    adapter, done = train_adapter(
        weights,
        scenes,
        latents,
        place,
        steps=recipe.steps,
        batch=recipe.batch,
        seed=seed,
        tokens=tokens,
        until=until,
    )
    if not done:
        return None
    row = Accuracy(tokens, seed, recipe, _judged(weights, adapter, recipe.layouts))
    write_whole(place / "scores.json", json.dumps(row.to_dict(), indent=1) + "\n")
    return row


def _judged(weights: Path, adapter, layouts: int) -> Scores:
    from ..demo import models
    from ..demo.evaluate import FIRST_SEED, judged
    from ..demo.generate import Models, generate
    from ..demo.loop import device
    from ..demo.report import measured
    from ..demo.scorer import Classifier
    from ..demo.world import draw_scene

    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, weights))
    scenes = [draw_scene(FIRST_SEED + i) for i in range(layouts)]
    assembled = Models(
        models.unet(weights).to(device()), models.autoencoder(weights).to(device()), models.text_encoder(weights)
    )
    return measured(judged(classifier, generate(assembled, adapter, scenes), scenes))
