"""The instance-masked attention of a fuser: one function, several exact implementations of it.

A visual token attends to every visual token and to the instance tokens of the regions that its cell belongs to
(the DFM's masked self-attention, with the queries that nothing reads left out).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .contract import AttentionCall
from .dense import dense
from .sdpa import sdpa
from .triton import policy

IMPLEMENTATIONS: dict[str, Callable[[AttentionCall], Tensor]] = {"dense": dense, "sdpa": sdpa, "triton": policy.triton}


def masked_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    *,
    tokens_per_region: int,
    bias: Tensor | None = None,
    implementation: str = "auto",
) -> Tensor:
    """Attend from the visual tokens to all of them and to the instance tokens of each one's own regions.

    q, k, v: [B, heads, HW, d], the visual tokens. Any strides.
    token_k, token_v: [B or 1, heads, R*T, d], the instance tokens, instance-major (token r*T + j is token j of region
    r). members: membership words, int64 [B or 1, HW]; bit r of a word says that the cell belongs to region r. R <= 64;
    bit 63 makes a word negative. tokens_per_region: T.
    bias: float32 [B or 1, R], added to the logits of a region's tokens (the logarithm of its strength; -inf hides it),
    or None. implementation: "auto" (the fastest one that is exact for these tensors), or a name in `IMPLEMENTATIONS`.

    Returns [B, heads, HW, d] in q's dtype; the softmax scale is 1/sqrt(d). Gradients reach q, k, v, the tokens and the
    bias. Raises ValueError where shapes, dtypes or the name do not fit. R = 0 is the caller's case: that is ordinary
    attention.
    """
    call = AttentionCall(q, k, v, token_k, token_v, members, tokens_per_region, bias)
    if implementation != "auto":
        if implementation not in IMPLEMENTATIONS:
            raise ValueError(
                f"masked_attention has no implementation {implementation!r}: choose auto, {', '.join(IMPLEMENTATIONS)}."
            )
        return IMPLEMENTATIONS[implementation](call)
    if policy.suits(q) and not call.needs_gradient:
        try:
            return policy.triton(call)
        except Exception as error:  # no compiler, an unsupported card: whatever it is, torch's own attention is right
            policy.gave_up(error)
    return sdpa(call)


__all__ = ["IMPLEMENTATIONS", "masked_attention"]
