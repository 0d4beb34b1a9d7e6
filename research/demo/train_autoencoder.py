"""First stage: the autoencoder, on crops of rendered scenes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from ..training.noise import generator
from .autoencoder import DemoAutoencoder
from .loop import device, run_stage
from .render import render
from .world import SIZE, draw_scene

CROP = 64
SCENES, CROPS = 8, 3  # a step
NOISE = 0.1  # on the latents while the decoder learns: a sampler's are never exact
FIRST_SEED = 10_000_000


def crops(step: int, lot: torch.Generator) -> torch.Tensor:
    """float32 [SCENES * CROPS, 3, CROP, CROP]"""
    found = []
    for i in range(SCENES):
        picture = torch.from_numpy(
            np.ascontiguousarray(render(draw_scene(FIRST_SEED + step * SCENES + i)).transpose(2, 0, 1))
        )
        # Cells of the training latents lie on multiples of 8 pixels.
        for x, y in (8 * torch.randint(0, (SIZE - CROP) // 8 + 1, (CROPS, 2), generator=lot)).tolist():
            found.append(picture[:, y : y + CROP, x : x + CROP])
    return torch.stack(found)


def train_autoencoder(
    folder: Path, *, steps: int = 1400, seed: int = 0, until: float = math.inf
) -> tuple[DemoAutoencoder, bool]:
    """(autoencoder with averaged weights, whether all steps are done)."""
    torch.manual_seed(seed)
    where = device()
    model = DemoAutoencoder().to(where, memory_format=torch.channels_last)

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        pictures = crops(step, lot).to(where, memory_format=torch.channels_last)
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
            latents = model.encode(pictures).float()
            noisy = latents + NOISE * torch.randn(latents.shape, generator=lot).to(where)
            decoded = model.decode(noisy).float()
        mean, variance = latents.mean((0, 2, 3)), latents.var((0, 2, 3))
        spread = mean.square().sum() + (variance - 1).square().sum()
        error = decoded - pictures
        return error.abs().mean() + 4 * error.square().mean() + 0.02 * spread

    done = run_stage("autoencoder", model, loss, folder, steps=steps, peak=1.5e-3, until=until, averaging=0.998)
    return model.eval(), done
