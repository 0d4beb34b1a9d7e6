"""When the Triton kernel runs, and how its tiles are cut.

Nothing here imports Triton (or torch's compiler, which does) before the first call: a machine without it never notices.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os

import torch
from torch import Tensor

from .contract import needs_gradient

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


def gave_up(error: Exception) -> None:
    """Remember that the kernel does not compile or launch here, so that it is tried once only."""
    global _failed
    _failed = True
    reason = str(error).strip().partition("\n")[0]
    message = "DEIG uses torch's own attention: the Triton kernel cannot run here (%s: %s)."
    logging.getLogger(__name__).info(message, type(error).__name__, reason)


def split(dim: int) -> tuple[int, int]:
    """Two powers of two, at least 16 or none, that hold `dim` channels: 40 -> 32 + 16, 80 -> 64 + 16, 64 -> 64 + 0."""
    low = max(16, 1 << (dim.bit_length() - 1))
    rest = dim - low
    return low, 0 if rest <= 0 else max(16, 1 << (rest - 1).bit_length())


def triton(q: Tensor, k: Tensor, v: Tensor, token_k: Tensor, token_v: Tensor, members: Tensor, tokens_per_region: int,
           bias: Tensor | None) -> Tensor:
    """`masked_attention` as one fused kernel; arguments as there. Forward only; float16, bfloat16 or float32, d up to 256.

    Raises ValueError for other tensors and ImportError without Triton. TRITON_INTERPRET=1 runs it on CPU tensors, bfloat16 excepted.
    """
    if needs_gradient(q, k, v, token_k, token_v, bias):
        raise ValueError("The triton implementation has no gradient: use auto or sdpa for training.")
    # The interpreter multiplies bfloat16 as if it were integers.
    interpreted = os.environ.get("TRITON_INTERPRET") == "1" and q.dtype != torch.bfloat16
    if q.dtype not in DTYPES or q.shape[-1] > MAX_DIM or (q.device.type != "cuda" and not interpreted):
        raise ValueError(
            f"The triton implementation needs float16, bfloat16 or float32 on a GPU with at most {MAX_DIM} channels a head; "
            f"got {q.dtype} on {q.device.type} with {q.shape[-1]}.")
    from .triton_launch import launch

    return launch(q, k, v, token_k, token_v, members, tokens_per_region, bias)


def tiles(width: int, dtype: torch.dtype) -> tuple[int, int, int, int]:
    """Rows and keys of a tile, warps and stages, for `width` channels: what 99 KB of shared memory (RTX 30 and 40) hold."""
    if dtype == torch.float32:
        return (64, 32, 4, 2) if width <= 64 else (32, 32, 4, 2) if width <= 128 else (32, 16, 4, 2)
    return (128, 64, 4, 3) if width <= 64 else (128, 64, 8, 2) if width <= 128 else (64, 32, 4, 2)
