"""Ratios that survive a busy machine, and the memory that a call really takes."""

from __future__ import annotations

import statistics
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from deig_core.attention.triton import policy

Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the table. value: the median; low, high: the smallest and the largest round; at_most, at_least:
    the goal, if any.
    """

    group: str
    name: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = "x"
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value meets the goal; None where there is none."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    def to_dict(self) -> dict:
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Ratio:
    """a / b over several rounds: the median of the rounds' ratios, their range, and the median seconds of both."""

    value: float
    low: float
    high: float
    a: float
    b: float

    def row(self, group: str, name: str, **more) -> Row:
        """more: further fields of `Row`; its note is put after the two times."""
        note = f"{seconds(self.a)} / {seconds(self.b)}"
        return Row(
            group,
            name,
            self.value,
            self.low,
            self.high,
            note=f"{note}; {more.pop('note')}" if "note" in more else note,
            **more,
        )


def seconds(value: float) -> str:
    """In words, as in "1.20 s", "3.4 ms" or "12 us"."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} us"


def timed(call: Call) -> float:
    """Seconds that a call takes, a GPU's work included. Of a single CPU thread its own time, so that a busy
    neighbour does not count.
    """
    clock = time.process_time if torch.get_num_threads() == 1 and not torch.cuda.is_available() else time.perf_counter
    _wait()
    began = clock()
    call()
    _wait()
    return clock() - began


def ratio(a: Call, b: Call, *, rounds: int = 5) -> Ratio:
    """Run a and b in turn, so that whatever else the machine does meets both; the first of each is not counted."""
    a(), b()
    pairs = [(timed(a), timed(b)) for _ in range(rounds)]
    return of_pairs(pairs)


def of_pairs(pairs: list[tuple[float, float]]) -> Ratio:
    """The ratio of measured (a, b) pairs."""
    ratios = [x / y for x, y in pairs]
    return Ratio(
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        *(statistics.median(side) for side in zip(*pairs, strict=True)),
    )


class _Live(TorchDispatchMode):
    """Counts the bytes of the storages that tensors made under it still hold."""

    def __init__(self):
        super().__init__()
        self.peak = self.held = 0
        self._holders: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        given = {t.untyped_storage().data_ptr() for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                place, size = storage.data_ptr(), storage.nbytes()
                if place in self._holders or place not in given:  # else a view of what was there before
                    self.held += 0 if place in self._holders else size
                    self._holders[place] = self._holders.get(place, 0) + 1
                    weakref.finalize(tensor, self._release, place, size)
        self.peak = max(self.peak, self.held)
        return out

    def _release(self, place: int, size: int) -> None:
        self._holders[place] -= 1
        if not self._holders[place]:
            del self._holders[place]
            self.held -= size


def peak_bytes(call: Call, device: torch.device) -> int:
    """Most bytes of tensors that `call` holds at a time beyond what was there before; on a GPU the allocator's own
    count.
    """
    if device.type != "cuda":
        with _Live() as live:
            call()
        return live.peak
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    return torch.cuda.max_memory_allocated() - before


def _cpu_flash_flops(q, k, v, *_, **__) -> int:
    return sdpa_flop_count(q, k, v)


FLOPS_OF = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _cpu_flash_flops}


def flops(call: Call) -> int:
    """Floating-point operations of the products and attentions in `call`, counted by torch; a masked-out product counts
    in full.

    Torch cannot count inside the Triton kernel: while it counts, its own attention does the work.
    """
    counter = FlopCounterMode(display=False, custom_mapping=FLOPS_OF)
    with policy.put_aside(), counter:
        call()
    return counter.get_total_flops()


def table(rows: list[Row]) -> str:
    """The rows as text."""
    lines, group = [], None
    for row in rows:
        if row.group != group:
            group = row.group
            lines.append(f"\n{group}")
        spread = "" if row.low is None else f"({number(row.low)} .. {number(row.high)})"
        goals = [f"goal {sign} {number(g)}" for sign, g in (("<=", row.at_most), (">=", row.at_least)) if g is not None]
        goal = ", ".join(goals)
        mark = {None: "", True: "met", False: "MISSED"}[row.met]
        lines.append(
            f"  {row.name:<52} {number(row.value):>8} {row.unit:<4} {spread:<20} {goal:<14} {mark:<7} "
            f"{row.note}".rstrip()
        )
    return "\n".join(lines).strip("\n")


def number(value: float) -> str:
    """As the table prints it: a count whole, a value from 10 on with one decimal, a smaller one with three or more."""
    if isinstance(value, int):  # what was counted
        return str(value)
    if 0 < abs(value) < 0.01:
        return f"{value:.0e}" if abs(value) < 0.0005 else f"{value:.4f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
