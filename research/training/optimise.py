"""The learning rate's course, the weight of a timestep, and the check that every weight learns."""

from __future__ import annotations

import math

import torch
from torch import nn

from deig_core.errors import DeigError

EARLY = 50  # steps after which every weight must have had a gradient


def rate(step: int, *, steps: int, warm_up: int, decay: float) -> float:
    """Share of the peak learning rate: a linear warm-up, a plateau, and a cosine down to 0 over the last `decay` of
    all steps.
    """
    left = (steps - step) / max(1e-9, decay * steps)
    return min(1.0, (step + 1) / max(1, warm_up)) * (1.0 if left >= 1 else 0.5 - 0.5 * math.cos(math.pi * left))


def min_snr(kept: torch.Tensor, gamma: float) -> torch.Tensor:
    """Weight of a loss on noise at alphas_cumprod `kept`, of any shape: min(SNR, gamma) / SNR."""
    snr = kept / (1 - kept)
    return snr.clamp(max=gamma) / snr


def check_moved(module: nn.Module, optimiser: torch.optim.Optimizer, never: tuple[str, ...] = ()) -> None:
    """Raises DeigError for trainable weights that have had no gradient, but for names that end in one of `never`."""
    # By the optimiser's mean gradient: early in a slow warm-up a step is smaller than a float32 near 1 can show.
    moved = {p for p, moments in optimiser.state.items() if moments["exp_avg"].any()}
    still = [n for n, p in module.named_parameters() if p.requires_grad and p not in moved and not n.endswith(never)]
    if still:
        raise DeigError(
            f"After {EARLY} steps these weights have not moved: {', '.join(still[:8])}; is something between them and "
            f"the loss frozen?"
        )
