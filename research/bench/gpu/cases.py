"""What the proof tries: every head size, dtype and number of regions, with whatever else a call can vary."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from deig_core.attention.contract import AttentionCall

from .rivals import short

DIMS = (40, 80, 160, 64, 128, 256)
GRIDS = ((7, 11), (16, 16), (25, 40), (33, 17), (3, 5))  # (h, w); most end in the middle of a tile
LAYOUTS = ("projection", "plain", "packed", "padded", "channels outside")
BIASES = ("none", "strengths", "one hidden", "all hidden")
WORDS = ("dense", "half", "sparse", "bit 63", "none")


@dataclass(frozen=True)
class Case:
    """One call of the attention: heads of `dim` channels, `count` regions of `tokens` tokens, a grid of (h, w) cells.

    layout: how its tensors lie in memory, of LAYOUTS. bias, words: of BIASES and WORDS. token_batch, member_batch: rows
    of the tokens and of the membership, 1 or `batch`.
    """

    dtype: torch.dtype
    dim: int
    count: int
    grid: tuple[int, int]
    layout: str = "projection"
    bias: str = "none"
    words: str = "half"
    token_batch: int = 1
    member_batch: int = 1
    tokens: int = 16
    batch: int = 2
    heads: int = 2

    def __str__(self) -> str:
        return (
            f"{short(self.dtype)}, d = {self.dim}, {self.count} x {self.tokens} tokens, {self.grid[0]} x "
            f"{self.grid[1]}, "
            f"{self.layout}, bias {self.bias}, membership {self.words}, token batch {self.token_batch}"
        )

    def call(self, device: torch.device) -> AttentionCall:
        """What an implementation takes; the same for the same case."""
        generator = torch.Generator(device).manual_seed(hash_of(str(self)))
        cells = self.grid[0] * self.grid[1]
        q, k, v = self._tensors(3, self.batch, cells, generator)
        token_k, token_v = self._tensors(2, self.token_batch, self.count * self.tokens, generator)
        words, bias = self._words(cells, generator), self._bias(generator)
        return AttentionCall(q, k, v, token_k, token_v, words, self.tokens, bias)

    def _tensors(self, number: int, batch: int, rows: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """[batch, heads, rows, d] each, lying as `layout` says."""
        made = {"device": generator.device, "generator": generator}
        if self.layout == "packed":  # one projection for all, as some hosts have it
            packed = torch.randn(batch, rows, number, self.heads, self.dim, **made).to(self.dtype)
            return tuple(packed[:, :, i].transpose(1, 2) for i in range(number))  # [B, N, heads, d] -> [B, heads, N, d]
        shape = (
            (batch, rows, self.heads, self.dim) if self.layout == "projection" else (batch, self.heads, rows, self.dim)
        )
        found = [torch.randn(shape, **made).to(self.dtype) for _ in range(number)]
        if self.layout == "projection":
            return tuple(t.transpose(1, 2) for t in found)  # [B, N, heads, d] -> [B, heads, N, d]
        if self.layout == "padded":
            return tuple(torch.cat([t, t], dim=-1)[..., : self.dim] for t in found)
        return tuple(t.mT.contiguous().mT for t in found) if self.layout == "channels outside" else tuple(found)

    def _words(self, cells: int, generator: torch.Generator) -> Tensor:
        share = {"dense": 0.9, "half": 0.5, "sparse": 0.03, "bit 63": 0.0, "none": 0.0}[self.words]
        own = torch.rand(self.member_batch, cells, self.count, device=generator.device, generator=generator) < share
        if self.words == "bit 63":
            own[:, ::3, -1] = True
        return (own.long() << torch.arange(self.count, device=own.device)).sum(-1)

    def _bias(self, generator: torch.Generator) -> Tensor | None:
        if self.bias == "none":
            return None
        found = torch.randn(1, self.count, device=generator.device, generator=generator)
        if self.bias == "one hidden":
            found[:, 0] = -math.inf
        return found.fill_(-math.inf) if self.bias == "all hidden" else found


def hash_of(text: str) -> int:
    """A seed that does not change between runs."""
    return random.Random(text).getrandbits(31)


def cases(tiny: bool) -> Iterator[Case]:
    """What SD 1.5 itself asks for first, then every head size, dtype and number of regions, the rest drawn."""
    dtypes = (torch.float16, torch.bfloat16, torch.float32)
    dims = (40, 64) if tiny else DIMS
    grids = ((3, 5), (4, 4)) if tiny else GRIDS
    for dtype in dtypes:
        yield Case(dtype, 40, 64, grids[0], bias="strengths", words="bit 63", heads=1)
        if not tiny:
            for side, dim in ((64, 40), (32, 80), (16, 160), (8, 160)):
                yield Case(dtype, dim, 5, (side, side), bias="strengths")
    for number, (dtype, dim, count) in enumerate(itertools.product(dtypes, dims, (5, 1, 64) if not tiny else (5, 1))):
        for again in range(2 if dtype == torch.float16 and not tiny else 1):  # each is a kernel to compile
            draw = random.Random(hash_of(f"{dim} {count} {again} {number}"))
            yield Case(
                dtype,
                dim,
                count,
                draw.choice(grids),
                draw.choice(LAYOUTS),
                draw.choice(BIASES),
                draw.choice(WORDS[:3]),
                draw.choice((1, 2)),
                draw.choice((1, 2)),
                draw.choice((16, 16, 16, 4, 10)),
                heads=1 if tiny else 2,
            )
