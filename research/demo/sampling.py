"""The graph's sampler without the graph: ComfyUI's `euler` over `ddim_uniform`, which visits DDIM's timesteps
(docs/method.md section 7).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from deig_core.schedule import TRAIN_STEPS

from ..training.noise import alphas_cumprod

Predict = Callable[[torch.Tensor, int], torch.Tensor]
"""(noisy latents of unit variance [B, 4, h, w], timestep) -> predicted noise of the same shape, guidance included."""


def timesteps(steps: int) -> list[int]:
    """Descending, e.g. 976, 951, ..., 26, 1 for 40 steps."""
    return list(range(1, TRAIN_STEPS, max(TRAIN_STEPS // steps, 1)))[::-1]


@torch.no_grad()
def sample(predict: Predict, noise: torch.Tensor, steps: int) -> torch.Tensor:
    """Latents from unit noise [B, 4, h, w], as the host's KSampler makes them from an empty latent."""
    kept = alphas_cumprod()
    visited = timesteps(steps)
    sigmas = [float(((1 - kept[t]) / kept[t]).sqrt()) for t in visited] + [0.0]
    x = noise * sigmas[0]
    for t, sigma, following in zip(visited, sigmas, sigmas[1:], strict=False):
        x = x + (following - sigma) * predict(x / (sigma**2 + 1) ** 0.5, t)
    return x
