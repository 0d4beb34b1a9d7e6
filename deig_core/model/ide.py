"""Instance Detail Extractor (IDE): distils T5 features into a few time-aware tokens (docs/method.md section 2)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from . import operations as default_operations
from .operations import cast_like

LN_EPS = 1e-6


def timestep_embedding(timesteps: torch.Tensor, channels: int) -> torch.Tensor:
    """Sinusoids of timesteps [N] -> float32 [N, channels]: cosines, then sines; computed in fp32 whatever comes in."""
    half = channels // 2
    # arange / half in fp32, as the released weights saw it: float64 frequencies move the output by up to 3e-5.
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=timesteps.device) / half)
    angles = timesteps.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """timesteps [N] -> [N, dim], float32."""

    def __init__(self, channels: int, dim: int, *, operations: Any = default_operations, device=None, dtype=None):
        super().__init__()
        self.channels = channels
        self.linear_1 = operations.Linear(channels, dim, device=device, dtype=dtype)
        self.linear_2 = operations.Linear(dim, dim, device=device, dtype=dtype)

    def forward(self, timesteps: torch.Tensor) -> torch.Tensor:
        return self.linear_2(F.silu(self.linear_1(timestep_embedding(timesteps, self.channels))))


class AdaLayerNorm(nn.Module):
    """LayerNorm without affine whose shift and scale come from the time embedding; the shift comes first."""

    def __init__(self, width: int, time_dim: int, *, operations: Any, device=None, dtype=None):
        super().__init__()
        self.linear = operations.Linear(time_dim, 2 * width, device=device, dtype=dtype)

    def modulate(self, normalised: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """normalised [N, L, D] (already without mean and variance), time = SiLU(e) [N, 1, E] -> [N, L, D]."""
        shift, scale = self.linear(time).chunk(2, dim=-1)
        return normalised * (1 + scale) + shift

    def forward(self, y: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return self.modulate(normalise(y), time)


def normalise(y: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(y, y.shape[-1:], eps=LN_EPS)


class PackedAttention(nn.Module):
    """Multi-head attention with one packed projection (q, k, v rows in this order) and biases."""

    def __init__(self, width: int, heads: int, *, operations: Any, device=None, dtype=None):
        super().__init__()
        self.heads = heads
        self.in_proj = operations.Linear(width, 3 * width, device=device, dtype=dtype)
        self.out_proj = operations.Linear(width, width, device=device, dtype=dtype)

    def forward(self, u: torch.Tensor, extra: torch.Tensor | None = None) -> torch.Tensor:
        """Queries from u [N, T, D]; keys and values from [u ; extra], extra [N, L, D] -> [N, T, D]."""
        n, tokens, width = u.shape
        packed = self.in_proj(u if extra is None else torch.cat([u, extra], dim=1))  # [N, T + L, 3 * D]
        q, k, v = packed.view(n, -1, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)  # [N, heads, T + L, d]
        out = F.scaled_dot_product_attention(q[:, :, :tokens], k, v)
        return self.out_proj(out.transpose(1, 2).reshape(n, tokens, width))  # [N, heads, T, d] -> [N, T, D]


class SquaredReluMLP(nn.Module):
    """u [..., width] -> [..., width] over `hidden`, through a squared ReLU."""

    def __init__(self, width: int, hidden: int, *, operations: Any, device=None, dtype=None):
        super().__init__()
        self.c_fc = operations.Linear(width, hidden, device=device, dtype=dtype)
        self.c_proj = operations.Linear(hidden, width, device=device, dtype=dtype)

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        return self.c_proj(F.relu(self.c_fc(u)).square())


class PerceiverBlock(nn.Module):
    """Latents attend to themselves, then to [themselves ; the text], then pass an MLP."""

    def __init__(self, width: int, heads: int, time_dim: int, hidden: int, **factory: Any):
        super().__init__()
        self.attn = PackedAttention(width, heads, **factory)
        self.cross_attn = PackedAttention(width, heads, **factory)
        self.mlp = SquaredReluMLP(width, hidden, **factory)
        self.ln_0 = AdaLayerNorm(width, time_dim, **factory)
        self.ln_1 = AdaLayerNorm(width, time_dim, **factory)
        self.ln_2 = AdaLayerNorm(width, time_dim, **factory)
        self.ln_ff = AdaLayerNorm(width, time_dim, **factory)

    def forward(self, q: torch.Tensor, text: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        q = q + self.attn(self.ln_0(q, time))
        q = q + self.cross_attn(self.ln_1(q, time), self.ln_2.modulate(text, time))
        return q + self.mlp(self.ln_ff(q, time))


class Connector(nn.Module):
    """The learned queries ("latents") and the blocks that fill them from a text."""

    def __init__(
        self,
        *,
        text_dim: int,
        width: int,
        layers: int,
        heads: int,
        tokens: int,
        time_dim: int,
        hidden: int,
        **factory: Any,
    ):
        super().__init__()
        linear, made = factory["operations"].Linear, {k: v for k, v in factory.items() if k != "operations"}
        self.latents = nn.Parameter(torch.randn(tokens, width, **made) * width**-0.5)
        self.time_aware_linear = linear(time_dim, width, **made)
        self.proj_in = linear(text_dim, width, **made)
        self.perceiver_blocks = nn.ModuleList(
            PerceiverBlock(width, heads, time_dim, hidden, **factory) for _ in range(layers)
        )


class InstanceDetailExtractor(nn.Module):
    """T5 features [N, L, text_dim] and timesteps [N] -> [N, tokens, width].

    Always computes in float32: the time sinusoids need it, and the squared ReLU overflows half precision above 255.
    The text may be given as `project_text(features)`, which depends on neither time nor layer and can be kept over all
    steps.
    """

    def __init__(
        self,
        *,
        text_dim: int = 2048,
        width: int = 768,
        layers: int = 6,
        heads: int = 8,
        tokens: int = 16,
        time_channels: int = 320,
        time_dim: int = 768,
        hidden: int = 3072,
        operations: Any = default_operations,
        device=None,
        dtype=None,
    ):
        super().__init__()
        factory = {"operations": operations, "device": device, "dtype": dtype}
        self.time_embedding = TimeEmbedding(time_channels, time_dim, **factory)
        self.connector = Connector(
            text_dim=text_dim,
            width=width,
            layers=layers,
            heads=heads,
            tokens=tokens,
            time_dim=time_dim,
            hidden=hidden,
            **factory,
        )

    def project_text(self, features: torch.Tensor) -> torch.Tensor:
        """Features [N, L, text_dim], pads included -> normalised text [N, L, width], float32."""
        return normalise(self.connector.proj_in(features.float()))

    def forward(self, text: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """text = project_text(...) [N, L, width], timesteps [N] -> float32 [N, tokens, width]."""
        time = F.silu(self.time_embedding(timesteps))
        latents = cast_like(self.connector.latents, time)
        q = latents + self.connector.time_aware_linear(time)[:, None]
        for block in self.connector.perceiver_blocks:
            q = block(q, text, time[:, None])
        return q
