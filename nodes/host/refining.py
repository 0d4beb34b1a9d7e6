"""A part of a picture through the host's sampler."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar

FIRST = "euler", "ddim_uniform"  # what is closest to the authors' sampler (docs/method.md section 7)


def _from(names: Iterable[str], first: str) -> list[str]:
    return sorted(names, key=lambda name: name != first)


SAMPLERS = _from(comfy.samplers.KSampler.SAMPLERS, FIRST[0])
SCHEDULERS = _from(comfy.samplers.KSampler.SCHEDULERS, FIRST[1])


@dataclass(frozen=True)
class Sampling:
    """What KSampler has for settings."""

    seed: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    denoise: float


def progress(steps: int) -> Callable[..., None]:
    """A bar at the running node for that many steps of samplers, as their callback."""
    bar = ProgressBar(steps)
    return lambda *_: bar.update(1)


def redraw(
    model: ModelPatcher,
    vae: Any,
    picture: torch.Tensor,
    positive: list,
    negative: list,
    mask: torch.Tensor,
    sampling: Sampling,
    callback: Callable[..., None],
) -> torch.Tensor:
    """A picture [1, h, w, 3], its sides multiples of 8, denoised again where `mask` float [h, w] is 1."""
    latent = vae.encode(picture)
    return vae.decode(
        comfy.sample.sample(
            model,
            comfy.sample.prepare_noise(latent, sampling.seed),
            sampling.steps,
            sampling.cfg,
            sampling.sampler,
            sampling.scheduler,
            positive,
            negative,
            latent,
            denoise=sampling.denoise,
            noise_mask=mask[None, None],
            callback=callback,
            disable_pbar=True,
            seed=sampling.seed,
        )
    )
