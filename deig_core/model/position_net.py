"""Position net: ties an instance's tokens to its box (docs/method.md section 3)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from . import operations as default_operations
from .operations import cast_like

TEMPERATURE = 100.0


def fourier_embedding(boxes: torch.Tensor, frequencies: int = 8) -> torch.Tensor:
    """Boxes [..., 4] in 0..1 -> float32 [..., 8 * frequencies]: per frequency the sines, then the cosines of all
    four.
    """
    powers = TEMPERATURE ** (torch.arange(frequencies, dtype=torch.float32, device=boxes.device) / frequencies)
    angles = boxes.float()[..., None, :] * powers[:, None]  # [..., frequencies, 4]
    return torch.stack([angles.sin(), angles.cos()], dim=-2).flatten(-3)  # of [..., frequencies, 2, 4]


class PositionNet(nn.Module):
    """Instance tokens [B, R, T, D] and boxes [B, R, 4] -> [B, R*T, out], instance-major, float32."""

    def __init__(
        self,
        *,
        in_dim: int = 768,
        out_dim: int = 768,
        hidden: int = 512,
        frequencies: int = 8,
        operations: Any = default_operations,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.frequencies = frequencies
        linear, made = operations.Linear, {"device": device, "dtype": dtype}
        self.linears = nn.Sequential(
            linear(in_dim + 8 * frequencies, hidden, **made),
            nn.SiLU(),
            linear(hidden, hidden, **made),
            nn.SiLU(),
            linear(hidden, out_dim, **made),
        )
        self.null_positive_feature = nn.Parameter(torch.zeros(in_dim, **made))
        self.null_position_feature = nn.Parameter(torch.zeros(8 * frequencies, **made))

    def forward(self, tokens: torch.Tensor, boxes: torch.Tensor, valid: torch.Tensor | None = None) -> torch.Tensor:
        """valid [B, R], 1 for a real instance; None = all are. Others get the null features (training only)."""
        tokens = tokens.float()
        position = fourier_embedding(boxes, self.frequencies)  # [B, R, 8 * frequencies]
        if valid is not None:
            v = valid.to(tokens)[..., None]
            position = v * position + (1 - v) * cast_like(self.null_position_feature, tokens)
            v = v[..., None]
            tokens = v * tokens + (1 - v) * cast_like(self.null_positive_feature, tokens)
        position = position[:, :, None].expand(-1, -1, tokens.shape[2], -1)  # [B, R, T, 8 * frequencies]
        return self.linears(torch.cat([tokens, position], dim=-1)).flatten(1, 2)  # [B, R, T, out] -> [B, R*T, out]
