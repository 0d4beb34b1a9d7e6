"""The oracle: the whole mask, one softmax, nothing clever."""

from __future__ import annotations

import torch
from torch import Tensor

from .contract import math_dtype, membership


def dense(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """`masked_attention` as its definition reads; arguments as there. Takes HW x (HW + R*T) memory; differentiable,
    also in float64.
    """
    batch, _, cells, dim = q.shape
    regions = token_k.shape[2] // tokens_per_region
    dtype = math_dtype(q)
    keys = torch.cat([k, token_k.expand(batch, -1, -1, -1)], dim=2).to(dtype)
    values = torch.cat([v, token_v.expand(batch, -1, -1, -1)], dim=2).to(dtype)

    own = membership(members, regions)[:, None]  # [B, 1, HW, R]
    added = torch.zeros(own.shape, dtype=dtype, device=q.device)
    if bias is not None:
        added = added + bias.to(dtype)[:, None, None, :]
    added = added.masked_fill(~own, float("-inf")).repeat_interleave(tokens_per_region, dim=-1)
    visual = torch.zeros(*added.shape[:2], cells, cells, dtype=dtype, device=q.device)

    logits = q.to(dtype) @ keys.mT / dim**0.5 + torch.cat([visual, added], dim=-1)
    return (logits.softmax(dim=-1) @ values).to(q.dtype)
