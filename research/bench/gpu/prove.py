"""Every implementation of the masked attention against the dense definition in float64, on the card at hand.

The error of a result a against the right one b is ||a - b|| / ||b||, over all of it and over the worst single cell: a
wrong bit of a mask touches few cells and could hide in the whole.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from deig_core.attention import masked_attention, merge
from deig_core.attention.contract import AttentionCall
from deig_core.attention.dense import dense
from deig_core.attention.flash import flash_with_lse
from deig_core.attention.sdpa import sdpa
from deig_core.attention.triton import policy
from deig_core.attention.widened import widened
from deig_core.model.fuser import Fuser, LevelInstances, plain_attention

from ...errors import with_class
from ..measure import Row
from ..scene import fuser
from .cases import DIMS, Case, cases
from .part import Part
from .rivals import kernel_runs, short
from .threads import in_threads

LIMITS = {torch.float32: 2e-5, torch.float16: 1.5e-3, torch.bfloat16: 1.2e-2}
"""Of the error over the whole: some three times what rounding weights and output once to the dtype gives."""
WORST_CELL = 4.0  # times the limit: a cell's channels are few, so its error scatters
WHOLE_FUSER = 6.0  # times the limit: what a fuser adds to x is smaller than x, whose rounding it bears


Implementation = Callable[[AttentionCall], Tensor]


def implementations(case: Case, device: torch.device) -> dict[str, Implementation]:
    """Every path that can take the case's tensors, by name."""

    def merged(how: Callable[[AttentionCall, Tensor, Tensor], Tensor], call: AttentionCall) -> Tensor:
        before, merge.SCRATCH_ENTRIES = merge.SCRATCH_ENTRIES, 5000  # several pieces, the last one odd
        try:
            return how(call, *flash_with_lse(call.q, call.k, call.v))
        finally:
            merge.SCRATCH_ENTRIES = before

    def without_flash(call: AttentionCall) -> Tensor:
        with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
            return sdpa(call)

    def auto(call: AttentionCall) -> Tensor:
        tensors = call.q, call.k, call.v, call.token_k, call.token_v, call.members
        out = masked_attention(*tensors, tokens_per_region=call.tokens_per_region, bias=call.bias)
        if device.type == "cuda" and not policy.suits(call.q):
            raise RuntimeError("auto has given the kernel up")
        return out

    found: dict[str, Implementation] = {"triton": policy.triton} if kernel_runs(device, case.dtype) else {}
    found |= {
        "sdpa": sdpa,
        "merge by cells": partial(merged, merge.merge_by_cells),
        "merge by region": partial(merged, merge.merge_by_region),
    }
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
        """what: the case. whole, cell: its two `errors`; NaN counts as infinite."""
        whole, cell = (math.inf if math.isnan(e) else e for e in (whole, cell))
        self.cases += 1
        if not (whole <= self.limit and cell <= WORST_CELL * self.limit):
            self.failures.append(f"{what}: {whole:.1e} over all, {cell:.1e} of the worst cell")
        if whole >= self.whole:
            self.whole, self.where = whole, what
        self.cell = max(cell, self.cell)

    def failed(self, what: str, error: Exception) -> None:
        """A case that raised: its errors count as infinite."""
        self.cases += 1
        self.whole, self.cell, self.where = math.inf, math.inf, what
        self.failures.append(f"{what}: {with_class(error)}")


def run(part: Part) -> None:
    device, tallies = part.device, {}

    def tally(name: str, dtype: torch.dtype, times: float = 1.0) -> Tally:
        return tallies.setdefault((name, dtype), Tally(times * LIMITS[dtype]))

    every = list(cases(part.tiny))
    # Only that something was compiled counts here: a failure shows again in its own case.
    in_threads(
        [partial(policy.triton, case.call(device)) for case in every] if device.type == "cuda" else [],
        device,
        part.left() / 2,
    )
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
    call = case.call(device)
    names = ("q", "k", "v", "token_k", "token_v")
    right = dense(replace(call, **{name: getattr(call, name).double() for name in names}))
    for name, compute in implementations(case, device).items():
        _try(tally(name, case.dtype), str(case), partial(compute, call), right, case.dtype, twice=name == "triton")


def _try(
    tally: Tally, what: str, call: Callable[[], Tensor], right: Tensor, dtype: torch.dtype, twice: bool = False
) -> None:
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
    _try(
        tally("no region: plain attention", dtype),
        f"{short(dtype)}, d = {dim}",
        lambda: plain_attention(q, k, v, 2),
        right,
        dtype,
    )


def _whole_fuser(dtype: torch.dtype, channels: int, device: torch.device, tally: Callable[..., Tally]) -> None:
    """A fuser with a row that has regions and one without, and with two without; what it adds to x is compared."""
    module = fuser(channels, device, dtype)
    exact = copy.deepcopy(module).double()
    case = replace(Case(dtype, channels // 8, 5, (7, 11)), bias="strengths")
    call = case.call(device)
    x, instances = (
        torch.randn(2, 77, channels, device=device).to(dtype),
        torch.randn(1, 5 * call.tokens_per_region, 768, device=device).to(dtype),
    )
    for name, runs in {
        "a fuser, regions in one of two rows": [
            LevelInstances(1, instances, call.tokens_per_region, call.members, call.bias),
            LevelInstances(1),
        ],
        "a fuser, no region": [LevelInstances(2)],
    }.items():
        in_float64 = [replace(run, tokens=None if run.tokens is None else run.tokens.double()) for run in runs]
        right = exact(x.double(), in_float64) - x.double()
        added = partial(_added, module, x, runs)
        _try(tally(name, dtype, WHOLE_FUSER), f"{short(dtype)}, {channels} channels", added, right, dtype)


def _added(module: Fuser, x: Tensor, runs: list[LevelInstances]) -> Tensor:
    return module(x, runs).double() - x.double()


def _report(part: Part, tallies: dict[tuple[str, torch.dtype], Tally]) -> None:
    for (name, dtype), tally in tallies.items():
        more = f"{tally.cases} cases, {len(tally.failures)} failed; worst: {tally.where}"
        part.row(
            Row(
                "error against float64: ||a - b|| / ||b||",
                f"{name}, {short(dtype)}",
                tally.whole,
                unit="",
                at_most=tally.limit,
                note=more,
            )
        )
    for (name, dtype), tally in tallies.items():
        part.row(
            Row(
                "the same of the worst cell",
                f"{name}, {short(dtype)}",
                tally.cell,
                unit="",
                at_most=WORST_CELL * tally.limit,
            )
        )
    failures = [f"{name}, {line}" for (name, _), tally in tallies.items() for line in tally.failures]
    if failures:
        part.text(f"{len(failures)} proofs failed", "\n".join(failures[:40]))
        raise AssertionError(f"{len(failures)} proofs failed; the first: {failures[0]}")
