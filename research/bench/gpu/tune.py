"""The tiles that are best on this card, in the form in which `attention/triton/tiles.py` has its table."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import torch

from deig_core.attention.contract import AttentionCall
from deig_core.attention.sdpa import sdpa
from deig_core.attention.triton.tiles import Tile, shared_memory, split, tile_for

from ...errors import with_class
from ..measure import Row, seconds
from .clock import Prepared, attempt, prepared, rounds_of
from .part import Part
from .prove import LIMITS, errors
from .rivals import Shape, kernel_runs
from .threads import LATE, in_threads

# (rows, warps), keys and stages by the bits of a number.
SHAPES = {16: ((64, 4), (128, 4), (128, 8), (256, 8)), 32: ((32, 4), (64, 4), (64, 8), (128, 8))}
KEYS = {16: (32, 64, 128), 32: (16, 32, 64)}
STAGES = {16: (2, 3, 4), 32: (2, 3)}
CLASSES = (163, 227)  # KB that a block can have: A100, H100; below the first, the table's own entries are meant
TITLE = "Entries for LARGER in deig_core/attention/triton/tiles.py"
NOISE = 0.98  # the present tile stays unless another is this much faster
SECONDS = 4.0  # a width takes about this long to compile and measure


def run(part: Part) -> None:
    entries: dict[tuple[int, int], Tile] = {}
    shared = shared_memory(part.device.index) if part.device.type == "cuda" else 0
    for shapes in _widths(part.tiny):
        shape = shapes[0]
        if not kernel_runs(part.device, shape.dtype):
            part.note(f"{_named(shape)}: the kernel needs a GPU here.")
        elif part.has(SECONDS, f"tuning {_named(shape)}"):
            part.piece(f"tuning {_named(shape)}", partial(_tuned, part, shapes, shared, entries))
            if entries:
                part.text(
                    TITLE if shared else f"{TITLE}, if torch knew how much shared memory this card has",
                    as_code(entries, shared),
                )


def as_code(entries: dict[tuple[int, int], Tile], shared: int) -> str:
    """The entries as tiles.LARGER holds them, under the class that a card with `shared` KB belongs to."""
    least = max((c for c in CLASSES if c <= shared), default=shared)
    lines = "".join(
        f"        {key}: {tile},\n" for key, tile in sorted(entries.items(), key=lambda e: (e[0][1], e[0][0]))
    )
    return f"    {least}: {{\n{lines}    }},"


def _widths(tiny: bool) -> Iterator[list[Shape]]:
    """For each head width and dtype the shapes that count, 512 and 1024 px: Stable Diffusion's own widths first."""
    if tiny:
        yield [Shape(4, 8, 2, torch.float16, heads=1, batch=1)]
        return
    sides = {40: (64, 128), 80: (32, 64), 160: (16, 32), 64: (64,), 128: (32,), 256: (32,)}
    for dtype, dims in (
        (torch.float16, (40, 80, 160)),
        (torch.float32, (40, 80, 160)),
        (torch.float16, (64, 128, 256)),
        (torch.float32, (64, 128, 256)),
    ):
        for dim in dims:
            yield [Shape(side, dim, 5, dtype) for side in (sides[dim] if dtype != torch.float32 else sides[dim][:1])]


def _key(shape: Shape) -> tuple[int, int]:
    return sum(split(shape.dim)), torch.finfo(shape.dtype).bits


def _named(shape: Shape) -> str:
    low, high = split(shape.dim)
    return f"d = {shape.dim} ({low} + {high}), {torch.finfo(shape.dtype).bits} bits"


def candidates(width: int, bits: int, shared: int, tiny: bool = False) -> list[Tile]:
    """Tiles worth trying: what is sure to exceed `shared` KB, or a thread's registers, is not."""
    if tiny:
        return [(32, 16, 4, 1), (16, 16, 4, 1)]
    found = []
    for (rows, warps), keys, stages in itertools.product(SHAPES[bits], KEYS[bits], STAGES[bits]):
        # A stage holds a tile of keys and one of values; one of the stages may live in registers.
        kilobytes = (stages - 1) * 2 * keys * width * bits / 8 / 1024
        # Logits and sums are float32, shared out among the threads. Of 255 registers a thread needs some for the rest,
        # and what spills is never the fastest, but takes longest to compile.
        registers = rows * (keys + width) / (32 * warps)
        if kilobytes <= max(shared, 99) and registers <= 200:
            found.append((rows, keys, warps, stages))
    return found


def _launched(call: AttentionCall, tile: Tile) -> torch.Tensor:
    from deig_core.attention.triton.launch import launch

    return launch(call, tile)


def _tuned(part: Part, shapes: list[Shape], shared: int, entries: dict[tuple[int, int], Tile]) -> None:
    """Measure all candidates on the shapes and report; the best tile goes to `entries`."""
    device, named, (width, bits) = part.device, _named(shapes[0]), _key(shapes[0])
    present = tile_for(width, shapes[0].dtype, shared)
    tiles = list(dict.fromkeys([present, *candidates(width, bits, shared, part.tiny)]))
    first = shapes[0].call(device)
    made = in_threads([partial(_launched, first, tile) for tile in tiles], device, part.left() - SECONDS)
    in_time = [tile for tile, why in zip(tiles, made, strict=True) if why != LATE]  # what failed says so again, alone
    skipped = Counter({LATE: len(tiles) - len(in_time)} if len(in_time) < len(tiles) else {})
    works = _prepared(in_time, shapes[0], first, device, skipped)
    if present not in works:
        part.note(f"{named}: the present tile {present} did not run, so nothing was compared ({_counted(skipped)}).")
        return
    # A quick look at all on one shape, then a long one at the best on every shape.
    quick = _medians(works, device, 1 if part.tiny else 3)
    finalists = list(dict.fromkeys([present, *sorted(works, key=quick.__getitem__)[:6]]))
    gains, notes = dict.fromkeys(finalists, 1.0), []
    for shape in shapes:
        times = _medians(
            _prepared(finalists, shape, shape.call(device), device, skipped), device, 1 if part.tiny else 9
        )
        for tile in finalists:
            gains[tile] *= (times.get(tile, math.inf) / times[present]) ** (1 / len(shapes))
        notes.append((shape, times))
    best = min(finalists, key=gains.__getitem__)
    best = best if gains[best] < NOISE else present
    sizes = "; ".join(
        f"{shape.side} x {shape.side}: {seconds(times[best])} / {seconds(times[present])}" for shape, times in notes
    )
    part.row(
        Row(
            "time with the best tile / with the present one",
            named,
            gains[best],
            note=f"{best} / {present}; {sizes}; {len(works)} tiles measured, skipped: {_counted(skipped)}",
        )
    )
    _bf16_runs(part, shapes[0], best)
    entries[_key(shapes[0])] = best


def _counted(skipped: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in skipped.items()) or "none"


def _medians(works: dict[Tile, Prepared], device: torch.device, rounds: int) -> dict[Tile, float]:
    return {tile: statistics.median(times) for tile, times in rounds_of(works, device, rounds).items()}


def _prepared(
    tiles: Sequence[Tile], shape: Shape, call: AttentionCall, device: torch.device, skipped: Counter[str]
) -> dict[Tile, Prepared]:
    """The kernel with each tile that gives the right result; for the others the reason is counted."""
    right = sdpa(call).double()

    def checked(tile: Tile) -> Prepared:
        launched = partial(_launched, call, tile)
        whole, _ = errors(launched(), right)
        if not whole <= 2 * LIMITS[shape.dtype]:
            raise WrongResult(f"{tile}: {whole:.1e}")
        return prepared(launched, device)

    found = {tile: attempt(partial(checked, tile)) for tile in tiles}
    skipped.update(why.partition(":")[0] for why in found.values() if isinstance(why, str))
    return {tile: work for tile, work in found.items() if not isinstance(work, str)}


class WrongResult(Exception):
    """A tile whose kernel computes something else."""


def _bf16_runs(part: Part, shape: Shape, best: Tile) -> None:
    """The table has one entry for fp16 and bf16, measured in fp16: say so if bf16 cannot run it."""
    if shape.dtype != torch.float16 or not kernel_runs(part.device, torch.bfloat16):
        return
    other = Shape(shape.side, shape.dim, shape.count, torch.bfloat16)
    try:
        _launched(other.call(part.device), best)
    except Exception as error:
        part.note(f"bf16 cannot run {best} ({with_class(error)}): leave this entry out.")
