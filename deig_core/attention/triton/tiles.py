"""How the kernel's work is cut: the channels of a head into powers of two, queries and keys into tiles.

Nothing here imports Triton.
"""

from __future__ import annotations

import functools

import torch

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


def split(dim: int) -> tuple[int, int]:
    """Two powers of two, at least 16 or none, that hold `dim` channels: 40 -> 32 + 16, 80 -> 64 + 16, 64 -> 64 + 0."""
    low = max(16, 1 << (dim.bit_length() - 1))
    rest = dim - low
    return low, 0 if rest <= 0 else max(16, 1 << (rest - 1).bit_length())


def tile_for(width: int, dtype: torch.dtype, shared: int = 0) -> Tile:
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
