"""A Stable Diffusion 1.x UNet in plain torch, to measure whole steps without a host. Names are those of
`deig_core.checkpoint.base_unet`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deig_core.model.adapter import Address
from deig_core.model.fuser import FeedForward, plain_attention
from deig_core.model.ide import timestep_embedding

Fuse = Callable[[Address, Tensor, tuple[int, int]], Tensor]
"""(address of a block, x [B, HW, C], the level's grid (h, w)) -> x after the block's fuser."""


class CrossAttention(nn.Module):
    """x [B, N, D] attends to context [B, L, E]; self-attention where no context is given."""

    def __init__(self, width: int, context: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        source = x if context is None else context
        return self.to_out(plain_attention(self.to_q(x), self.to_k(source), self.to_v(source), self.heads))


class TransformerBlock(nn.Module):
    """Cells x [B, HW, C] through self-attention, the fuser where there is one, cross-attention to context [B, L, D] and
    the feed-forward (docs/method.md section 1). address: what `fuse` knows the block by.
    """

    def __init__(self, address: Address, width: int, context: int, heads: int):
        super().__init__()
        self.address = address
        self.attn1 = CrossAttention(width, width, heads)
        self.attn2 = CrossAttention(width, context, heads)
        self.ff = FeedForward(width, operations=nn)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor, context: Tensor, fuse: Fuse | None, grid: tuple[int, int]) -> Tensor:
        x = x + self.attn1(self.norm1(x))
        if fuse is not None:
            x = fuse(self.address, x, grid)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """Adds to x [B, C, h, w] what a transformer block makes of it as cells."""

    def __init__(self, address: Address, width: int, context: int, heads: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(address, width, context, heads)])
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, context: Tensor, fuse: Fuse | None) -> Tensor:
        """x [B, C, h, w] -> the same shape."""
        grid = (x.shape[2], x.shape[3])
        cells = self.proj_in(self.norm(x)).flatten(2).mT.contiguous()  # [B, HW, C]
        for block in self.transformer_blocks:
            cells = block(cells, context, fuse, grid)
        return x + self.proj_out(cells.mT.unflatten(2, grid))


class ResBlock(nn.Module):
    """x [B, into, h, w] and the embedded timestep [B, time] -> [B, out, h, w]."""

    def __init__(self, into: int, out: int, time: int):
        super().__init__()
        # The gap at out_layers.2 was a dropout when the weights were named.
        self.in_layers = nn.Sequential(nn.GroupNorm(32, into), nn.SiLU(), nn.Conv2d(into, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, out))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(32, out), nn.SiLU(), nn.Identity(), nn.Conv2d(out, out, 3, padding=1)
        )
        self.skip_connection = nn.Identity() if into == out else nn.Conv2d(into, out, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        hidden = self.in_layers(x) + self.emb_layers(time)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(hidden)


class Downsample(nn.Module):
    """x [B, C, h, w] -> half the height and width, rounded up."""

    def __init__(self, width: int):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    """x [B, C, h, w] -> [B, C, 2h, 2w]."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class UNet(nn.Module):
    """Arguments as `base_unet.sd1_unet_shapes`; heads: of every attention. The defaults are SD 1.x.

    The sides of a latent are multiples of 8.
    """

    def __init__(
        self,
        channels: int = 320,
        multipliers: tuple[int, ...] = (1, 2, 4, 4),
        res_blocks: int = 2,
        context: int = 768,
        attention_levels: int = 3,
        heads: int = 8,
    ):
        super().__init__()
        self.channels = channels
        time = 4 * channels
        self.time_embed = nn.Sequential(nn.Linear(channels, time), nn.SiLU(), nn.Linear(time, time))

        def block(kind: str, number: int, into: int, out: int, attends: bool) -> nn.ModuleList:
            attention = [SpatialTransformer((kind, number, 0), out, context, heads)] if attends else []
            return nn.ModuleList([ResBlock(into, out, time), *attention])

        self.input_blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(4, channels, 3, padding=1)])])
        skips, width = [channels], channels
        for level, multiplier in enumerate(multipliers):
            for _ in range(res_blocks):
                out = channels * multiplier
                self.input_blocks.append(block("input", len(self.input_blocks), width, out, level < attention_levels))
                skips.append(width := out)
            if level < len(multipliers) - 1:
                self.input_blocks.append(nn.ModuleList([Downsample(width)]))
                skips.append(width)
        self.middle_block = nn.ModuleList(
            [
                ResBlock(width, width, time),
                SpatialTransformer(("middle", 0, 0), width, context, heads),
                ResBlock(width, width, time),
            ]
        )
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for i in range(res_blocks + 1):
                out = channels * multiplier
                layers = block("output", len(self.output_blocks), width + skips.pop(), out, level < attention_levels)
                if level and i == res_blocks:
                    layers.append(Upsample(out))
                self.output_blocks.append(layers)
                width = out
        self.out = nn.Sequential(nn.GroupNorm(32, width), nn.SiLU(), nn.Conv2d(width, 4, 3, padding=1))

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor, fuse: Fuse | None = None) -> Tensor:
        """x [B, 4, h, w], timesteps [B], context [B, L, D] -> the predicted noise [B, 4, h, w]."""
        time = self.time_embed(timestep_embedding(timesteps, self.channels).to(x))

        def through(layers: nn.ModuleList, x: Tensor) -> Tensor:
            for layer in layers:
                more = (
                    (time,)
                    if isinstance(layer, ResBlock)
                    else (context, fuse)
                    if isinstance(layer, SpatialTransformer)
                    else ()
                )
                x = layer(x, *more)
            return x

        skips = []
        for layers in self.input_blocks:
            skips.append(x := through(layers, x))
        x = through(self.middle_block, x)
        for layers in self.output_blocks:
            x = through(layers, torch.cat([x, skips.pop()], dim=1))
        return self.out(x)
