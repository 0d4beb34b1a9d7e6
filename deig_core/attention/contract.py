"""What every implementation may rely on: one checked value with the arguments of a call, and a few facts about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..limits import MAX_REGIONS


@dataclass(frozen=True, eq=False, slots=True)
class AttentionCall:
    """The arguments of one masked attention, in the order of `masked_attention`, which says more of each.

    q, k, v: [B, heads, HW, d]. token_k, token_v: [B or 1, heads, R*T, d], instance-major. members: int64 [B or 1, HW],
    membership words. tokens_per_region: T. bias: [B or 1, R] or None. The sizes batch, heads, cells (HW), dim (d) and
    regions (R) are worked out once.

    Making one raises ValueError, in one sentence, where they do not fit together. That reads shapes only, no values.
    """

    q: Tensor
    k: Tensor
    v: Tensor
    token_k: Tensor
    token_v: Tensor
    members: Tensor
    tokens_per_region: int
    bias: Tensor | None = None
    batch: int = field(init=False)
    heads: int = field(init=False)
    cells: int = field(init=False)
    dim: int = field(init=False)
    regions: int = field(init=False)

    def __post_init__(self) -> None:
        q, k, v, token_k, token_v = self.q, self.k, self.v, self.token_k, self.token_v
        members, bias, shape, of_tokens = self.members, self.bias, q.shape, token_k.shape
        if len(shape) != 4 or k.shape != shape or v.shape != shape:
            raise ValueError(
                f"masked_attention needs q, k and v of one shape [B, heads, HW, d]; got {_shapes(q, k, v)}."
            )
        batch, heads, cells, dim = shape
        if (
            len(of_tokens) != 4
            or token_v.shape != of_tokens
            or of_tokens[1::2] != (heads, dim)
            or of_tokens[0] not in (1, batch)
        ):
            raise ValueError(
                f"masked_attention needs instance keys and values [{batch} or 1, {heads}, R*T, {dim}]; got "
                f"{_shapes(token_k, token_v)}."
            )
        regions, rest = divmod(of_tokens[2], self.tokens_per_region) if self.tokens_per_region > 0 else (0, 0)
        if rest or not 1 <= regions <= MAX_REGIONS:
            raise ValueError(
                f"masked_attention needs 1 to {MAX_REGIONS} regions of tokens_per_region tokens; "
                f"got {of_tokens[2]} tokens at {self.tokens_per_region} a region."
            )
        if members.dtype != torch.int64 or members.shape not in ((1, cells), (batch, cells)):
            raise ValueError(
                f"masked_attention needs int64 membership words [{batch} or 1, {cells}]; got {members.dtype} "
                f"{_shapes(members)}."
            )
        if bias is not None and bias.shape not in ((1, regions), (batch, regions)):
            raise ValueError(f"masked_attention needs a bias [{batch} or 1, {regions}]; got {_shapes(bias)}.")
        dtypes = (q.dtype, k.dtype, v.dtype, token_k.dtype, token_v.dtype)
        if not q.is_floating_point() or len(set(dtypes)) > 1:
            raise ValueError(
                f"masked_attention needs floating-point tensors of one dtype; got {', '.join(map(str, dtypes))}."
            )
        keep = object.__setattr__  # frozen for everyone else
        keep(self, "batch", batch)
        keep(self, "heads", heads)
        keep(self, "cells", cells)
        keep(self, "dim", dim)
        keep(self, "regions", regions)

    @property
    def needs_gradient(self) -> bool:
        """Whether autograd wants to follow the call."""
        return needs_gradient(self.q, self.k, self.v, self.token_k, self.token_v, self.bias)


def _shapes(*tensors: Tensor) -> str:
    return ", ".join(str(list(t.shape)) for t in tensors)


def unpacked_membership(members: Tensor, regions: int) -> Tensor:
    """Membership words [B, HW] -> boolean [B, HW, R]. The shift is arithmetic, so bit 63 needs no care."""
    return (members[..., None] >> torch.arange(regions, device=members.device)) & 1 != 0


def math_dtype(tensor: Tensor) -> torch.dtype:
    """The dtype that logits and sums are kept in: float64 stays, everything else is float32."""
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def needs_gradient(*tensors: Tensor | None) -> bool:
    """Whether autograd wants to follow what is made of these tensors."""
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
