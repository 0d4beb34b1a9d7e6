"""Where the tokens of a region are looked at: the paper's Fig. 3b, averaged over the blocks and steps of a sampling
run.
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor
from torch.nn import functional as F

from ..attention.contract import AttentionCall, math_dtype, unpacked_membership
from ..layout.masks import Size, downsampled, is_downsampled, level_factor
from ..layout.window import Window
from ..model.fuser import Fuser, LevelInstances, split_heads

_SCRATCH_ENTRIES = 2**24
_SAME = 0.01  # share of a latent's mean magnitude by which a rounded copy of it may differ


def token_weights(call: AttentionCall) -> Tensor:
    """Softmax weight, over all keys of a call, that each cell gives to each instance token; the mean of the heads.

    The call's values are not read. Returns [B, R*T, HW] in float32 (float64 for float64). Scratch memory is bounded.
    """
    dtype, tokens = math_dtype(call.q), call.token_k.expand(call.batch, -1, -1, -1)
    keys = torch.cat([call.k, tokens], dim=2).to(dtype).mT * call.dim**-0.5  # [B, heads, d, HW + R*T]
    step = max(1, min(call.cells, _SCRATCH_ENTRIES // (call.batch * call.heads * keys.shape[-1])))
    parts = []
    for first in range(0, call.cells, step):
        rows = slice(first, first + step)
        logits = call.q[:, :, rows].to(dtype) @ keys  # [B, heads, step, HW + R*T]
        of_regions = logits[..., call.cells :].unflatten(-1, (call.regions, -1))  # [B, heads, step, R, T], a view
        if call.bias is not None:
            of_regions += call.bias.to(dtype)[:, None, None, :, None]
        own = unpacked_membership(call.members[:, rows], call.regions)  # [B or 1, step, R]
        of_regions.masked_fill_(~own[:, None, :, :, None], float("-inf"))
        parts.append(logits.softmax(dim=-1)[..., call.cells :].mean(dim=1))  # [B, step, R*T]
    return torch.cat(parts, dim=1).mT


def fuser_weights(fuser: Fuser, x: Tensor, group: LevelInstances) -> Tensor:
    """`token_weights` of one row group in a fuser that is about to get x [rows, HW, C] -> [rows, R, T, HW]."""
    attention = fuser.attn
    tokens = attention.to_k(fuser.norm1(fuser.linear(group.tokens.to(x))))
    normed = fuser.norm1(x)
    q, k, token_k = (split_heads(t, attention.heads) for t in (attention.to_q(normed), attention.to_k(normed), tokens))
    call = AttentionCall(q, k, k, token_k, token_k, group.members, group.tokens_per_region, group.bias)
    return token_weights(call).unflatten(1, (call.regions, -1))


def on_latent(maps: Tensor, latent: Size) -> Tensor:
    """Maps [..., h, w] of a level's grid in latent cells [..., H, W]; each has the value of the cell that covers it."""
    rows, columns = (
        _covering(side, cells).to(maps.device) for side, cells in zip(latent, maps.shape[-2:], strict=True)
    )
    return maps[..., rows[:, None], columns]


def _covering(latent: int, grid: int) -> Tensor:
    factor = level_factor(latent, grid)
    index = torch.arange(latent)
    return index // factor if is_downsampled(latent, grid, factor) else index * grid // latent


def placed(maps: Tensor, window: Window) -> tuple[int, Tensor, Tensor]:
    """Maps of a window's level on that level's grid of the whole latent.

    maps: [..., h, w], on whatever grid a block had. Returns the level's factor, the maps weighted by the share of each
    cell that the window covers, and that share [H, W].
    """
    grid = tuple(maps.shape[-2:])
    long = int(window.size[1] > window.size[0])  # a short side can be rounded up to one cell at several levels
    factor = level_factor(window.size[long], grid[long])
    whole = tuple(downsampled(side, factor) for side in window.full)
    if grid == whole and window == Window.whole(window.full):
        return factor, maps, maps.new_ones(whole)
    height, width = window.size
    # Maps and, as one more, where the window is: [n + 1, height, width], then [n + 1, *window.full] and [n + 1, H, W].
    fine = torch.cat([on_latent(maps, window.size).flatten(0, -3), maps.new_ones(1, height, width)])
    fine = sum(F.pad(fine, _around(piece)) for piece in window.pieces())
    coarse = F.avg_pool2d(fine, factor, ceil_mode=True)
    return factor, coarse[:-1].unflatten(0, maps.shape[:-2]), coarse[-1]


def _around(window: Window) -> tuple[int, int, int, int]:
    """Cells of the whole latent to the left, right, above and below; less than none where the window reaches beyond."""
    (top, left), (height, width) = window.offset, window.size
    return left, window.full[1] - left - width, top, window.full[0] - top - height


class RunMaps:
    """The attention maps of one sampling run: sums for each region and level, whose size does not depend on the
    number of steps.
    """

    def __init__(self) -> None:
        self._sums: dict[
            tuple[int, int], list[Tensor]
        ] = {}  # (region, factor): weighted maps [B, T, H, W], weights [H, W]
        self._owners: dict[int, object] = {}
        self._latent: Size = (0, 0)
        self._lock = threading.Lock()  # a host may run a call on each GPU at once

    def add(self, region: int, owner: object, maps: Tensor, window: Window) -> None:
        """Add one block's maps [B, T, h, w] of a region. Where several texts have a region of that number, the first
        `owner` counts.
        """
        factor, weighted, weights = placed(maps, window)
        with self._lock:
            if self._owners.setdefault(region, owner) is not owner:
                return
            self._latent = window.full
            sums = self._sums.setdefault((region, factor), [torch.zeros_like(weighted), torch.zeros_like(weights)])
            for total, part in zip(sums, (weighted, weights), strict=True):
                total += part.to(total)

    def regions(self) -> list[int]:
        return sorted({region for region, _ in self._sums})

    def factors(self, region: int) -> list[int]:
        return sorted(factor for number, factor in self._sums if number == region)

    def mean(self, region: int, factor: int | None = None) -> Tensor:
        """The average of a region over blocks and steps, of one level or of all blocks alike -> float32 [B, T, H, W]
        in latent cells.
        """
        levels = [self._sums[region, f] for f in self.factors(region) if factor in (None, f)]
        total, weights = (sum(on_latent(level[i], self._latent) for level in levels) for i in (0, 1))
        return total / weights.clamp(min=torch.finfo(weights.dtype).tiny)

    def cpu(self) -> None:
        """Leave the accelerator's memory."""
        self._sums = {key: [t.float().cpu() for t in sums] for key, sums in self._sums.items()}

    def size(self) -> int:
        """Bytes."""
        return sum(t.numel() * t.element_size() for sums in self._sums.values() for t in sums)


class Recording:
    """The last sampling runs of a recorded model, found again by the latents that they gave.

    Found by content: two samplers may share a model, and a host may keep a sampler's output while it runs something
    else.
    """

    def __init__(self, limit: int = 256 * 2**20):
        """limit: bytes of maps that are kept; the newest run is kept whatever its size."""
        self._limit = limit
        self._runs: list[tuple[Tensor, RunMaps]] = []
        self._lock = threading.Lock()

    def keep(self, samples: Tensor, maps: RunMaps) -> None:
        """Remember a finished run and the latents [B, C, H, W] that it gave."""
        maps.cpu()
        with self._lock:
            self._runs = [*self._runs, (samples.detach().float().cpu().clone(), maps)]
            while len(self._runs) > 1 and sum(m.size() for _, m in self._runs) > self._limit:
                self._runs.pop(0)

    def find(self, latent: Tensor) -> tuple[RunMaps, int] | None:
        """The run that gave this latent [C, H, W], and its place in that run's batch; None if none of those kept
        did.
        """
        latent = latent.detach().float().cpu()
        with self._lock:
            runs = list(self._runs)
        distances = [
            ((samples[row] - latent).abs().mean().item(), age, row)
            for age, (samples, _) in enumerate(reversed(runs))
            if samples.shape[1:] == latent.shape
            for row in range(len(samples))
        ]
        near = [d for d in distances if d[0] <= _SAME * latent.abs().mean().item()]
        if not near:
            return None
        _, age, row = min(near)
        return runs[-1 - age][1], row
