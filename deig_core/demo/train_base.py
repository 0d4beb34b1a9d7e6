"""The base, text to picture without boxes: IDE of the prompt and UNet; the T5 stays as it is, as Stable Diffusion's text encoder does."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from ..config import DeigConfig
from ..ide import InstanceDetailExtractor
from ..text_encoder import TextEncoder
from ..training.noise import alphas_cumprod, generator
from .loop import device, run_stage
from .text import WIDTH, remembered_features
from .world import draw_scene

UNET = {
    "sample_size": 16, "in_channels": 4, "out_channels": 4, "block_out_channels": (64, 128, 128), "layers_per_block": 1,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3, "up_block_types": ("CrossAttnUpBlock2D",) * 3, "cross_attention_dim": WIDTH,
    "attention_head_dim": 4,  # diffusers' name for the number of heads of SD 1.x
}
SIZES = DeigConfig(text_dim=WIDTH, width=WIDTH, tokens=8, layers=2, heads=4, time_channels=64, time_dim=WIDTH, hidden=4 * WIDTH,
                   position_hidden=128, fuser_heads=4)
EMPTY_PROMPTS = 0.1
GAMMA = 5.0  # of min-SNR weighting


def new_ide() -> InstanceDetailExtractor:
    c = SIZES
    return InstanceDetailExtractor(
        text_dim=c.text_dim, width=c.width, layers=c.layers, heads=c.heads, tokens=c.tokens, time_channels=c.time_channels,
        time_dim=c.time_dim, hidden=c.hidden)


class Base(nn.Module):
    """What is trained of the base."""

    def __init__(self):
        super().__init__()
        self.ide = new_ide()
        self.unet = UNet2DConditionModel(**UNET)

    def forward(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Noise [B, 4, h, w] found in `noisy`, for the prompts' features [B, L, D]; the IDE's tokens are the UNet's cross-attention input."""
        return self.unet(noisy, timesteps, self.ide(self.ide.project_text(text), timesteps)).sample


def train_base(
    latents: torch.Tensor, encoder: TextEncoder, state: Path, *, steps: int, batch: int = 32, peak: float = 1.5e-3, seed: int = 0,
    until: float = math.inf,
) -> tuple[Base, bool]:
    """(base with averaged weights, whether all steps are done). latents: of the scenes of seeds 0, 1, ..."""
    torch.manual_seed(seed)
    where = device()
    base = Base().to(where)
    encoder.model.to(where)
    features = remembered_features(encoder)
    alphas = alphas_cumprod()
    caption = cache(lambda i: draw_scene(i).caption())

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        chosen = torch.randint(0, len(latents), (batch,), generator=lot)
        captions = [spoken(caption(i), lot) for i in chosen.tolist()]
        clean = latents[chosen].float()
        times = torch.randint(0, 1000, (batch,), generator=lot)
        noise = torch.randn(clean.shape, generator=lot)
        kept = alphas[times][:, None, None, None]
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        snr = kept / (1 - kept)
        weight = (snr.clamp(max=GAMMA) / snr).to(where)
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
            predicted = base(noisy.to(where), times.to(where), features(captions).to(where)).float()
        return (weight * (predicted - noise.to(where)).square()).mean()

    done = run_stage("base", base, loss, state, steps=steps, peak=peak, until=until)
    return base.eval(), done


def spoken(caption: str, lot: torch.Generator) -> str:
    """The caption as people may type it: now and then capitalised, now and then missing."""
    chance = float(torch.rand((), generator=lot))
    if chance < EMPTY_PROMPTS:
        return ""
    return caption.capitalize() if chance > 0.9 else caption
