"""`python -m research.demo.evaluate`: measured control of the demo's models on unseen layouts, as a table."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo import files
from deig_core.errors import DeigError, WeightsError
from deig_core.model.adapter import DeigAdapter

from . import models, sheet
from .ablations import ABLATIONS
from .generate import BATCH, GUIDANCE, STEPS, Models, generate
from .loop import device
from .render import render
from .report import measured, table
from .scorer import Classifier, Verdict, judge
from .world import Scene, draw_scene

FIRST_SEED = 30_000_000  # nothing is trained on scenes from here on
TRUTH = "rendered truth"
LIMIT = "rendered truth through the autoencoder"
SHOWN = 16  # layouts of the sheet
NEEDED = 0.98  # of the scorer on rendered truth; below, its verdicts do not count


def judged(classifier: Classifier, pictures: np.ndarray, scenes: Sequence[Scene]) -> list[list[Verdict]]:
    """pictures: float32 [n, SIZE, SIZE, 3] in 0..1, judged as a file of 8 bits a channel holds them."""
    kept = np.rint(255 * pictures).astype(np.uint8).astype(np.float32) / 255
    return [judge(classifier, picture, scene) for picture, scene in zip(kept, scenes, strict=True)]


def load(path: Path) -> DeigAdapter:
    """An adapter in float32, to draw with on this machine's `device`. Raises WeightsError for a file that is none."""
    return load_adapter(read_published(path), dtype=torch.float32).to(device()).eval()


def variants(weights: Path, trained: Path | None) -> dict[str, tuple[DeigAdapter, str, dict]]:
    """Rows of the table: name -> (adapter, folder of its text encoder, options of `generate`)."""
    full = load(weights / files.ADAPTER)
    rows = {}
    if (weights / models.BASE_IDE).is_file():
        base = load(weights / files.ADAPTER)
        base.ide.load_state_dict(files.read(models.BASE_IDE, weights))
        rows["base, no boxes"] = (base, models.BASE_TEXT, {"boxes": False, "gates": False})
    else:
        rows["base (DEIG's gates shut)"] = (full, files.TEXT, {"boxes": False, "gates": False})
    rows["DEIG"] = (full, files.TEXT, {})
    for ablation in ABLATIONS:
        # The full method's seed 0 is the row above.
        for seed in range(ablation is None, 8):
            path = (trained or weights) / f"adapter-{ablation or 'full'}-{seed}" / files.ADAPTER
            if path.is_file():
                rows[f"{ABLATIONS[ablation].name}, seed {seed}"] = (
                    load(path),
                    files.TEXT,
                    {"trainee": ABLATIONS[ablation].trainee},
                )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.demo.evaluate", description=__doc__)
    parser.add_argument(
        "--weights", type=Path, default=files.WEIGHTS, help="the demo's weights (default: those of this repository)"
    )
    parser.add_argument("--trained", type=Path, help="a folder of research.demo.train: its ablations become rows")
    parser.add_argument("--layouts", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--only", nargs="+", help="rows whose names start with one of these")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help=f"also draw the first {SHOWN} layouts, to look at")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        _evaluate(options)
    except DeigError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    return 0


def evaluated(
    weights: Path,
    trained: Path | None = None,
    *,
    layouts: int,
    seed: int = 0,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    only: Sequence[str] | None = None,
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """The rows of the table, by name: rendered truth, then the `variants` whose names start with one of `only`.

    Raises WeightsError for a scorer that does not know rendered truth.
    """
    scenes = [draw_scene(FIRST_SEED + i) for i in range(layouts)]
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, weights))
    rows = {TRUTH: measured(judged(classifier, np.stack([render(s) for s in scenes]), scenes))}
    accuracy = rows[TRUTH]["all"][0]
    if accuracy < NEEDED:
        raise WeightsError(
            f"The scorer is right about {accuracy:.3f} of rendered objects and {NEEDED} is needed: train it longer."
        )
    unet, autoencoder = models.unet(weights).to(device()), models.autoencoder(weights).to(device())
    for name, (adapter, encoder, how) in variants(weights, trained).items():
        if only and not name.startswith(tuple(only)):
            continue
        began = time.monotonic()
        assembled = Models(unet, autoencoder, models.text_encoder(weights, encoder))
        pictures = generate(assembled, adapter, scenes, seed=seed, steps=steps, guidance=guidance, **how)
        rows[name] = measured(judged(classifier, pictures, scenes))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return rows


@torch.no_grad()
def limit(weights: Path, scenes: Sequence[Scene]) -> dict[str, tuple[float, float, float]]:
    """The row of a sampler without a fault: rendered truth, encoded and decoded again."""
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, weights))
    autoencoder = models.autoencoder(weights).to(device())
    found = []
    for start in range(0, len(scenes), BATCH):
        truth = np.stack([render(scene) for scene in scenes[start : start + BATCH]])
        latents = autoencoder.encode(torch.from_numpy(truth).permute(0, 3, 1, 2).to(device()))
        found.append(autoencoder.decode(latents).clamp(0, 1).permute(0, 2, 3, 1).cpu())
    return measured(judged(classifier, torch.cat(found).numpy(), scenes))


def _evaluate(options: argparse.Namespace) -> None:
    rows = evaluated(
        options.weights,
        options.trained,
        layouts=options.layouts,
        seed=options.seed,
        steps=options.steps,
        guidance=options.guidance,
        only=options.only,
    )
    scenes = [draw_scene(FIRST_SEED + i) for i in range(options.layouts)]
    if not options.only or LIMIT.startswith(tuple(options.only)):
        rows = {TRUTH: rows.pop(TRUTH), LIMIT: limit(options.weights, scenes), **rows}
    instances = sum(len(scene.things) for scene in scenes)
    print(
        f"\n{options.layouts} unseen layouts, {instances} instances, seed {options.seed}, {options.steps} steps, "
        f"guidance {options.guidance}\n"
    )
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if options.sheet:
        assembled = Models(
            models.unet(options.weights).to(device()),
            models.autoencoder(options.weights).to(device()),
            models.text_encoder(options.weights),
        )
        sheet.write(options.sheet, assembled, load(options.weights / files.ADAPTER), scenes[:SHOWN])
        print(f"\nTo look at: {options.sheet / sheet.LAYOUTS} and {options.sheet / sheet.COMPARED}")


if __name__ == "__main__":
    raise SystemExit(main())
