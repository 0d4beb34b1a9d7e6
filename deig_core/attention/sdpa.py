"""The masked attention on any device that torch knows, without a mask over the visual keys."""

from __future__ import annotations

import torch
from torch import Tensor

from .contract import AttentionCall
from .flash import flash_with_lse
from .merge import merge_by_cells, merge_by_mask, merge_on_cpu
from .widened import widened


def sdpa(call: AttentionCall) -> Tensor:
    """`masked_attention` with torch alone. Scratch memory is bounded and never HW x HW.

    Where the device's attention returns its log-sum-exp, an unmasked call over the visual keys is merged with the
    instance keys. Gradients, and devices without such a call, take the widened heads (that log-sum-exp has no
    gradient).
    """
    visual = None if call.needs_gradient else flash_with_lse(call.q, call.k, call.v)
    if visual is None:
        return widened(call)
    merge = merge_by_cells
    if call.q.device.type == "cpu":  # a compiled graph has no values to choose by
        merge = merge_by_mask if torch.compiler.is_compiling() else merge_on_cpu
    return merge(call, *visual)
