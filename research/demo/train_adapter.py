"""The adapter, with the project's own trainer, in the frozen base; then both go on (`train_together`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo import files
from deig_core.diffusers_unet.attach import transformer_blocks
from deig_core.errors import DeigError
from deig_core.model.adapter import DeigAdapter

from ..training.batch import Example
from ..training.config import TrainConfig
from ..training.noise import generator
from ..training.train import train
from . import models
from .ablations import ABLATIONS
from .loop import device
from .text import remembered_features
from .train_base import SIZES
from .world import Scene

DEMO = TrainConfig(
    steps=8000,
    batch=32,
    accumulate=1,
    learning_rate=1.5e-3,
    warm_up=100,
    decay=0.3,
    weight_decay=0.01,
    beta2=0.99,
    gamma=5.0,
    drop=0.1,
    most_instances=5,
    mirror=False,
    averaging=0.999,
    save_every=250,
    sample_every=0,
)
"""What the tiny world needs instead of the paper's settings. No mirror: its patterns are fixed to the picture's left
edge.
"""
GPU_WORKERS = 4  # a GPU takes a batch faster than one process makes it; a CPU has no time to give away


class DemoScenes:
    """Scenes as training examples. latents: float16 [count, 4, h, w]. coarse: no text tells details, the caption
    neither.
    """

    def __init__(self, scenes: Sequence[Scene], latents: torch.Tensor, *, coarse: bool = False):
        self._scenes, self._latents, self._coarse = scenes, latents, coarse

    def __len__(self) -> int:
        return len(self._latents)

    def __getitem__(self, i: int) -> Example:
        scene = self._scenes[i]
        descriptions = tuple(p.thing.coarse() if self._coarse else p.thing.describe() for p in scene.things)
        return Example(
            self._latents[i], ", ".join(descriptions), descriptions, tuple(map(tuple, scene.boxes().tolist()))
        )


def train_adapter(
    weights: Path,
    scenes: Sequence[Scene],
    latents: torch.Tensor,
    folder: Path,
    *,
    steps: int = DEMO.steps,
    batch: int = DEMO.batch,
    seed: int = 0,
    ablation: str | None = None,
    start: Path | None = None,
    tokens: int | None = None,
    until: float = math.inf,
) -> tuple[DeigAdapter, bool]:
    """(adapter with averaged weights, whether all steps are done). start: an adapter to go on from; else its IDE
    starts as the base's. tokens: T of a new adapter, whose queries are new then; all else starts alike for every T.
    """
    torch.manual_seed(seed)
    unet, encoder = models.unet(weights), models.text_encoder(weights)
    if start is None:
        fusers = tuple((address, block.norm1.normalized_shape[0]) for address, block in transformer_blocks(unet))
        adapter = DeigAdapter(replace(SIZES, fusers=fusers))
        if not (weights / models.BASE_IDE).is_file():
            raise DeigError(
                f"{weights} has no {models.BASE_IDE}, with which a new adapter begins: train it with --start WEIGHTS "
                f"--stages base --ide-only."
            )
        adapter.ide.load_state_dict(files.read(models.BASE_IDE, weights))
        if tokens is not None:
            adapter = with_new_queries(adapter, tokens, seed)
    else:
        adapter = load_adapter(read_published(start), dtype=torch.float32)
    encoder.model.to(device())
    gpu = device().type == "cuda"
    config = replace(
        DEMO, steps=steps, batch=batch, seed=seed, precision="bf16" if gpu else "no", workers=GPU_WORKERS if gpu else 0
    )
    chosen = ABLATIONS[ablation]
    done = train(
        config,
        DemoScenes(scenes, latents, coarse=chosen.coarse),
        remembered_features(encoder),
        unet,
        adapter,
        folder,
        trainee=chosen.trainee,
        until=until,
    )
    return adapter.eval(), done


def with_new_queries(adapter: DeigAdapter, tokens: int, seed: int) -> DeigAdapter:
    """`adapter` with T = tokens: new queries for its IDE, spread as its own are; all its other weights."""
    spread = adapter.ide.connector.latents.detach().std()
    queries = spread * torch.randn(tokens, adapter.config.width, generator=generator(seed))
    other = DeigAdapter(replace(adapter.config, tokens=tokens))
    other.load_state_dict({**adapter.state_dict(), "ide.connector.latents": queries})
    return other
