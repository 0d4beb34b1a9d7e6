"""What is trained: the adapter, in a frozen UNet; its loss on one batch (docs/method.md sections 1, 7 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from deig_core.diffusers_unet.attach import AttachedUNet, attach
from deig_core.model.adapter import DeigAdapter
from deig_core.schedule import TRAIN_STEPS

from .batch import Batch, BatchCall
from .noise import alphas_cumprod, generator
from .optimise import min_snr

Features = Callable[[Sequence[str]], torch.Tensor]
"""Texts -> T5 features [n, L, text_dim], pads included; the text encoder is frozen."""


def _not_in_half(device: torch.device) -> AbstractContextManager:
    """The IDE's squared ReLU overflows float16 above 255; bfloat16 holds it."""
    half = torch.is_autocast_enabled(device.type) and torch.get_autocast_dtype(device.type) == torch.float16
    return torch.autocast(device.type, enabled=False) if half else nullcontext()


class Trainee(nn.Module):
    """forward(batch, features) is the loss. Only the adapter has weights here; the UNet is held without being a part
    of it.
    """

    def __init__(self, unet: UNet2DConditionModel, adapter: DeigAdapter, *, seed: int = 0, gamma: float | None = None):
        super().__init__()
        unet.requires_grad_(False).eval()
        self.adapter = adapter.requires_grad_(True)
        self._unet = (attach(unet, adapter),)
        self._seed, self._gamma = seed, gamma
        self.register_buffer("alphas", alphas_cumprod(), persistent=False)

    @property
    def attached(self) -> AttachedUNet:
        return self._unet[0]

    def forward(self, batch: Batch, features: torch.Tensor) -> torch.Tensor:
        """features [B + N, L, text_dim]: of the captions, then of the descriptions. -> mean loss, a scalar."""
        where = self.alphas.device
        noise, times = self._draw(batch)
        noise, times, clean = noise.to(where), times.to(where), batch.latents.to(where)
        kept = self.alphas[times][:, None, None, None]
        context, call = self.ground(batch, features.to(where), times)
        predicted = self.attached(kept.sqrt() * clean + (1 - kept).sqrt() * noise, times, context, call)
        errors = (predicted.float() - noise).square().mean((1, 2, 3))
        if self._gamma is not None:
            errors = errors * min_snr(kept.flatten(), self._gamma)
        return errors.mean()

    def ground(self, batch: Batch, features: torch.Tensor, times: torch.Tensor) -> tuple[torch.Tensor, BatchCall]:
        """(context [B, T, D], instances) at timesteps int64 [B]: one IDE call for captions and descriptions
        together.
        """
        adapter, rows, slots = self.adapter, batch.rows.to(times.device), batch.slots.to(times.device)
        with _not_in_half(times.device):
            z = adapter.ide(adapter.ide.project_text(features), torch.cat([times, times[rows]]))
        size, width = len(batch.captions), batch.boxes.shape[1]
        spread = z.new_zeros(size, width, *z.shape[1:]).index_put((rows, slots), z[size:])
        tokens = adapter.position_net(spread, batch.boxes.to(times.device), batch.valid.to(times.device))
        return z[:size], BatchCall(batch, tokens, adapter.config.tokens)

    def _draw(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        # From each example's own place in the global batch, so that any split over processes draws the same.
        lots = [generator(self._seed, *key) for key in batch.keys]
        noise = torch.stack([torch.randn(batch.latents.shape[1:], generator=lot) for lot in lots])
        return noise, torch.stack([torch.randint(0, TRAIN_STEPS, (), generator=lot) for lot in lots])
