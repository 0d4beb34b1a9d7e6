"""Attention together with the log-sum-exp of its logits, from the operators behind torch's own attention."""

from __future__ import annotations

import torch
from torch import Tensor

# Not public: a torch that drops it costs speed (see sdpa.py), not the function.
_CPU = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
_CPU_DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def flash_with_lse(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor] | None:
    """Attention of q [B, heads, N, d] over k, v [B, heads, M, d] with scale 1/sqrt(d), and log(sum(exp(logits))) [B,
    heads, N].

    The log-sum-exp is float32 (float64 for float64) and has no gradient. None where this device, dtype or head size has
    no such operator.
    """
    q, k, v = (_rows(t) for t in (q, k, v))
    if q.device.type == "cpu" and _CPU is not None and q.dtype in _CPU_DTYPES:
        return _CPU(q, k, v)
    if q.device.type == "cuda":
        return _cuda(q, k, v)
    return None


def cpu_flash_with_lse(q: Tensor, k: Tensor, v: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
    """The same on a CPU with `added` [B or 1, 1, N, M] on the logits, float32 (float64 for float64).

    A row whose keys are all at -inf gives an output of 0 and a log-sum-exp of 0, where -inf is meant: the caller's to
    mend.
    """
    return _CPU(_rows(q), _rows(k), _rows(v), attn_mask=added)


def _rows(tensor: Tensor) -> Tensor:
    # The operators take rows as they lie, but want the channels of a row side by side.
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def _cuda(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor] | None:
    # The operators themselves do not pad; the public function in front of them would.
    if q.shape[-1] % 8:
        return None
    params = torch.backends.cuda.SDPAParams(q, k, v, None, 0.0, False, False)
    if torch.backends.cuda.can_use_flash_attention(params):
        return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)[:2]
    if torch.backends.cuda.can_use_efficient_attention(params):
        out, lse = torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, None, True)[:2]
        return out, lse[..., : q.shape[2]]  # its rows are padded to a multiple of 32
    return None
