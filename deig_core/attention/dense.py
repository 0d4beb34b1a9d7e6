"""The whole mask and one softmax: what the other implementations are compared with."""

from __future__ import annotations

import torch
from einops import repeat
from torch import Tensor

from .contract import AttentionCall, math_dtype, unpacked_membership


def dense(call: AttentionCall) -> Tensor:
    """`masked_attention` as its definition reads. Takes HW x (HW + R*T) memory; differentiable, also in float64."""
    dtype, device = math_dtype(call.q), call.q.device
    token_k, token_v = (t.expand(call.batch, -1, -1, -1) for t in (call.token_k, call.token_v))
    keys = torch.cat([call.k, token_k], dim=2).to(dtype)  # [B, heads, HW + R*T, d]
    values = torch.cat([call.v, token_v], dim=2).to(dtype)

    own = unpacked_membership(call.members, call.regions)[:, None]  # [B or 1, 1, HW, R]
    added = torch.zeros(own.shape, dtype=dtype, device=device)
    if call.bias is not None:
        added = added + call.bias.to(dtype)[:, None, None, :]  # [B or 1, R] -> [B or 1, 1, 1, R]
    added = repeat(
        added.masked_fill(~own, float("-inf")), "b head cell r -> b head cell (r t)", t=call.tokens_per_region
    )
    visual = torch.zeros(*added.shape[:2], call.cells, call.cells, dtype=dtype, device=device)

    mask = torch.cat([visual, added], dim=-1)  # [B or 1, 1, HW, HW + R*T]
    logits = call.q.to(dtype) @ keys.mT / call.dim**0.5 + mask  # [B, heads, HW, HW + R*T]
    return (logits.softmax(dim=-1) @ values).to(call.q.dtype)
