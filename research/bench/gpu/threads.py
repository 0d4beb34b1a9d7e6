"""Many kernels compiled side by side: Triton's compiler runs without Python's lock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import torch

from ...errors import with_class
from ..measure import Call

LATE = "it was not compiled in time"


def in_threads(calls: Sequence[Call], device: torch.device, seconds: float) -> list[str | None]:
    """Run each call once; what it raised ("Name: sentence"), `LATE` after `seconds`, or None.

    On a CPU nothing is run, for there is no compiler.

    Raises if the device itself no longer answers afterwards.
    """
    if device.type != "cuda" or not calls:
        return [None] * len(calls)

    def tried(call: Call) -> str | None:
        try:
            call()
        except Exception as error:
            return with_class(error)
        return None

    # The first one alone: it also sets up what all share.
    first = tried(calls[0])
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1), initializer=lambda: torch.zeros(1, device=device))
    futures = [pool.submit(tried, call) for call in calls[1:]]
    wait(futures, timeout=max(0.0, seconds))
    pool.shutdown(wait=False, cancel_futures=True)
    found = [first, *(future.result() if future.done() and not future.cancelled() else LATE for future in futures)]
    torch.cuda.synchronize()
    return found
