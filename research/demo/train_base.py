"""The base, text to picture without boxes: T5, IDE of the prompt, UNet.

Its UNet also learns to say where each of its cells is. A real Stable Diffusion finds that out from the zeros around its
pictures, over years of GPU time; a base that sees few pictures does not, and then no adapter can place what repeats
from cell to cell (docs/demo.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from deig_core.demo.files import HEADS
from deig_core.model.config import DeigConfig
from deig_core.model.ide import InstanceDetailExtractor
from deig_core.text.encoder import MAX_TOKENS

from ..training.noise import alphas_cumprod, generator
from ..training.optimise import min_snr
from .loop import device, run_stage
from .text import WIDTH, new_t5
from .world import Scene

UNET = {
    "sample_size": 16,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (64, 128, 128),
    "layers_per_block": 1,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3,
    "up_block_types": ("CrossAttnUpBlock2D",) * 3,
    "cross_attention_dim": WIDTH,
    "attention_head_dim": HEADS,  # diffusers' name for the number of heads of SD 1.x
}
SIZES = DeigConfig(
    text_dim=WIDTH,
    width=WIDTH,
    tokens=8,
    layers=2,
    heads=4,
    time_channels=64,
    time_dim=WIDTH,
    hidden=4 * WIDTH,
    position_hidden=128,
    fuser_heads=4,
)
EMPTY_PROMPTS = 0.1
GAMMA = 5.0  # of min-SNR weighting
PLACES = 0.1  # weight of telling places


def new_ide() -> InstanceDetailExtractor:
    """An untrained one of SIZES."""
    c = SIZES
    return InstanceDetailExtractor(
        text_dim=c.text_dim,
        width=c.width,
        layers=c.layers,
        heads=c.heads,
        tokens=c.tokens,
        time_channels=c.time_channels,
        time_dim=c.time_dim,
        hidden=c.hidden,
    )


class Places(nn.Module):
    """Linear heads that tell a cell's row, column, and whether these are odd, at the finest attention blocks on the
    way up; thrown away afterwards.
    """

    def __init__(self, unet: UNet2DConditionModel):
        super().__init__()
        blocks = [attention.transformer_blocks[0] for attention in unet.up_blocks[-1].attentions]
        self.heads = nn.ModuleList(nn.Linear(block.norm1.normalized_shape[0], 4) for block in blocks)
        self._seen: dict[torch.nn.Module, torch.Tensor] = {}
        for block in blocks:
            block.norm1.register_forward_hook(lambda norm, _inputs, seen: self._seen.update({norm: seen}))

    def loss(self) -> torch.Tensor:
        """Mean squared error over the UNet's last call; every target has a mean square of 1."""
        told = [head(seen.float()) for head, seen in zip(self.heads, self._seen.values(), strict=True)]
        self._seen.clear()
        side = math.isqrt(told[0].shape[1])
        line = torch.arange(side, device=told[0].device, dtype=torch.float32)
        along, odd = (line - line.mean()) / line.std(correction=0), 2 * (line % 2) - 1
        row, column = torch.meshgrid(line.long(), line.long(), indexing="ij")
        right = torch.stack([along[row], along[column], odd[row], odd[column]], dim=-1).flatten(0, 1)
        return sum((t - right).square().mean() for t in told) / len(told)


class Base(nn.Module):
    """What is trained of the base; `context` is the UNet's cross-attention input."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.t5 = new_t5(vocabulary)
        self.ide = new_ide()
        self.unet = UNet2DConditionModel(**UNET)
        self.places = Places(self.unet)

    def context(self, ids: torch.Tensor, mask: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Tokens [B, T, D] of prompts given as int64 [B, L]."""
        text = self.t5(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.ide(self.ide.project_text(text), timesteps)


def train_base(
    scenes: Sequence[Scene],
    latents: torch.Tensor,
    tokenizer,
    folder: Path,
    *,
    steps: int,
    batch: int = 32,
    peak: float = 1.5e-3,
    seed: int = 0,
    start: Base | None = None,
    ide_only: bool = False,
    until: float = math.inf,
) -> tuple[Base, bool]:
    """(base with averaged weights, whether all steps are done). latents: float16 [n, 4, h, w] of the n scenes. start: a
    base to go on from;
    ide_only: train nothing but its IDE.
    """
    torch.manual_seed(seed)
    where = device()
    base = (start or Base(len(tokenizer))).to(where)
    if ide_only:
        base.requires_grad_(False).ide.requires_grad_(True)
    alphas = alphas_cumprod()
    ids = cache(
        lambda text: tokenizer(
            text, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
        ).input_ids[0]
    )

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        chosen = torch.randint(0, len(latents), (batch,), generator=lot)
        tokens = torch.stack([ids(spoken(scenes[i].caption(), lot)) for i in chosen.tolist()]).to(where)
        clean = latents[chosen].float()
        times = torch.randint(0, 1000, (batch,), generator=lot)
        noise = torch.randn(clean.shape, generator=lot)
        kept = alphas[times][:, None, None, None]
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        weight = min_snr(kept, GAMMA).to(where)
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
            times = times.to(where)
            context = base.context(tokens, (tokens != tokenizer.pad_token_id).long(), times)
            predicted = base.unet(noisy.to(where), times, context).sample.float()
        denoising = (weight * (predicted - noise.to(where)).square()).mean()
        # The heads that told places are gone from a base that is trained no more.
        return denoising if ide_only else denoising + PLACES * base.places.loss()

    done = run_stage("base", base, loss, folder, steps=steps, peak=peak, until=until)
    return base.eval(), done


def spoken(caption: str, lot: torch.Generator) -> str:
    """The caption as people may type it: now and then capitalised, now and then missing."""
    chance = float(torch.rand((), generator=lot))
    if chance < EMPTY_PROMPTS:
        return ""
    return caption.capitalize() if chance > 0.9 else caption
