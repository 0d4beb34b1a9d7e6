"""Every implementation of the masked attention against the dense definition in float64, on the card at hand.

The error of a result a against the right one b is ||a - b|| / ||b||, over all of it and over the worst single cell: a wrong bit of a mask
touches few cells and could hide in the whole.
"""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...attention import fused, masked_attention, merge
from ...attention.dense import dense
from ...attention.flash import flash_with_lse
from ...attention.sdpa import sdpa
from ...attention.widened import widened
from ...fuser import LevelInstances, plain_attention
from ..measure import Row
from ..scene import fuser
from .clock import first_line
from .part import Part
from .rivals import kernel_runs, short
from .threads import in_threads

DIMS = (40, 80, 160, 64, 128, 256)
LIMITS = {torch.float32: 2e-5, torch.float16: 1.5e-3, torch.bfloat16: 1.2e-2}
"""Of the error over the whole: some three times what rounding weights and output once to the dtype gives."""
WORST_CELL = 4.0  # times the limit: a cell's channels are few, so its error scatters
WHOLE_FUSER = 6.0  # times the limit: what a fuser adds to x is smaller than x, whose rounding it bears
GRIDS = ((7, 11), (16, 16), (25, 40), (33, 17), (3, 5))  # (h, w); tiles have 16 to 128 rows, so most end in the middle of one
LAYOUTS = ("projection", "plain", "packed", "padded", "channels outside")
BIASES = ("none", "strengths", "one hidden", "all hidden")
WORDS = ("dense", "half", "sparse", "bit 63", "none")


@dataclass(frozen=True)
class Case:
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
        return (f"{short(self.dtype)}, d = {self.dim}, {self.count} regions of {self.tokens}, {self.grid[0]} x {self.grid[1]}, "
                f"{self.layout}, bias {self.bias}, membership {self.words}, token batch {self.token_batch}")

    def arguments(self, device: torch.device):
        """As an implementation takes them; the same for the same case."""
        generator = torch.Generator(device).manual_seed(hash_of(str(self)))
        cells = self.grid[0] * self.grid[1]
        q, k, v = self._tensors(3, self.batch, cells, generator)
        token_k, token_v = self._tensors(2, self.token_batch, self.count * self.tokens, generator)
        return q, k, v, token_k, token_v, self._words(cells, generator), self.tokens, self._bias(generator)

    def _tensors(self, number: int, batch: int, rows: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """[batch, heads, rows, d] each, lying as `layout` says."""
        made = {"device": generator.device, "generator": generator}
        if self.layout == "packed":  # one projection for all, as some hosts have it
            packed = torch.randn(batch, rows, number, self.heads, self.dim, **made).to(self.dtype)
            return tuple(packed[:, :, i].transpose(1, 2) for i in range(number))
        shape = (batch, rows, self.heads, self.dim) if self.layout == "projection" else (batch, self.heads, rows, self.dim)
        found = [torch.randn(shape, **made).to(self.dtype) for _ in range(number)]
        if self.layout == "projection":
            return tuple(t.transpose(1, 2) for t in found)
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
    """What SD 1.5 itself asks for first, then every head size, dtype and number of regions with whatever else can vary, drawn."""
    dtypes = (torch.float16, torch.bfloat16, torch.float32)
    dims = (40, 64) if tiny else DIMS
    grids = ((3, 5), (4, 4)) if tiny else GRIDS
    for dtype in dtypes:
        yield Case(dtype, 40, 64, grids[0], bias="strengths", words="bit 63", heads=1)
        if not tiny:
            for side, dim in ((64, 40), (32, 80), (16, 160), (8, 160)):
                yield Case(dtype, dim, 5, (side, side), bias="strengths")
    for number, (dtype, dim, count) in enumerate(itertools.product(dtypes, dims, (5, 1, 64) if not tiny else (5, 1))):
        for again in range(1 if tiny else 2):
            draw = random.Random(hash_of(f"{dim} {count} {again} {number}"))
            yield Case(
                dtype, dim, count, draw.choice(grids), draw.choice(LAYOUTS), draw.choice(BIASES), draw.choice(WORDS[:3]),
                draw.choice((1, 2)), draw.choice((1, 2)), draw.choice((16, 16, 16, 4, 10)), heads=1 if tiny else 2)


def implementations(case: Case, device: torch.device) -> dict[str, Callable[..., Tensor]]:
    """Every path that can take the case's tensors, by name; all take a case's arguments."""
    def merged(how: Callable[..., Tensor], q, k, v, *rest) -> Tensor:
        before, merge.SCRATCH_ENTRIES = merge.SCRATCH_ENTRIES, 5000  # several pieces, the last one odd
        try:
            return how(*flash_with_lse(q, k, v), q, *rest)
        finally:
            merge.SCRATCH_ENTRIES = before

    def without_flash(*arguments) -> Tensor:
        with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
            return sdpa(*arguments)

    def auto(q, k, v, token_k, token_v, members, tokens, bias) -> Tensor:
        out = masked_attention(q, k, v, token_k, token_v, members, tokens_per_region=tokens, bias=bias)
        if device.type == "cuda" and not fused.suits(q):
            raise RuntimeError("auto has given the kernel up")
        return out

    found: dict[str, Callable[..., Tensor]] = {"triton": fused.triton} if kernel_runs(device, case.dtype) else {}
    found |= {"sdpa": sdpa, "merge by rows": partial(merged, merge.merge_by_rows), "merge by region": partial(merged, merge.merge_by_region)}
    if device.type == "cpu":
        found["merge by mask"] = partial(merged, merge.merge_by_mask)
    else:
        found["sdpa without flash"] = without_flash
    return {**found, "widened": widened, "dense in the dtype": dense, "auto": auto}


def errors(found: Tensor, right: Tensor) -> tuple[float, float]:
    """||a - b|| / ||b|| over all of [.., cells, d], and of the worst cell."""
    difference = found.double() - right
    cell = difference.norm(dim=-1) / right.norm(dim=-1)
    return float(difference.norm() / right.norm()), float(cell.max())


@dataclass
class Tally:
    """The worst of an implementation in a dtype."""

    limit: float
    cases: int = 0
    whole: float = 0.0
    cell: float = 0.0
    where: str = ""
    failures: list[str] = field(default_factory=list)

    def add(self, what: str, whole: float, cell: float) -> None:
        whole, cell = (math.inf if math.isnan(e) else e for e in (whole, cell))
        self.cases += 1
        if not (whole <= self.limit and cell <= WORST_CELL * self.limit):
            self.failures.append(f"{what}: {whole:.1e} over all, {cell:.1e} of the worst cell")
        if whole >= self.whole:
            self.whole, self.where = whole, what
        self.cell = max(cell, self.cell)

    def failed(self, what: str, error: Exception) -> None:
        self.cases += 1
        self.whole, self.cell, self.where = math.inf, math.inf, what
        self.failures.append(f"{what}: {type(error).__name__}: {first_line(error)}")


def run(part: Part) -> None:
    device, tallies = part.device, {}

    def tally(name: str, dtype: torch.dtype, times: float = 1.0) -> Tally:
        return tallies.setdefault((name, dtype), Tally(times * LIMITS[dtype]))

    every = list(cases(part.tiny))
    # Only that something was compiled counts here: a failure shows again in its own case.
    in_threads([partial(fused.triton, *case.arguments(device)) for case in every] if device.type == "cuda" else [], device, part.left() / 2)
    try:
        for number, case in enumerate(every):
            if not part.has(2.0, f"{len(every) - number} of {len(every)} cases of the proof"):
                break
            _prove(case, device, tally)
        for dtype, dim in itertools.product(LIMITS, (40,) if part.tiny else DIMS):
            _plain(dtype, dim, device, tally)
        for dtype, channels in itertools.product(LIMITS, (64,) if part.tiny else (320, 640, 1280)):
            _whole_fuser(dtype, channels, device, tally)
    finally:
        _report(part, tallies)


def _prove(case: Case, device: torch.device, tally: Callable[..., Tally]) -> None:
    arguments = case.arguments(device)
    *tensors, members, tokens, bias = arguments
    right = dense(*(t.double() for t in tensors), members, tokens, bias)
    for name, call in implementations(case, device).items():
        _try(tally(name, case.dtype), str(case), partial(call, *arguments), right, case.dtype, twice=name == "triton")


def _try(tally: Tally, what: str, call: Callable[[], Tensor], right: Tensor, dtype: torch.dtype, twice: bool = False) -> None:
    try:
        # Whatever the call leaves unwritten should be NaN: the allocator gives back what was freed last.
        torch.full(right.shape, math.nan, dtype=dtype, device=right.device)
        out = call()
        tally.add(what, *errors(out, right))
        if twice and not torch.equal(out, call()):
            tally.failures.append(f"{what}: a second run gave another result")
    except Exception as error:
        tally.failed(what, error)
        if right.device.type == "cuda":
            torch.cuda.synchronize()  # raises where the device itself no longer answers


def _plain(dtype: torch.dtype, dim: int, device: torch.device, tally: Callable[..., Tally]) -> None:
    """Rows that see no region: the fuser's attention without a mask."""
    q, k, v = (torch.randn(2, 77, 2 * dim, device=device).to(dtype) for _ in range(3))
    right = plain_attention(q.double(), k.double(), v.double(), 2)
    _try(tally("no region: plain attention", dtype), f"{short(dtype)}, d = {dim}", lambda: plain_attention(q, k, v, 2), right, dtype)


def _whole_fuser(dtype: torch.dtype, channels: int, device: torch.device, tally: Callable[..., Tally]) -> None:
    """A fuser with a row that has regions and one that has none, and with two that have none; what it adds to x is compared."""
    module = fuser(channels, device, dtype)
    exact = copy.deepcopy(module).double()
    case = replace(Case(dtype, channels // 8, 5, (7, 11)), bias="strengths")
    *_, members, tokens, bias = case.arguments(device)
    x, instances = torch.randn(2, 77, channels, device=device).to(dtype), torch.randn(1, 5 * tokens, 768, device=device).to(dtype)
    for name, runs in {
        "a fuser, regions in one of two rows": [LevelInstances(1, instances, tokens, members, bias), LevelInstances(1)],
        "a fuser, no region": [LevelInstances(2)],
    }.items():
        right = exact(x.double(), [replace(r, tokens=None if r.tokens is None else r.tokens.double()) for r in runs]) - x.double()
        _try(tally(name, dtype, WHOLE_FUSER), f"{short(dtype)}, {channels} channels", lambda: module(x, runs).double() - x.double(), right, dtype)  # noqa: B023


def _report(part: Part, tallies: dict[tuple[str, torch.dtype], Tally]) -> None:
    for (name, dtype), tally in tallies.items():
        more = f"{tally.cases} cases, {len(tally.failures)} failed; worst: {tally.where}"
        part.row(Row("error against float64: ||a - b|| / ||b||", f"{name}, {short(dtype)}", tally.whole, unit="", at_most=tally.limit, note=more))
    for (name, dtype), tally in tallies.items():
        part.row(Row("the same of the worst cell", f"{name}, {short(dtype)}", tally.cell, unit="", at_most=WORST_CELL * tally.limit))
    failures = [f"{name}, {line}" for (name, _), tally in tallies.items() for line in tally.failures]
    if failures:
        part.text(f"{len(failures)} proofs failed", "\n".join(failures[:40]))
        raise AssertionError(f"{len(failures)} proofs failed; the first: {failures[0]}")
