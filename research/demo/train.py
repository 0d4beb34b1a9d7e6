"""`python -m research.demo.train FOLDER`: the demo's weights from nothing, in FOLDER/weights. Stop it whenever you
like; it goes on where it was.
"""

from __future__ import annotations

import argparse
import filecmp
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from deig_core.demo import files
from deig_core.errors import DeigError

from . import models
from .ablations import ABLATIONS
from .latents import training_scenes
from .text import write_tokenizer
from .train_adapter import DEMO, train_adapter
from .train_autoencoder import train_autoencoder
from .train_base import train_base
from .train_decoder import DECODER_STEPS, SAMPLED_SCENES, train_decoder
from .train_scorer import train_scorer
from .train_text import train_text

STAGES = ("autoencoder", "scorer", "latents", "base", "text", "adapter", "decoder")
GOING_ON = ("latents", "base", "adapter")  # stages of a run with --start, if none are named
log = logging.getLogger("deig.demo")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.demo.train", description=__doc__)
    parser.add_argument("folder", type=Path, help="where states and weights go")
    parser.add_argument("--stages", nargs="+", choices=STAGES, help=f"default: all; with --start {', '.join(GOING_ON)}")
    parser.add_argument("--scenes", type=int, default=12_000, help="training scenes that are rendered and encoded")
    parser.add_argument("--autoencoder-steps", type=int, default=1400)
    parser.add_argument("--scorer-steps", type=int, default=2500)
    parser.add_argument("--base-steps", type=int, default=2000)
    parser.add_argument("--text-steps", type=int, default=1500)
    parser.add_argument("--adapter-steps", type=int, default=DEMO.steps)
    parser.add_argument("--decoder-steps", type=int, default=DECODER_STEPS)
    parser.add_argument(
        "--sampled", type=int, default=SAMPLED_SCENES, help="layouts that are sampled for the decoder to learn from"
    )
    parser.add_argument(
        "--ablation", choices=[a for a in ABLATIONS if a], help="train the adapter without this part, for the table"
    )
    parser.add_argument(
        "--start",
        type=Path,
        metavar="WEIGHTS",
        help="go on from the base and the adapter in this folder; its other files stay as they are",
    )
    parser.add_argument(
        "--ide-only",
        action="store_true",
        help="with --start and the stage base: train only the base's own IDE, with which new adapters begin and which "
        "the shipped weights leave out",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the adapter stage; others than 0 are for the table")
    parser.add_argument("--batch", type=int, default=DEMO.batch)
    parser.add_argument("--minutes", type=float, default=math.inf, help="save and stop after this time")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of the CPU; fewer where other work runs beside it"
    )
    options = parser.parse_args(arguments)
    options.stages = options.stages or (GOING_ON if options.start else STAGES)
    if options.start and not options.start.is_dir():
        parser.error(f"--start is a folder of weights, and {options.start} is none")
    if options.ide_only and not (options.start and options.stages == ["base"]):
        parser.error("--ide-only goes with --start and --stages base")
    if options.ablation and options.start and "adapter" in options.stages:
        parser.error("--ablation trains a new adapter: leave out --start, which goes on from one")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    try:
        if not _train(options):
            log.info("Stopped before the end: the same command goes on.")
    except (DeigError, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    return 0


def _train(options: argparse.Namespace) -> bool:
    """Whether all stages are done. A stage that is not ends the run: the next would learn from a half-trained model."""
    until = time.monotonic() + 60 * options.minutes
    stages, folder, weights = options.stages, options.folder, options.folder / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    if options.start:
        _copy_frozen(options.start, weights, base="base" not in stages, adapter="adapter" not in stages)
    if "autoencoder" in stages:
        model, done = train_autoencoder(folder / "states" / "autoencoder", steps=options.autoencoder_steps, until=until)
        files.write(
            weights, files.VAE, model.state_dict(), {"stage": "autoencoder", "steps": options.autoencoder_steps}
        )
        if not done:
            return False
    if "scorer" in stages:
        model, done = train_scorer(folder / "states" / "scorer", steps=options.scorer_steps, until=until)
        files.write(weights, files.SCORER, model.state_dict(), {"stage": "scorer", "steps": options.scorer_steps})
        if not done:
            return False
    if set(stages) - {"autoencoder", "scorer"}:
        scenes, latents = training_scenes(weights, folder / "latents", options.scenes, options.threads)
    if "base" in stages:
        tokenizer = write_tokenizer(weights / files.BASE_TEXT)
        base, done = train_base(
            scenes,
            latents,
            tokenizer,
            folder / "states" / "base",
            steps=options.base_steps,
            batch=options.batch,
            start=options.start and models.base(options.start),
            ide_only=options.ide_only,
            until=until,
        )
        models.write_base(weights, base, {"stage": "base", "steps": options.base_steps, "batch": options.batch})
        if not done:
            return False
    if "text" in stages:
        reader, done = train_text(
            models.text_encoder(weights, files.BASE_TEXT),
            scenes,
            folder / "states" / "text",
            steps=options.text_steps,
            until=until,
        )
        models.write_text(weights, files.TEXT, reader.t5, {"stage": "text", "steps": options.text_steps})
        if not done:
            return False
    if "adapter" in stages:
        name = f"adapter-{options.ablation or 'full'}-{options.seed}"
        _, done = train_adapter(
            weights,
            scenes,
            latents,
            folder / name,
            steps=options.adapter_steps,
            batch=options.batch,
            seed=options.seed,
            ablation=options.ablation,
            start=options.start and options.start / files.ADAPTER,
            until=until,
        )
        made = folder / name / files.ADAPTER
        if options.ablation is None and options.seed == 0 and made.is_file():
            shutil.copyfile(made, weights / files.ADAPTER)
        if not done:
            return False
    if "decoder" in stages:
        model, done = train_decoder(
            weights,
            scenes,
            latents,
            folder / "states" / "decoder",
            steps=options.decoder_steps,
            count=options.sampled,
            until=until,
        )
        told = {"stage": "decoder", "steps": options.decoder_steps, "sampled": options.sampled}
        files.write(weights, files.VAE, model.state_dict(), told)
        return done
    return True


def _copy_frozen(start: Path, weights: Path, *, base: bool, adapter: bool) -> None:
    """What a run that goes on does not train, where it is not there yet. Raises DeigError where another model's
    files are.
    """
    text = [f"{files.TEXT}/{file.name}" for file in (start / files.TEXT).iterdir()]
    earlier = [*([files.UNET] if base else []), *([files.ADAPTER] if adapter else [])]
    for name in (files.VAE, files.SCORER, *earlier, *text):
        target = weights / name
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(target.name + ".partial")
            shutil.copyfile(start / name, aside)
            aside.replace(target)
        # What an earlier command trained from `start` may be there: a base, an adapter, a decoder.
        elif name not in earlier and not (
            filecmp.cmp(start / name, target, shallow=False) or (name == files.VAE and _encode_alike(start, weights))
        ):
            raise DeigError(f"{weights} has another {name} than {start}: choose a new FOLDER to go on from there.")


def _encode_alike(*folders: Path) -> bool:
    """Whether the autoencoders there have the same encoder."""
    a, b = (
        {name: tensor for name, tensor in files.read(files.VAE, folder).items() if name.startswith("taesd_encoder.")}
        for folder in folders
    )
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


if __name__ == "__main__":
    raise SystemExit(main())
