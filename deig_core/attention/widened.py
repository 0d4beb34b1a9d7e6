"""Membership written into the head dimension, so that one ordinary unmasked attention computes the masked one.

The logit of cell i and a token of region r must become -inf unless i belongs to r. Give every query R more channels, 0
for its own regions and -BIG for the others, and every instance key a one in its region's channel: the dot product adds
exactly that. A bias takes two more channels, always 1 in the query. Public API only, differentiable, no mask: for
training and for devices whose attention does not return its log-sum-exp. The price is d + R channels in place of d.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .contract import AttentionCall, math_dtype, unpacked_membership

# exp(-BIG / sqrt(256)) is 0 in every dtype, and float16 holds the number.
BIG = 30000.0


def widened(call: AttentionCall) -> Tensor:
    """`masked_attention` by one unmasked `scaled_dot_product_attention`."""
    q, regions, tokens = call.q, call.regions, call.tokens_per_region

    outside = torch.zeros(call.members.shape[0], call.cells, regions, dtype=q.dtype, device=q.device)
    outside = outside.masked_fill(~unpacked_membership(call.members, regions), -BIG)  # [B or 1, HW, R]
    region_of_token = torch.eye(regions, dtype=q.dtype, device=q.device)
    region_of_token = region_of_token.repeat_interleave(tokens, dim=0)  # [R, R] -> [R*T, R]
    of_cell = [outside[:, None]]  # [B or 1, HW, R] -> [B or 1, 1, HW, R]
    of_token = [region_of_token[None, None]]  # [R*T, R] -> [1, 1, R*T, R]
    if call.bias is not None:
        exact = (call.bias.to(math_dtype(q)) * call.dim**0.5).clamp(min=-BIG)
        coarse = exact.to(q.dtype)
        # Half precision loses the small part of the bias; a second channel carries it.
        parts = torch.stack([coarse, (exact - coarse).to(q.dtype)], dim=-1)  # [B or 1, R, 2]
        of_token.append(parts.repeat_interleave(tokens, dim=1)[:, None])  # [B or 1, R, 2] -> [B or 1, 1, R*T, 2]
        of_cell.append(q.new_ones(1, 1, call.cells, 2))

    # Fused kernels want one head size for keys and values, a multiple of 8.
    width = -(-(call.dim + regions + (0 if call.bias is None else 2)) // 8) * 8

    def wide(*parts: Tensor) -> Tensor:
        """Parts [B or 1, heads or 1, N, any] side by side, and zeros up to the width: [B, heads, N, width]."""
        parts = [p.expand(call.batch, call.heads, -1, -1) for p in parts]
        used = sum(p.shape[-1] for p in parts)
        return F.pad(torch.cat(parts, dim=-1), (0, width - used))

    queries = wide(q, *of_cell)  # [B, heads, HW, width]
    keys = torch.cat([wide(call.k), wide(call.token_k, *of_token)], dim=2)  # [B, heads, HW + R*T, width]
    values = torch.cat([wide(call.v), wide(call.token_v)], dim=2)
    return F.scaled_dot_product_attention(queries, keys, values, scale=call.dim**-0.5)[..., : call.dim]
