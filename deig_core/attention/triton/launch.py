"""Launching the Triton kernel; imported at its first use."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .kernel import masked_attention_forward
from .policy import Tile, shared_memory, split, tiles


@torch.compiler.disable
def launch(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
    tile: Tile | None = None,
) -> Tensor:
    """`masked_attention` for arguments that the kernel takes (fused.py checks them); nothing is copied but rows with
    scattered channels.

    tile: instead of the table's, to try one.
    """
    q, k, v, token_k, token_v = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, k, v, token_k, token_v))
    batch, heads, cells, dim = q.shape
    # Rows of a cell lie together, as the projection after it reads them.
    out = q.new_empty(batch, cells, heads, dim).transpose(1, 2)
    low, high = split(dim)
    rows, keys, warps, stages = tile or tiles(
        low + high, q.dtype, shared_memory(q.device.index) if q.device.type == "cuda" else 0
    )
    tokens = min(keys, max(16, 1 << (tokens_per_region - 1).bit_length()))
    grid = (-(-cells // rows), batch * heads)
    strides = [n for t in (q, k, v, token_k, token_v, out) for n in _broadcast(t)[:3]]
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
        token_k.shape[2] // tokens_per_region,
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
