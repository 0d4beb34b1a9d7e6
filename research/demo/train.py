"""`python -m research.demo.train FOLDER`: the demo's weights from nothing, in FOLDER/weights. Stop it whenever you
like; it goes on where it was.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from deig_core.checkpoint.read import read_tensors
from deig_core.checkpoint.write import save_adapter
from deig_core.demo import files
from deig_core.diffusers_unet.names import original_state_dict
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
from .train_together import TOGETHER_STEPS, train_together
from .world import Scene

GOING_ON = ("latents", "base", "adapter")  # stages of a run with --start, if none are named
log = logging.getLogger("deig.demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, also where the time was over before the end; 1 for what cannot be done, in a sentence on
    stderr.
    """
    parser = argparse.ArgumentParser(prog="python -m research.demo.train", description=__doc__)
    parser.add_argument("folder", type=Path, help="where states and weights go")
    parser.add_argument(
        "--stages", nargs="+", choices=[*STAGES], help=f"default: all; with --start {', '.join(GOING_ON)}"
    )
    parser.add_argument("--scenes", type=int, default=12_000, help="training scenes that are rendered and encoded")
    parser.add_argument("--autoencoder-steps", type=int, default=1400)
    parser.add_argument("--scorer-steps", type=int, default=2500)
    parser.add_argument("--base-steps", type=int, default=2000)
    parser.add_argument("--text-steps", type=int, default=1500)
    parser.add_argument("--adapter-steps", type=int, default=DEMO.steps)
    parser.add_argument("--together-steps", type=int, default=TOGETHER_STEPS)
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
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the stages adapter (others than 0 are for the table) and together (another one, to go on again)",
    )
    parser.add_argument("--batch", type=int, default=DEMO.batch)
    parser.add_argument("--minutes", type=float, default=math.inf, help="save and stop after this time")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of the CPU; fewer where other work runs beside it"
    )
    options = parser.parse_args(arguments)
    options.stages = options.stages or list(GOING_ON if options.start else STAGES)
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


@dataclass(frozen=True)
class _Run:
    """What the stages of one command share. until: time.monotonic() at which a stage saves and stops."""

    options: argparse.Namespace
    until: float

    @property
    def folder(self) -> Path:
        return self.options.folder

    @property
    def weights(self) -> Path:
        return self.folder / "weights"

    @cached_property
    def drawn(self) -> tuple[list[Scene], torch.Tensor]:
        """Training scenes and their latents, by the autoencoder that is there when they are first asked for."""
        return training_scenes(self.weights, self.folder / "latents", self.options.scenes, self.options.threads)

    def states(self, stage: str) -> Path:
        return self.folder / "states" / stage


def _autoencoder(run: _Run) -> bool:
    steps = run.options.autoencoder_steps
    model, done = train_autoencoder(run.states("autoencoder"), steps=steps, until=run.until)
    models.write(run.weights, files.VAE, model.state_dict(), {"stage": "autoencoder", "steps": steps})
    return done


def _scorer(run: _Run) -> bool:
    steps = run.options.scorer_steps
    model, done = train_scorer(run.states("scorer"), steps=steps, until=run.until)
    models.write(run.weights, files.SCORER, model.state_dict(), {"stage": "scorer", "steps": steps})
    return done


def _latents(run: _Run) -> bool:
    return bool(run.drawn)


def _base(run: _Run) -> bool:
    options = run.options
    base, done = train_base(
        *run.drawn,
        write_tokenizer(run.weights / models.BASE_TEXT),
        run.states("base"),
        steps=options.base_steps,
        batch=options.batch,
        start=options.start and models.base(options.start),
        ide_only=options.ide_only,
        until=run.until,
    )
    models.write_base(run.weights, base, {"stage": "base", "steps": options.base_steps, "batch": options.batch})
    return done


def _text(run: _Run) -> bool:
    encoder, steps = models.text_encoder(run.weights, models.BASE_TEXT), run.options.text_steps
    reader, done = train_text(encoder, run.drawn[0], run.states("text"), steps=steps, until=run.until)
    models.write_text(run.weights, files.TEXT, reader.t5, {"stage": "text", "steps": steps})
    return done


def _adapter(run: _Run) -> bool:
    options = run.options
    folder = run.folder / f"adapter-{options.ablation or 'full'}-{options.seed}"
    _, done = train_adapter(
        run.weights,
        *run.drawn,
        folder,
        steps=options.adapter_steps,
        batch=options.batch,
        seed=options.seed,
        ablation=options.ablation,
        start=options.start and options.start / files.ADAPTER,
        until=run.until,
    )
    made = folder / files.ADAPTER
    if _ships(options) and made.is_file():
        shutil.copyfile(made, run.weights / files.ADAPTER)
    return done


def _ships(options: argparse.Namespace) -> bool:
    """Whether the adapter that these options train is the one in FOLDER/weights, and not a row of the table."""
    return options.ablation is None and options.seed == 0


def _together(run: _Run) -> bool:
    options = run.options
    steps, batch = options.together_steps, options.batch
    unet, adapter, done = train_together(
        run.weights, *run.drawn, run.states("together"), steps=steps, batch=batch, seed=options.seed, until=run.until
    )
    told = {"stage": "together", "steps": steps, "batch": batch, "seed": options.seed}
    models.write(run.weights, files.UNET, original_state_dict(unet), told)
    adapter_file = run.weights / files.ADAPTER
    save_adapter(adapter_file, adapter, adapter.config, dtype=torch.float16, provenance=json.dumps(told))
    return done


def _decoder(run: _Run) -> bool:
    steps, count = run.options.decoder_steps, run.options.sampled
    model, done = train_decoder(
        run.weights, *run.drawn, run.states("decoder"), steps=steps, count=count, until=run.until
    )
    told = {"stage": "decoder", "steps": steps, "sampled": count}
    models.write(run.weights, files.VAE, model.state_dict(), told)
    return done


STAGES = {
    "autoencoder": _autoencoder,
    "scorer": _scorer,
    "latents": _latents,
    "base": _base,
    "text": _text,
    "adapter": _adapter,
    "together": _together,
    "decoder": _decoder,
}
"""In their order. A stage trains, writes what it has to FOLDER/weights, and says whether it is done."""
GONE_ON_WITH = {
    "autoencoder": ("decoder", files.VAE),
    "base": ("together", files.UNET),
    "adapter": ("together", files.ADAPTER),
}
"""Of a stage the later one that goes on with its file in FOLDER/weights, and that file."""


def _train(options: argparse.Namespace) -> bool:
    """Whether all stages are done. A stage that is not ends the run: the next would learn from a half-trained model."""
    run = _Run(options, time.monotonic() + 60 * options.minutes)
    run.folder.mkdir(parents=True, exist_ok=True)
    _keep_what_went_on(run)
    if options.start:
        base, adapter = "base" not in options.stages, "adapter" not in options.stages
        _copy_frozen(options.start, run.weights, base=base, adapter=adapter)
    return all(stage(run) for name, stage in STAGES.items() if name in options.stages)


def _keep_what_went_on(run: _Run) -> None:
    """Raises DeigError where a stage would put its own, earlier work in the place of what a later stage made of it."""
    options = run.options
    for stage, (later, name) in GONE_ON_WITH.items():
        made = run.weights / name
        if stage not in options.stages or later in options.stages or not made.is_file():
            continue
        if stage == "adapter" and not _ships(options):
            continue
        theirs = options.start and options.start / name
        if theirs and theirs.is_file() and filecmp.cmp(theirs, made, shallow=False):
            continue
        if json.loads(read_tensors(made)[1].get("provenance") or "{}").get("stage") == later:
            raise DeigError(
                f"{made} is what the stage {later} made of it, and the stage {stage} would put its own earlier work in "
                f"its place: add {later} to --stages, or choose a new FOLDER."
            )


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
