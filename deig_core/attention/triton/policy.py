"""When the Triton kernel runs.

Nothing here imports Triton (or torch's compiler, which does) before the first call: a machine without it never notices.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
from collections.abc import Iterator

import torch
from torch import Tensor

from ..contract import AttentionCall

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
MAX_DIM = 256
_failed = False


@functools.cache
def available() -> bool:
    """Whether Triton is installed. Says nothing of a working compiler: only a first launch does."""
    return importlib.util.find_spec("triton") is not None


def suits(q: Tensor) -> bool:
    """Whether the kernel is worth choosing for q [B, heads, HW, d] on this machine."""
    return q.device.type == "cuda" and q.dtype in DTYPES and q.shape[-1] <= MAX_DIM and not _failed and available()


@contextlib.contextmanager
def put_aside() -> Iterator[None]:
    """Let "auto" pass the kernel over: for tools that look into torch's operators and cannot see into this one."""
    global _failed
    before, _failed = _failed, True
    try:
        yield
    finally:
        _failed = before


def gave_up(error: Exception) -> None:
    """Remember that the kernel does not compile or launch here, so that it is tried once only."""
    global _failed
    _failed = True
    reason = str(error).strip().partition("\n")[0]
    message = "DEIG uses torch's own attention: the Triton kernel cannot run here (%s: %s)."
    logging.getLogger(__name__).info(message, type(error).__name__, reason)


def triton(call: AttentionCall) -> Tensor:
    """`masked_attention` as one fused kernel. Forward only; float16, bfloat16 or float32, d up to 256.

    Raises ValueError for other tensors and ImportError without Triton. TRITON_INTERPRET=1 runs it on CPU tensors,
    bfloat16 excepted.
    """
    if call.needs_gradient:
        raise ValueError("The triton implementation has no gradient: use auto or sdpa for training.")
    q = call.q
    # The interpreter multiplies bfloat16 as if it were integers.
    interpreted = os.environ.get("TRITON_INTERPRET") == "1" and q.dtype != torch.bfloat16
    if q.dtype not in DTYPES or call.dim > MAX_DIM or (q.device.type != "cuda" and not interpreted):
        raise ValueError(
            f"The triton implementation needs float16, bfloat16 or float32 on a GPU with at most {MAX_DIM} channels a "
            f"head; got {q.dtype} on {q.device.type} with {call.dim}."
        )
    from .launch import launch

    return launch(call)
