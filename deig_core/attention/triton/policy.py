"""When the Triton kernel runs, and how its tiles are cut.

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

from ..contract import needs_gradient

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
MAX_DIM = 256
_failed = False

Tile = tuple[int, int, int, int]
"""Rows and keys of a tile, warps, stages."""

TILES: dict[tuple[int, int], Tile] = {
    (64, 16): (128, 64, 4, 3),
    (128, 16): (128, 64, 8, 2),
    (256, 16): (64, 32, 4, 2),
    (64, 32): (64, 32, 4, 2),
    (128, 32): (32, 32, 4, 2),
    (256, 32): (32, 16, 4, 2),
}
"""By (LOW + HIGH channels at most, bits of a number): what 99 KB of shared memory (RTX 30 and 40) hold, and what
unknown cards get.
"""

LARGER: dict[int, dict[tuple[int, int], Tile]] = {}
"""Entries that come before those of TILES, by the KB that a block must be able to have: 163 (A100), 227 (H100).
Only what `python dev.py gpu` has measured on such a card belongs here; it prints the entries in this form."""


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


def split(dim: int) -> tuple[int, int]:
    """Two powers of two, at least 16 or none, that hold `dim` channels: 40 -> 32 + 16, 80 -> 64 + 16, 64 -> 64 + 0."""
    low = max(16, 1 << (dim.bit_length() - 1))
    rest = dim - low
    return low, 0 if rest <= 0 else max(16, 1 << (rest - 1).bit_length())


def triton(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """`masked_attention` as one fused kernel; arguments as there. Forward only; float16, bfloat16 or float32, d up to
    256.

    Raises ValueError for other tensors and ImportError without Triton. TRITON_INTERPRET=1 runs it on CPU tensors,
    bfloat16 excepted.
    """
    if needs_gradient(q, k, v, token_k, token_v, bias):
        raise ValueError("The triton implementation has no gradient: use auto or sdpa for training.")
    # The interpreter multiplies bfloat16 as if it were integers.
    interpreted = os.environ.get("TRITON_INTERPRET") == "1" and q.dtype != torch.bfloat16
    if q.dtype not in DTYPES or q.shape[-1] > MAX_DIM or (q.device.type != "cuda" and not interpreted):
        raise ValueError(
            f"The triton implementation needs float16, bfloat16 or float32 on a GPU with at most {MAX_DIM} channels a "
            f"head; "
            f"got {q.dtype} on {q.device.type} with {q.shape[-1]}."
        )
    from .launch import launch

    return launch(q, k, v, token_k, token_v, members, tokens_per_region, bias)


def tiles(width: int, dtype: torch.dtype, shared: int = 0) -> Tile:
    """The tile for `width` = LOW + HIGH channels on a card whose blocks may have `shared` KB of memory (0: not
    known).
    """
    bits = torch.finfo(dtype).bits
    class_of_card = max((least for least in LARGER if least <= shared), default=None)
    table = TILES | LARGER.get(class_of_card, {})
    return table[min(key for key in table if key[0] >= width and key[1] == bits)]


@functools.cache
def shared_memory(index: int) -> int:
    """KB of shared memory that a block may have on the CUDA device with this index; 0 where torch does not say."""
    return getattr(torch.cuda.get_device_properties(index), "shared_memory_per_block_optin", 0) // 1024
