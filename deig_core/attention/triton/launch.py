"""Launching the Triton kernel; imported at its first use."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..contract import AttentionCall
from .kernel import masked_attention_forward
from .tiles import Tile, shared_memory, split, tile_for


@torch.compiler.disable
def launch(call: AttentionCall, tile: Tile | None = None) -> Tensor:
    """`masked_attention` for a call that the kernel takes (policy.py checks it); nothing is copied but rows with
    scattered channels.

    tile: instead of the table's, to try one.
    """
    q, k, v, token_k, token_v = (
        t if t.stride(-1) == 1 else t.contiguous() for t in (call.q, call.k, call.v, call.token_k, call.token_v)
    )
    members, bias, tokens_per_region = call.members, call.bias, call.tokens_per_region
    batch, heads, cells, dim = q.shape
    # Rows of a cell lie together, as the projection after it reads them.
    out = q.new_empty(batch, cells, heads, dim).transpose(1, 2)  # [B, HW, heads, d] -> [B, heads, HW, d]
    low, high = split(dim)
    rows, keys, warps, stages = tile or tile_for(
        low + high, q.dtype, shared_memory(q.device.index) if q.device.type == "cuda" else 0
    )
    tokens = min(keys, max(16, 1 << (tokens_per_region - 1).bit_length()))
    grid = (-(-cells // rows), batch * heads)
    strides = [n for t in (q, k, v, token_k, token_v, out) for n in _broadcast(t)[:3]]  # (B, heads, N) of each
    unit = math.gcd(8, *strides)
    masked_attention_forward[grid](
        q,
        k,
        v,
        token_k,
        token_v,
        members,
        bias,
        out,
        *(n // unit for n in strides),
        *_broadcast(members),
        *((0, 0) if bias is None else _broadcast(bias)),
        heads,
        cells,
        call.regions,
        tokens_per_region,
        dim**-0.5 / math.log(2),
        DIM=dim,
        LOW=low,
        HIGH=high,
        ROWS=rows,
        KEYS=keys,
        TOKENS=tokens,
        UNIT=unit,
        EVEN=cells % keys == 0,
        EVEN_TOKENS=tokens_per_region % tokens == 0,
        BIASED=bias is not None,
        PRECISION="ieee",
        num_warps=warps,
        num_stages=stages,
    )
    return out


def _broadcast(tensor: Tensor) -> tuple[int, ...]:
    """Strides in which a batch of one stands for every row."""
    return (0, *tensor.stride()[1:]) if tensor.shape[0] == 1 else tensor.stride()
