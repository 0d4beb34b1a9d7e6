"""SD 1.x's noise schedule, and random numbers that a resumed or divided run draws again."""

from __future__ import annotations

import torch

from deig_core.schedule import BETAS, TRAIN_STEPS


def alphas_cumprod() -> torch.Tensor:
    """float32 [1000]: SD 1.x's schedule (docs/method.md section 7)."""
    first, last = (beta**0.5 for beta in BETAS)
    return torch.cumprod(1 - torch.linspace(first, last, TRAIN_STEPS, dtype=torch.float64) ** 2, 0).float()


def generator(*seed: int) -> torch.Generator:
    """A generator that depends on these numbers alone: a resumed step draws what it would have drawn."""
    mixed = 0
    for number in seed:
        mixed = (mixed * 0x9E3779B97F4A7C15 + number + 1) % 2**63
    return torch.Generator().manual_seed(mixed)
