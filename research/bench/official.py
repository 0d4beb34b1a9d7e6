"""The baseline: a fuser in the formulation of the research code, written from the description of it.

Every call carries at least 30 instance slots, filled or not; instance tokens are queries too; the mask is a dense
boolean for every head. The outputs for the visual tokens are the same as ours (tests/unit/test_bench.py holds it to
that).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from einops import rearrange, repeat
from torch import Tensor
from torch.nn import functional as F

from deig_core.attention.contract import unpacked_membership
from deig_core.model.fuser import Fuser, split_heads

SLOTS = 30


def padded(tokens: Tensor, tokens_per_region: int) -> Tensor:
    """Tokens [B, R*T, D] of the real regions -> [B, max(R, 30)*T, D]; what an empty slot holds is masked anyway."""
    return F.pad(tokens, (0, 0, 0, max(0, SLOTS * tokens_per_region - tokens.shape[1])))


def dense_mask(members: Tensor, tokens_per_region: int, slots: int, heads: int) -> Tensor:
    """Membership words [B, HW] -> boolean [B, heads, N, N] with N = HW + slots*T, True = may attend."""
    batch, cells = members.shape
    size = cells + slots * tokens_per_region
    mask = torch.zeros(batch, size, size, dtype=torch.bool, device=members.device)
    mask[:, :cells, :cells] = True
    of_cell = repeat(unpacked_membership(members, min(slots, 64)), "b cells r -> b cells (r t)", t=tokens_per_region)
    mask[:, :cells, cells:] = of_cell
    mask[:, cells:, :cells] = of_cell.mT
    own = repeat(torch.arange(slots, device=members.device), "r -> (r t)", t=tokens_per_region)
    mask[:, cells:, cells:] = own[:, None] == own
    return mask[:, None].repeat(1, heads, 1, 1)  # [B, N, N] -> [B, heads, N, N], each head with its own in memory


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention step by step, the logits in full, as latent diffusion code of that time has it."""
    logits = torch.matmul(q, k.mT).mul_(q.shape[-1] ** -0.5).masked_fill_(~mask, -torch.finfo(q.dtype).max)
    return torch.matmul(logits.softmax(dim=-1), v)


def fused_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """The same by torch's own fused attention: a baseline that is kinder than the research code."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def official_fuser(
    fuser: Fuser, x: Tensor, tokens: Tensor, mask: Tensor, attend: Callable[..., Tensor] = softmax_attention
) -> Tensor:
    """x [B, HW, C], padded tokens [B, S*T, D] and their `dense_mask` -> [B, HW, C], with the weights of `fuser`."""
    cells, attention = x.shape[1], fuser.attn
    joined = fuser.norm1(torch.cat([x, fuser.linear(tokens)], dim=1))
    q, k, v = (
        split_heads(project(joined), attention.heads) for project in (attention.to_q, attention.to_k, attention.to_v)
    )
    out = rearrange(attend(q, k, v, mask), "b heads n d -> b n (heads d)")
    x = x + fuser.alpha_attn.tanh() * attention.to_out(out)[:, :cells]
    return x + fuser.alpha_dense.tanh() * fuser.ff(fuser.norm2(x))
