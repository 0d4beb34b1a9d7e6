"""The masked attention on any device that torch knows, without a mask over the visual keys."""

from __future__ import annotations

import torch
from torch import Tensor

from .contract import needs_gradient
from .flash import flash_with_lse
from .merge import merge_by_mask, merge_by_rows, merge_on_cpu
from .widened import widened


def sdpa(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """`masked_attention` with torch alone; arguments as there. Scratch memory is bounded and never HW x HW.

    Where the device's attention returns its log-sum-exp, an unmasked call over the visual keys is merged with the
    instance keys. Gradients, and devices without such a call, take the widened heads (that log-sum-exp has no
    gradient).
    """
    visual = None if needs_gradient(q, k, v, token_k, token_v, bias) else flash_with_lse(q, k, v)
    if visual is None:
        return widened(q, k, v, token_k, token_v, members, tokens_per_region, bias)
    merge = merge_by_rows
    if q.device.type == "cpu":  # a compiled graph has no values to choose by
        merge = merge_by_mask if torch.compiler.is_compiling() else merge_on_cpu
    return merge(*visual, q, token_k, token_v, members, tokens_per_region, bias)
