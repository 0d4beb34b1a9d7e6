"""Detail Fusion Module: gated, masked self-attention between self- and cross-attention (docs/method.md sections 4 and
5).

Queries are visual tokens only; instances are those of the row, without padding; the mask is a 64-bit word per cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..attention import masked_attention
from ..attention.contract import needs_gradient
from . import operations as default_operations
from .gates import add_gated
from .pieces import cell_by_cell

SelfAttention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, int], torch.Tensor]


@dataclass(frozen=True, eq=False)
class LevelInstances:
    """The instances that some rows of a batch see, on one level's grid. An instance is a region as a row shows it: a
    window that wraps around shows one twice.

    rows: how many consecutive rows of the batch these are. tokens: [1 or rows, R*T, D], or None where the rows see no
    instance. members: membership words, int64 [1 or rows, HW], bit r = the cell belongs to region r. bias: float32
    [1 or rows, R], the logarithm of each region's strength, or None.
    """

    rows: int
    tokens: torch.Tensor | None = None
    tokens_per_region: int = 0
    members: torch.Tensor | None = None
    bias: torch.Tensor | None = None


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """x [B, N, C] -> [B, heads, N, C / heads], a view."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # over [B, N, heads, d]


def plain_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    """Self-attention over [B, HW, C] without a mask; a host's own attention has this signature too."""
    q, k, v = (split_heads(t, heads) for t in (q, k, v))
    out = F.scaled_dot_product_attention(q, k, v)
    return out.transpose(1, 2).flatten(2)  # [B, heads, HW, d] -> [B, HW, heads, d] -> [B, HW, C]


class GEGLU(nn.Module):
    """x [..., dim] -> [..., hidden]: one half of a projection, gated by the GELU of the other."""

    def __init__(self, dim: int, hidden: int, *, operations: Any, device=None, dtype=None):
        super().__init__()
        self.proj = operations.Linear(dim, 2 * hidden, device=device, dtype=dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)  # [..., 2 * hidden] -> two of [..., hidden]
        opened = F.gelu(gate)
        return opened * value if needs_gradient(value) else opened.mul_(value)


class FeedForward(nn.Module):
    """x [..., dim] -> [..., dim] over four times as many, through a GEGLU."""

    def __init__(self, dim: int, *, operations: Any, device=None, dtype=None):
        super().__init__()
        hidden = 4 * dim
        # Index 1 was a dropout when the weights were named.
        self.net = nn.Sequential(
            GEGLU(dim, hidden, operations=operations, device=device, dtype=dtype),
            nn.Identity(),
            operations.Linear(hidden, dim, device=device, dtype=dtype),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class MaskedSelfAttention(nn.Module):
    """Cells attend to all cells of their row, and to the tokens of the instances that own them."""

    def __init__(self, dim: int, heads: int, *, operations: Any, device=None, dtype=None):
        super().__init__()
        self.heads = heads
        self.to_q = operations.Linear(dim, dim, bias=False, device=device, dtype=dtype)
        self.to_k = operations.Linear(dim, dim, bias=False, device=device, dtype=dtype)
        self.to_v = operations.Linear(dim, dim, bias=False, device=device, dtype=dtype)
        self.to_out = nn.Sequential(operations.Linear(dim, dim, device=device, dtype=dtype))

    def forward(
        self,
        x: torch.Tensor,
        instances: Sequence[tuple[LevelInstances, torch.Tensor | None]],
        self_attention: SelfAttention,
    ) -> list[torch.Tensor]:
        """Normalised x [B, HW, C]; for each row group its instances and their normalised tokens [n, R*T, C].

        Returns what was attended to, before `to_out`: parts [rows, HW, C] that add up to B.
        """
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        if all(tokens is None for _, tokens in instances):
            return [self_attention(q, k, v, self.heads)]
        parts, start = [], 0
        for group, tokens in instances:
            here = slice(start, start := start + group.rows)
            if tokens is None:
                parts.append(self_attention(q[here], k[here], v[here], self.heads))
                continue
            heads = (
                split_heads(t, self.heads) for t in (q[here], k[here], v[here], self.to_k(tokens), self.to_v(tokens))
            )
            out = masked_attention(*heads, group.members, tokens_per_region=group.tokens_per_region, bias=group.bias)
            # [rows, heads, HW, d] -> [rows, HW, heads, d] -> [rows, HW, C]
            parts.append(out.transpose(1, 2).flatten(2))
        return parts


class Fuser(nn.Module):
    """x [B, HW, C] -> x plus what its rows' instances say, through two tanh gates. A scale of 0 is exactly the
    identity.

        A = masked self-attention of norm1([x; linear(tokens)]), the visual rows
        x <- x + scale * tanh(alpha_attn) * A
        x <- x + scale * tanh(alpha_dense) * FF(norm2(x))
    """

    def __init__(
        self,
        dim: int,
        context_dim: int = 768,
        heads: int = 8,
        *,
        operations: Any = default_operations,
        device=None,
        dtype=None,
    ):
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self.linear = operations.Linear(context_dim, dim, **made)
        self.attn = MaskedSelfAttention(dim, heads, operations=operations, **made)
        self.ff = FeedForward(dim, operations=operations, **made)
        self.norm1 = operations.LayerNorm(dim, **made)
        self.norm2 = operations.LayerNorm(dim, **made)
        self.alpha_attn = nn.Parameter(torch.zeros((), **made))
        self.alpha_dense = nn.Parameter(torch.zeros((), **made))

    def forward(
        self,
        x: torch.Tensor,
        instances: Sequence[LevelInstances],
        scale: float = 1.0,
        self_attention: SelfAttention = plain_attention,
    ) -> torch.Tensor:
        """instances: of row groups that add up to B. scale: of both gates. self_attention: used where no region is
        present.
        """
        normed = [(i, None if i.tokens is None else self.norm1(self.linear(i.tokens.to(x)))) for i in instances]
        attended = self.attn(self.norm1(x), normed, self_attention)

        def gated(x: torch.Tensor, attended: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
            x = add_gated(x, scale, self.alpha_attn, self.attn.to_out(attended))
            return add_gated(x, scale, self.alpha_dense, self.ff(self.norm2(x)), out)

        return cell_by_cell(gated, x, attended)
