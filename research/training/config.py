"""Every setting of a training run, with the paper's values (docs/method.md section 9)."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields

from deig_core.errors import DeigError


def _setting(default, text: str, **more):
    return field(default=default, metadata={"help": text, **more})


@dataclass(frozen=True)
class TrainConfig:
    """Defaults are the paper's, for SD 1.x at 512 x 512. On the command line each is --its-name."""

    steps: int = _setting(800_000, "optimiser steps in all")
    batch: int = _setting(4, "pictures in one forward pass of one process")
    accumulate: int = _setting(
        4, "forward passes to an optimiser step; batch x accumulate x processes is the effective batch (128 on 8 GPUs)"
    )
    learning_rate: float = _setting(1e-4, "of AdamW, at its peak")
    warm_up: int = _setting(10_000, "optimiser steps from 0 to the peak, linearly")
    decay: float = _setting(
        0.0, "share of all steps over which the rate falls to 0 at the end, on a cosine; 0 is constant"
    )
    weight_decay: float = _setting(0.0, "of AdamW")
    beta2: float = _setting(0.999, "of AdamW; 0.99 follows faster")
    clip: float = _setting(1.0, "largest norm of the gradient")
    gamma: float | None = _setting(
        None, "of min-SNR weighting (5 is usual); none weighs all timesteps alike", type=float
    )
    drop: float = _setting(0.1, "share of examples without instances and caption: the unconditional side of guidance")
    most_instances: int = _setting(30, "of a picture; more are cut, the largest stay")
    mirror: bool = _setting(True, "show half of the pictures in a mirror, where no text says left or right")
    averaging: float = _setting(0.9999, "decay of the averaged weights, which are what is saved as the adapter")
    precision: str = _setting("no", "no, fp16 or bf16: of the forward pass", choices=("no", "fp16", "bf16"))
    checkpointing: bool = _setting(
        False, "recompute the UNet's activations in the backward pass: slower, much less memory"
    )
    seed: int = _setting(
        0,
        "of order, noise, timesteps, dropping and mirroring; they are the same after a resume, and for any split of a "
        "batch",
    )
    save_every: int = _setting(1000, "optimiser steps between two states on disk")
    keep: int = _setting(2, "states that stay on disk")
    sample_every: int = _setting(5000, "optimiser steps between two grids of pictures in TensorBoard; 0 is never")
    workers: int = _setting(0, "processes that read examples")

    def __post_init__(self):
        for name in ("batch", "accumulate", "most_instances", "save_every", "keep"):
            if getattr(self, name) < 1:
                raise DeigError(f"{name} is {getattr(self, name)}, and at least 1 is needed.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for each field of TrainConfig."""
    for f in fields(TrainConfig):
        name, text = "--" + f.name.replace("_", "-"), f"{f.metadata['help']} (default: {f.default})"
        if isinstance(f.default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=f.default, help=text)
        else:
            kind = f.metadata.get("type") or type(f.default)
            parser.add_argument(name, type=kind, default=f.default, choices=f.metadata.get("choices"), help=text)


def from_arguments(options: argparse.Namespace) -> TrainConfig:
    """options: of a parser with `add_arguments`. Raises DeigError for a number that is too small."""
    return TrainConfig(**{f.name: getattr(options, f.name) for f in fields(TrainConfig)})
