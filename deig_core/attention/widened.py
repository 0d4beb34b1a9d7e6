"""Membership written into the head dimension, so that one ordinary unmasked attention computes the masked one.

The logit of cell i and a token of region r must become -inf unless i belongs to r. Give every query R more channels, 0
for its own regions and -BIG for the others, and every instance key a one in its region's channel: the dot product adds
exactly that. A bias is one more channel, always 1 in the query. Public API only, differentiable, no mask: for training
and for devices whose attention does not return its log-sum-exp. The price is d + R channels in place of d.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .contract import math_dtype, membership

# exp(-BIG / sqrt(256)) is 0 in every dtype, and float16 holds the number.
BIG = 30000.0


def widened(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """`masked_attention` by one unmasked `scaled_dot_product_attention`; arguments as there."""
    batch, heads, cells, dim = q.shape
    regions = token_k.shape[2] // tokens_per_region

    outside = torch.zeros(members.shape[0], cells, regions, dtype=q.dtype, device=q.device)
    outside = outside.masked_fill(~membership(members, regions), -BIG)  # [B, HW, R]
    region_of_token = torch.eye(regions, dtype=q.dtype, device=q.device).repeat_interleave(
        tokens_per_region, dim=0
    )  # [R*T, R]
    of_cell, of_token = [outside[:, None]], [region_of_token[None, None]]
    if bias is not None:
        exact = (bias.to(math_dtype(q)) * dim**0.5).clamp(min=-BIG)
        coarse = exact.to(q.dtype)
        # Half precision loses the small part of the bias; a second channel carries it.
        parts = torch.stack([coarse, (exact - coarse).to(q.dtype)], dim=-1)  # [B, R, 2]
        of_token.append(parts.repeat_interleave(tokens_per_region, dim=1)[:, None])
        of_cell.append(q.new_ones(1, 1, cells, 2))

    # Fused kernels want one head size for keys and values, a multiple of 8.
    width = -(-(dim + regions + (0 if bias is None else 2)) // 8) * 8

    def wide(*parts: Tensor) -> Tensor:
        parts = [p.expand(batch, heads, -1, -1) for p in parts]
        used = sum(p.shape[-1] for p in parts)
        return F.pad(torch.cat(parts, dim=-1), (0, width - used))

    queries = wide(q, *of_cell)
    keys = torch.cat([wide(k), wide(token_k, *of_token)], dim=2)
    values = torch.cat([wide(v), wide(token_v)], dim=2)
    return F.scaled_dot_product_attention(queries, keys, values, scale=dim**-0.5)[..., :dim]
