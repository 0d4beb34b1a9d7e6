"""What every implementation may rely on: one checked value with the arguments of a call, and a few facts about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

MAX_REGIONS = 64


@dataclass(frozen=True, eq=False, slots=True)
class AttentionCall:
    """The arguments of one masked attention, in the order of `masked_attention`, which says more of each.

    q, k, v: [B, heads, HW, d]. token_k, token_v: [B or 1, heads, R*T, d], instance-major. members: int64 [B or 1, HW],
    membership words. tokens_per_region: T. bias: [B or 1, R] or None. regions: R, worked out.

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
    regions: int = field(init=False)

    def __post_init__(self) -> None:
        q, k, v, token_k, token_v = self.q, self.k, self.v, self.token_k, self.token_v
        members, bias = self.members, self.bias
        if q.dim() != 4 or k.shape != q.shape or v.shape != q.shape:
            raise ValueError(
                f"masked_attention needs q, k and v of one shape [B, heads, HW, d]; got {_shapes(q, k, v)}."
            )
        batch, heads, cells, dim = q.shape
        if (
            token_k.dim() != 4
            or token_v.shape != token_k.shape
            or token_k.shape[1::2] != (heads, dim)
            or token_k.shape[0] not in (1, batch)
        ):
            raise ValueError(
                f"masked_attention needs instance keys and values [{batch} or 1, {heads}, R*T, {dim}]; got "
                f"{_shapes(token_k, token_v)}."
            )
        regions, rest = divmod(token_k.shape[2], self.tokens_per_region) if self.tokens_per_region > 0 else (0, 0)
        if rest or not 1 <= regions <= MAX_REGIONS:
            raise ValueError(
                f"masked_attention needs 1 to {MAX_REGIONS} regions of tokens_per_region tokens; "
                f"got {token_k.shape[2]} tokens at {self.tokens_per_region} a region."
            )
        if (
            members.dtype != torch.int64
            or members.dim() != 2
            or members.shape[0] not in (1, batch)
            or members.shape[1] != cells
        ):
            raise ValueError(
                f"masked_attention needs int64 membership words [{batch} or 1, {cells}]; got {members.dtype} "
                f"{_shapes(members)}."
            )
        if bias is not None and (bias.dim() != 2 or bias.shape[0] not in (1, batch) or bias.shape[1] != regions):
            raise ValueError(f"masked_attention needs a bias [{batch} or 1, {regions}]; got {_shapes(bias)}.")
        others = [t.dtype for t in (k, v, token_k, token_v)]
        if not q.is_floating_point() or any(dtype != q.dtype for dtype in others):
            raise ValueError(
                f"masked_attention needs floating-point tensors of one dtype; got {q.dtype}, "
                f"{', '.join(map(str, others))}."
            )
        object.__setattr__(self, "regions", regions)  # the value is frozen for everyone else

    @property
    def batch(self) -> int:
        return self.q.shape[0]

    @property
    def heads(self) -> int:
        return self.q.shape[1]

    @property
    def cells(self) -> int:
        return self.q.shape[2]

    @property
    def dim(self) -> int:
        return self.q.shape[3]

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
