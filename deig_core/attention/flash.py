"""Unmasked attention together with the log-sum-exp of its logits, from the operators behind torch's own attention."""

from __future__ import annotations

import torch
from torch import Tensor

_CPU_DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def flash_with_lse(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor] | None:
    """Attention of q [B, heads, N, d] over k, v [B, heads, M, d] with scale 1/sqrt(d), and log(sum(exp(logits))) [B, heads, N].

    The log-sum-exp is float32 (float64 for float64) and has no gradient. None where this device, dtype or head size has no such operator.
    """
    if q.device.type == "cpu" and q.dtype in _CPU_DTYPES:
        # The operator reads rows as they lie, but wants the channels of a row side by side.
        q, k, v = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, k, v))
        return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)
    if q.device.type == "cuda":
        return _cuda(q, k, v)
    return None


def _cuda(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor] | None:
    q, k, v = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, k, v))
    call = torch.backends.cuda.SDPAParams(q, k, v, None, 0.0, False, False)
    # The operators themselves do not pad; the public function in front of them would.
    if q.shape[-1] % 8:
        return None
    if torch.backends.cuda.can_use_flash_attention(call):
        return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)[:2]
    if torch.backends.cuda.can_use_efficient_attention(call):
        out, lse = torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, None, True)[:2]
        return out, lse[..., : q.shape[2]]  # its rows are padded to a multiple of 32
    return None
