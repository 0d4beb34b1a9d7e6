"""Time on a card: calls recorded in a graph and replayed between events, so that launching is not what is measured.

Where a call cannot be recorded it is launched one by one, and said so. On a CPU, where the bench is only tried out, a
clock is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from ...errors import with_class
from ..measure import Call, Ratio, of_pairs

AIM = 0.008  # seconds of work in one measurement
MOST_CALLS = 200


@dataclass(frozen=True)
class Prepared:
    """`play` does the work of `calls` calls. why_not: what kept them from being recorded in a graph, or ""."""

    play: Call
    calls: int
    why_not: str = ""


def elapsed(play: Call, device: torch.device) -> float:
    """Seconds that the device needs from the first to the last kernel of `play`."""
    if device.type != "cuda":
        began = time.perf_counter()
        play()
        return time.perf_counter() - began
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    began.record()
    play()
    ended.record()
    ended.synchronize()
    return began.elapsed_time(ended) / 1000


def prepared(call: Call, device: torch.device, *, calls: int | None = None) -> Prepared:
    """Warm `call` up (it compiles what it must) and record as many of it as fill a measurement, or `calls`."""
    if device.type != "cuda":
        call()
        return Prepared(call, 1)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(
        stream
    ):  # what a library sets up at its first use on a stream must not fall into the recording
        call()
        call()
        spent = elapsed(call, device)
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    calls = calls or max(1, min(MOST_CALLS, round(AIM / max(spent, 1e-6))))

    def repeat() -> None:
        for _ in range(calls):
            call()

    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(
            graph, capture_error_mode="thread_local"
        ):  # a late compiler's thread may still be at work
            repeat()
    except Exception as error:  # some operators cannot be recorded; they can still be timed
        torch.cuda.synchronize()
        return Prepared(repeat, calls, with_class(error))
    return Prepared(graph.replay, calls)


def rounds_of(works: Mapping[str, Prepared], device: torch.device, rounds: int) -> dict[str, list[float]]:
    """Seconds of one call of each, by round. In turn, so that a card that slows as it warms does so for all.

    The first round does not count.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            spent = elapsed(work.play, device) / work.calls
            if number:
                found[name].append(spent)
    return found


def ratio_of(a: list[float], b: list[float]) -> Ratio:
    """a / b of the same rounds."""
    return of_pairs(list(zip(a, b, strict=True)))


def one_by_one(call: Call, device: torch.device, rounds: int, calls: int = 20) -> list[float]:
    """Seconds of one call, by round, when the program launches each itself: the device's time or its own."""

    def repeat() -> None:
        for _ in range(calls):
            call()

    repeat()
    return [elapsed(repeat, device) / calls for _ in range(rounds)]


def attempt(make: Callable[[], Prepared]) -> Prepared | str:
    """What `make` returns, or why it could not: out of memory, an operator that is not there, a compiler that fails.

    Raises again if the device itself no longer answers.
    """
    try:
        return make()
    except Exception as error:
        why = with_class(error)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
        return why
