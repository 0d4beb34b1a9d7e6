"""The attention alone, at Stable Diffusion's sizes: the kernel against all else, and if `auto` takes the fastest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from deig_core.attention.triton import policy

from ..measure import seconds
from .clock import attempt, one_by_one, prepared, ratio_of, rounds_of
from .part import Part
from .rivals import Shape, exact, flex, kernel_runs, unmasked
from .threads import in_threads

GRIDS = {"512 px": ((64, 40), (32, 80), (16, 160), (8, 160)), "1024 px": ((128, 40), (64, 80), (32, 160), (16, 160))}
WITH_FLEX = ((64, 40), (128, 40), (32, 80), (64, 80))
GOALS = {"flash": 1.03, "mask": 0.5}
NAMES = {
    "flash": "unmasked flash attention",
    "torch's choice": "unmasked, torch's own choice",
    "mask": "torch's attention with a dense mask",
    "sdpa": "ours without the kernel (unmasked, then merged)",
    "widened": "ours by widened heads",
    "flex": "FlexAttention",
}
AGREES = 1.05  # a choice this near the fastest is as good
FLEX_SECONDS = 25.0  # its compiler takes most of it


def run(part: Part) -> None:
    rounds = 1 if part.tiny else 9
    first, *others = _shapes(part.tiny)
    _compile(part, [shape for shapes in (first, *others) for shape in shapes])
    choices: list[list[str]] = []

    def measure(shape: Shape) -> None:
        if part.has(1.0, str(shape)):
            part.piece(str(shape), lambda: choices.extend(_measured(part, shape, rounds)))
            part.table(
                "What auto should take", ["shape", "fastest", "", "auto takes", "", "agrees (within 5 %)"], choices
            )

    for shape in first:
        measure(shape)
        if part.has(1.0, f"launching, {shape}"):
            part.piece(f"launching, {shape}", partial(_launching, part, shape, rounds))
    for shape in first:
        if (part.tiny or (shape.side, shape.dim) in WITH_FLEX) and part.has(FLEX_SECONDS, f"FlexAttention, {shape}"):
            part.piece(f"FlexAttention, {shape}", partial(_flex, part, shape, rounds))
    for shapes in others:
        for shape in shapes:
            measure(shape)


def _shapes(tiny: bool) -> Iterator[list[Shape]]:
    """What matters most first, for time may run out."""
    if tiny:
        small = Shape(4, 8, 5, torch.float16, heads=1)
        yield [small, replace(small, side=8, count=1)]
        yield [replace(small, dtype=torch.bfloat16)]
        return
    grids = [grid for size in GRIDS.values() for grid in size]
    for dtype in (torch.float16, torch.bfloat16):
        for count in (5, 64, 1):
            yield [Shape(side, dim, count, dtype) for side, dim in dict.fromkeys(grids)]


def _compile(part: Part, shapes: list[Shape]) -> None:
    calls = [exact(shape.call(part.device))["triton"] for shape in shapes if part.device.type == "cuda"]
    for shape, why in zip(shapes, in_threads(calls, part.device, part.left() / 2), strict=False):
        if why:
            part.note(f"{shape}: the kernel was not made beforehand ({why}).")


def _measured(part: Part, shape: Shape, rounds: int) -> list[list[str]]:
    """Time everything at one shape; returns the shape's line of what auto should take."""
    masked = shape.call(part.device)
    works, missing = {}, {}
    for name, call in {**exact(masked), **unmasked(masked)}.items():
        made = attempt(lambda: prepared(call, part.device))
        (missing if isinstance(made, str) else works)[name] = made
    for name, why in missing.items():
        part.note(f"{shape}: {NAMES.get(name, name)} could not run ({why}).")
    times = rounds_of(works, part.device, rounds)
    return _compared(part, shape, times, {name: work.why_not for name, work in works.items() if work.why_not})


def _compared(part: Part, shape: Shape, times: dict[str, list[float]], launched: dict[str, str]) -> list[list[str]]:
    for other in ("flash", "torch's choice", "mask", "sdpa", "widened"):
        if "triton" in times and other in times:
            how = {"note": f"launched one by one: {launched[other]}"} if other in launched else {}
            found = ratio_of(times["triton"], times[other])
            part.row(found.row(f"the kernel / {NAMES[other]}", str(shape), at_most=GOALS.get(other), **how))
    own = {
        name: sorted(times[name])[len(times[name]) // 2]
        for name in ("triton", "sdpa", "widened", "mask")
        if name in times
    }
    if not own:
        return []
    best, taken = min(own, key=own.__getitem__), _auto(part.device, shape.dtype)
    agrees = taken in own and own[taken] <= AGREES * own[best]
    slower = f"no: {own[taken] / own[best]:.2f} x" if taken in own else "no: it did not run"
    return [
        [
            str(shape),
            best,
            seconds(own[best]),
            taken,
            seconds(own[taken]) if taken in own else "",
            "yes" if agrees else slower,
        ]
    ]


def _auto(device: torch.device, dtype: torch.dtype) -> str:
    """What `masked_attention` chooses by itself where no gradient is wanted."""
    return "triton" if policy.suits(torch.empty(1, 1, 1, 1, device=device, dtype=dtype)) else "sdpa"


def _launching(part: Part, shape: Shape, rounds: int) -> None:
    """How much longer a call takes when the program launches it than when a graph does: what small grids are about."""
    if not kernel_runs(part.device, shape.dtype):
        return
    for name, call in exact(shape.call(part.device)).items():
        if name not in ("triton", "sdpa"):
            continue
        work = attempt(lambda: prepared(call, part.device))
        if not isinstance(work, str):
            replayed = rounds_of({name: work}, part.device, rounds)[name]
            found = ratio_of(one_by_one(call, part.device, rounds, calls=1 if part.tiny else 20), replayed)
            part.row(found.row("launched one by one / replayed", f"{name}: {shape}"))


def _flex(part: Part, shape: Shape, rounds: int) -> None:
    call, works = shape.call(part.device), {}
    for name, make in {"triton": lambda: exact(call)["triton"], "flex": lambda: flex(call)}.items():
        made = attempt(lambda: prepared(make(), part.device))
        if isinstance(made, str):
            part.note(f"{shape}: {NAMES.get(name, name)} could not run ({made}).")
            return
        works[name] = made
    times = rounds_of(works, part.device, rounds)
    part.row(ratio_of(times["triton"], times["flex"]).row(f"the kernel / {NAMES['flex']}", str(shape)))
