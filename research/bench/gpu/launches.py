"""How many kernels a call launches, and how often it makes the CPU wait for the device."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from ..measure import Call

LAUNCHES = (
    "cudaLaunchKernel",
    "cudaLaunchKernelExC",
    "cudaLaunchCooperativeKernel",
    "cuLaunchKernel",
    "cuLaunchKernelEx",
    "hipLaunchKernel",
    "hipExtLaunchKernel",
    "hipModuleLaunchKernel",
    "hipExtModuleLaunchKernel",
)
WAITS = ("cudaStreamSynchronize", "cudaEventSynchronize", "hipStreamSynchronize", "hipEventSynchronize")
COPIES = ("Memcpy DtoH", "Memcpy HtoD")
READS = ("aten::item", "aten::_local_scalar_dense", "aten::nonzero", "aten::is_nonzero")


@dataclass(frozen=True)
class Launches:
    """kernels: that ran. waits: calls by which the CPU waits for the device. others: by name, with their number.

    The others are copies between the two, operators that read a value (on any device), and the places in the code at
    which torch itself warns that it synchronises.
    """

    kernels: int
    waits: int
    others: Counter[str]

    def note(self) -> str:
        """The others in words, as in "2 Memcpy DtoH, 1 aten::item"; empty where there are none."""
        return ", ".join(f"{number} {name}" for name, number in sorted(self.others.items()))


def of_events(events: Iterable[tuple[str, bool]]) -> Launches:
    """events: name, and whether it ran on the device, of everything in a profile.

    A profile's own cudaDeviceSynchronize is no wait of the call.
    """
    ran = launched = waits = 0
    others: Counter[str] = Counter()
    for name, on_device in events:
        if copy := next((kind for kind in COPIES if name.startswith(kind)), None):  # "Memcpy DtoH (Device -> Pageable)"
            others[copy] += 1
        elif on_device:
            ran += not name.startswith(("Memcpy", "Memset"))
        elif name in READS:
            others[name] += 1
        else:
            launched += name in LAUNCHES
            waits += name in WAITS
    # A profiler that may not look at the device still sees what was launched.
    return Launches(ran or launched, waits, others)


def launches(call: Call) -> Launches:
    """Of one call, warmed up before."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=activities) as found:
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    seen = of_events((event.name, event.device_type == DeviceType.CUDA) for event in found.events())
    with _warned() as warned:
        call()
    return replace(seen, others=seen.others + warned)


@contextmanager
def _warned() -> Iterator[Counter[str]]:
    """Places ("file.py:12") at which torch warns of a synchronisation."""
    places: Counter[str] = Counter()
    if not torch.cuda.is_available():
        yield places
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield places
        finally:
            torch.cuda.set_sync_debug_mode("default")
    for warning in caught:
        if "called a synchronizing" in str(warning.message):
            places[f"{warning.filename.replace(chr(92), '/').rpartition('/')[2]}:{warning.lineno}"] += 1
