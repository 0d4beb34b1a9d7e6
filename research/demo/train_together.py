"""Base and adapter go on together, on what is hard: scenes that say much, and cells that show things.

Until here each layer of the base has only learned to draw what a caption leaves open; where a thing is, and what it is
to the last detail, only the fusers could tell it. Here its convolutions learn to draw what the fusers say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from einops import rearrange
from torch import nn

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo import files
from deig_core.limits import PIXELS_PER_LATENT
from deig_core.model.adapter import DeigAdapter

from ..training.batch import collate
from ..training.noise import generator
from ..training.optimise import min_snr
from ..training.train import NEVER_MOVE
from ..training.trainee import Trainee
from . import models
from .loop import device, run_stage
from .text import remembered_features
from .train_adapter import DEMO, DemoScenes
from .world import SIZE, Scene, in_boxes

TOGETHER_STEPS = 1300
PEAK = 1e-3
ALONE = 2  # examples of a step that the base also draws without the fusers, so that it stays a base
MARGIN, WEIGHT = 2, 3.0  # cells that a box touches, or so many pixels around it, count so much


class _Together(nn.Module):
    """What learns."""

    def __init__(self, unet: UNet2DConditionModel, adapter: DeigAdapter):
        super().__init__()
        self.unet, self.adapter = unet.requires_grad_(True), adapter
        for name, weight in adapter.named_parameters():
            weight.requires_grad_(not name.endswith(NEVER_MOVE))


def counts(scene: Scene) -> torch.Tensor:
    """float32 [h, w]: how much each cell of a latent counts in the loss."""
    cells = SIZE // PIXELS_PER_LATENT
    shown = rearrange(in_boxes(scene, MARGIN), "(h y) (w x) -> h w (y x)", h=cells, w=cells).any(-1)
    return torch.from_numpy(np.where(shown, WEIGHT, 1).astype(np.float32))


def train_together(
    weights: Path,
    scenes: Sequence[Scene],
    latents: torch.Tensor,
    folder: Path,
    *,
    steps: int = TOGETHER_STEPS,
    batch: int = DEMO.batch,
    seed: int = 0,
    until: float = math.inf,
) -> tuple[UNet2DConditionModel, DeigAdapter, bool]:
    """(base's UNet and adapter with averaged weights, whether all steps are done), going on from those in `weights`.

    latents: float16 [n, 4, h, w] of the n scenes. A scene is drawn as often as its things have attributes.
    """
    where = device()
    unet, encoder = models.unet(weights).to(where), models.text_encoder(weights)
    encoder.model.to(where)
    adapter = load_adapter(read_published(weights / files.ADAPTER), dtype=torch.float32).to(where)
    trainee = Trainee(unet, adapter).to(where)
    both = _Together(unet, adapter)
    examples, features = DemoScenes(scenes, latents), remembered_features(encoder)
    often = torch.tensor([sum(placed.thing.attributes for placed in scene.things) for scene in scenes]).float()

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        chosen = torch.multinomial(often, batch, replacement=True, generator=lot).tolist()
        dropped = torch.rand(batch, generator=lot) < DEMO.drop
        shown = [examples[i].without_text() if drop else examples[i] for i, drop in zip(chosen, dropped, strict=True)]
        told = collate(shown)
        times = torch.randint(0, 1000, (batch,), generator=lot)
        noise = torch.randn(told.latents.shape, generator=lot)
        kept = trainee.alphas.cpu()[times][:, None, None, None]
        noisy = (kept.sqrt() * told.latents + (1 - kept).sqrt() * noise).to(where)
        cells = torch.stack([counts(scenes[i]) for i in chosen])[:, None]
        weight, noise, times = (min_snr(kept, DEMO.gamma) * cells).to(where), noise.to(where), times.to(where)
        texts = features(told.texts).to(where)
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
            context, call = trainee.ground(told, texts, times)
            drawn = trainee.attached(noisy, times, context, call).float()
            alone = trainee.attached(noisy[:ALONE], times[:ALONE], context[:ALONE], None).float()
        errors = weight * (drawn - noise).square(), weight[:ALONE] * (alone - noise[:ALONE]).square()
        return sum(error.sum() for error in errors) / sum(error.numel() for error in errors) / cells.mean()

    done = run_stage(
        "together", both, loss, folder, steps=steps, peak=PEAK, decay=0.6, averaging=0.998, save_every=100, until=until
    )
    return unet.eval().requires_grad_(False), adapter.eval().requires_grad_(False), done
