"""GPU only: the fused kernel against unmasked flash attention, a dense mask and FlexAttention, on SD 1.5's attention shapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import torch
from torch import Tensor
from torch.nn import functional as F

from ..attention import IMPLEMENTATIONS
from ..attention.contract import membership as bits
from ..masks import membership
from .measure import Row, ratio
from .scene import HEADS, TOKENS, regions

GRIDS = ((64, 40), (32, 80), (16, 160), (128, 40))
CALLS = 20  # in one measurement, so that a launch is not what is measured


def rows(device: torch.device, dtype: torch.dtype, rounds: int) -> Iterator[Row]:
    """triton / unmasked flash, / a dense boolean mask, / FlexAttention, with CFG's batch of two."""
    group = "the attention alone, batch 2: triton / another"
    for side, dim in GRIDS:
        for count in (5, 64):
            q, k, v = (torch.randn(2, HEADS, side * side, dim, device=device, dtype=dtype) for _ in range(3))
            token_k, token_v = (torch.randn(1, HEADS, count * TOKENS, dim, device=device, dtype=dtype) for _ in range(2))
            members = membership(regions(count), (side, side), (side, side)).to(device)[None]
            arguments = (q, k, v, token_k, token_v, members, TOKENS, None)
            name = f"{side} x {side}, d = {dim}, {count} regions"
            others = {"unmasked": (lambda: F.scaled_dot_product_attention(q, k, v), 1.03),  # noqa: B023
                      "sdpa": (lambda: IMPLEMENTATIONS["sdpa"](*arguments), None), "dense mask": (_dense(*arguments), 0.5)}  # noqa: B023
            with suppress(Exception):  # FlexAttention needs a compiler and some head sizes
                flex = _flex(*arguments)
                flex()
                others["FlexAttention"] = (flex, None)
            for other, (call, goal) in others.items():
                measured = ratio(lambda: _repeat(lambda: IMPLEMENTATIONS["triton"](*arguments)), lambda: _repeat(call),  # noqa: B023
                                 rounds=2 * rounds + 1)
                yield measured.row(group, f"{name} / {other}", at_most=goal)


def _repeat(call) -> None:
    for _ in range(CALLS):
        call()


def _together(k: Tensor, token_k: Tensor) -> Tensor:
    return torch.cat([k, token_k.expand(k.shape[0], -1, -1, -1)], dim=2)


def _dense(q, k, v, token_k, token_v, members, tokens, _):
    keys, values = _together(k, token_k), _together(v, token_v)
    own = bits(members, token_k.shape[2] // tokens).repeat_interleave(tokens, dim=-1)
    mask = torch.cat([own.new_ones(1, q.shape[2], q.shape[2]), own], dim=-1)[:, None]
    return lambda: F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)


def _flex(q, k, v, token_k, token_v, members, tokens, _):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    keys, values, cells = _together(k, token_k), _together(v, token_v), q.shape[2]
    words = members[0]

    def seen(batch, head, row, key):
        return (key < cells) | ((words[row] >> ((key - cells).clamp(min=0) // tokens)) & 1 != 0)

    mask = create_block_mask(seen, None, None, cells, keys.shape[2], device=str(q.device))
    compiled = torch.compile(flex_attention)
    return lambda: compiled(q, keys, values, block_mask=mask)
