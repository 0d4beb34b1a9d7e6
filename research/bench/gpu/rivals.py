"""What the kernel is compared with: the same attention, or the same without its mask, by whatever else torch has."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import repeat
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from deig_core.attention.contract import AttentionCall, unpacked_membership
from deig_core.attention.sdpa import sdpa
from deig_core.attention.triton import policy
from deig_core.attention.widened import widened
from deig_core.layout.masks import shared_membership

from ..measure import Call
from ..scene import regions


@dataclass(frozen=True)
class Shape:
    """An attention of Stable Diffusion: side x side cells, heads of `dim` channels, regions of `tokens` tokens."""

    side: int
    dim: int
    count: int
    dtype: torch.dtype
    batch: int = 2  # both halves of CFG
    heads: int = 8
    tokens: int = 16

    def __str__(self) -> str:
        many = "1 region" if self.count == 1 else f"{self.count} regions"
        return f"{short(self.dtype)}, {self.side} x {self.side}, d = {self.dim}, {many}"

    def call(self, device: torch.device) -> AttentionCall:
        """Random tensors, laid out as projections leave them."""

        def projected(batch: int, rows: int) -> Tensor:
            made = torch.randn(batch, rows, self.heads, self.dim, device=device, dtype=self.dtype)
            return made.transpose(1, 2)  # [B, N, heads, d] -> [B, heads, N, d]

        q, k, v = (projected(self.batch, self.side**2) for _ in range(3))
        token_k, token_v = (projected(1, self.count * self.tokens) for _ in range(2))
        words = shared_membership(regions(self.count), (self.side, self.side), (self.side, self.side)).to(device)[None]
        return AttentionCall(q, k, v, token_k, token_v, words, self.tokens)


def short(dtype: torch.dtype) -> str:
    """As in "fp16". Raises KeyError for another dtype than the three of the bench."""
    return {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32"}[dtype]


def kernel_runs(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the kernel can be asked at all: on a GPU, or in Triton's interpreter, which cannot multiply bfloat16."""
    return device.type == "cuda" or (os.environ.get("TRITON_INTERPRET") == "1" and dtype != torch.bfloat16)


def exact(call: AttentionCall) -> dict[str, Call]:
    """Every way to compute the masked attention; "mask" holds a dense boolean mask made beforehand."""
    kernel: dict[str, Call] = (
        {"triton": lambda: policy.triton(call)} if kernel_runs(call.q.device, call.q.dtype) else {}
    )
    return {**kernel, "sdpa": lambda: sdpa(call), "widened": lambda: widened(call), "mask": dense_mask(call)}


def unmasked(call: AttentionCall) -> dict[str, Call]:
    """Attention over the visual tokens alone: torch's flash attention, and whatever torch chooses by itself."""
    q, k, v = call.q, call.k, call.v

    def chosen() -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)

    def flash() -> Tensor:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return F.scaled_dot_product_attention(q, k, v)

    return {"flash": flash, "torch's choice": chosen}


def _together(call: AttentionCall) -> tuple[Tensor, Tensor]:
    """Keys and values [B, heads, HW + R*T, d], the visual ones first."""
    token_k, token_v = (t.expand(call.batch, -1, -1, -1) for t in (call.token_k, call.token_v))
    return torch.cat([call.k, token_k], dim=2), torch.cat([call.v, token_v], dim=2)


def dense_mask(call: AttentionCall) -> Callable[[], Tensor]:
    """torch's attention with a boolean mask [1, 1, HW, HW + R*T], which is made here and not in the call."""
    keys, values = _together(call)
    own = repeat(
        unpacked_membership(call.members, call.regions), "b cells r -> b cells (r t)", t=call.tokens_per_region
    )
    mask = torch.cat([own.new_ones(1, call.cells, call.cells), own], dim=-1)[:, None]  # [1, N, M] -> [1, 1, N, M]
    return lambda: F.scaled_dot_product_attention(call.q, keys, values, attn_mask=mask)


def flex(call: AttentionCall) -> Callable[[], Tensor]:
    """torch's FlexAttention with a block mask, which is made here. Compiled on a GPU; elsewhere it is written out."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    (keys, values), q, cells, tokens = _together(call), call.q, call.cells, call.tokens_per_region
    words = call.members[0]

    def seen(batch, head, row, key):
        return (key < cells) | ((words[row] >> ((key - cells).clamp(min=0) // tokens)) & 1 != 0)

    mask = create_block_mask(seen, None, None, cells, keys.shape[2], device=str(q.device))
    attend = flex_attention
    if q.device.type == "cuda":
        torch._dynamo.reset()  # it stops compiling after a few shapes of one function
        attend = torch.compile(flex_attention, dynamic=False)
    return lambda: attend(q, keys, values, block_mask=mask)
