"""What the figures were measured on."""

from __future__ import annotations

import ctypes
import datetime
import importlib
import os
import platform
import re
import sys
from pathlib import Path

import torch

UNKNOWN = "unknown"


def environment(device: torch.device) -> dict[str, str]:
    """Card, driver, versions and date, all as text."""
    found = {"date": datetime.date.today().isoformat(), "card": platform.processor() or platform.machine() or UNKNOWN}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found |= {
            "card": card.name,
            "compute capability": f"{card.major}.{card.minor}",
            "memory": f"{card.total_memory / 2**30:.0f} GiB",
            "multiprocessors": str(card.multi_processor_count),
            "shared memory of a block": _shared_memory(card),
            "driver": driver(),
        }
    found |= {
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda or torch.version.hip or "none"),
        "triton": _version("triton"),
        "transformers": _version("transformers"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": str(os.cpu_count()),
    }
    return found


def _shared_memory(card) -> str:
    kilobytes = getattr(card, "shared_memory_per_block_optin", 0) // 1024
    return f"{kilobytes} KB" if kilobytes else UNKNOWN


def _version(module: str) -> str:
    try:
        return str(importlib.import_module(module).__version__)
    except ImportError:
        return "none"


def driver() -> str:
    """The NVIDIA driver's version as nvidia-smi says it (of the library that it asks, or the kernel), or "unknown"."""
    return _driver_from_library() or _driver_from_kernel() or UNKNOWN


def _driver_from_library(name: str = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1") -> str | None:
    try:
        library = ctypes.CDLL(name)
        text = ctypes.create_string_buffer(96)
        if library.nvmlInit_v2() == 0 and library.nvmlSystemGetDriverVersion(text, len(text)) == 0:
            return text.value.decode(errors="replace") or None
    except (OSError, AttributeError):
        pass
    return None


def _driver_from_kernel(path: Path = Path("/proc/driver/nvidia/version")) -> str | None:
    try:
        found = re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)\s", path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return found[1] if found else None
