"""python -m research.bench [--json FILE]: the rows that need no ComfyUI."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

import torch

from . import fusers
from .gpu.environment import environment
from .measure import Row, table


def rows(device: torch.device, rounds: int) -> Iterator[Row]:
    """Every row on this device as it is measured, in float16 on a GPU and in float32 on a CPU. rounds: measurements a
    row.
    """
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    yield from fusers.rows(device, dtype, rounds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m research.bench", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="also write the rows here")
    parser.add_argument("--rounds", type=int, default=5, help="measurements a row (default 5)")
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads (default 1: then a thread's own time is measured)"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    measured = {}
    devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    measured_on = environment(torch.device(devices[-1])) | {"threads": str(torch.get_num_threads())}
    print("  ".join(f"{k} {v}" for k, v in measured_on.items()), flush=True)
    for name in devices:
        print(f"\n== {name} ==", flush=True)
        found, group = [], None
        with torch.no_grad():
            for row in rows(torch.device(name), options.rounds):
                text = table([row])
                print(text if row.group != group else text.partition("\n")[2], flush=True)
                group = row.group
                found.append(row.to_dict())
        measured[name] = found
    if "cuda" not in devices:
        print("\nNo GPU here: python -m research.bench.gpu measures one.")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"environment": measured_on, "rows": measured}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
