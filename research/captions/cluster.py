"""The same shards on many machines: Ray Data places actors, streams shards to them and keeps the pressure off.

One row is one shard, which its actor writes whole into the folder that all machines see: what is missing in it is what
a later run does, so Ray's own checkpoints are not needed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from deig_core.errors import DeigError

from .run import Done, Progress, Worker, interrupted

ROOT = Path(__file__).resolve().parents[2]
HERE = "local"


class Actor:
    """Built once on its machine, with an engine of its own."""

    def __init__(self, options: argparse.Namespace, expected: dict, again: bool):
        self.again, self.wrong = again, ""
        try:
            self.worker = Worker.of_options(options)
            if self.worker.made_with() != expected:
                self.wrong = f"An actor would answer otherwise than the driver: {self.worker.made_with()}, {expected}."
        except (DeigError, OSError) as error:  # raised here, Ray would build the actor again and again
            self.wrong = str(error)

    def __call__(self, row: dict) -> dict:
        if self.wrong:
            return {"wrong": self.wrong}
        try:
            return {"wrong": "", **asdict(self.worker(int(row["shard"]), self.again))}
        except (DeigError, OSError) as error:
            return {"wrong": str(error)}


def run_on_ray(
    options: argparse.Namespace, expected: dict, todo: Sequence[int], progress: Progress, *, again: bool = False
) -> bool:
    """All shards of `todo` by `options.actors` actors (least, most) with `options.gpus` GPUs each.

    options.ray: address of a cluster, or "local" for one on this machine. Returns whether all were done; raises
    DeigError with what an actor reports.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.data import ActorPoolStrategy, DataContext
    except ImportError as error:
        raise DeigError(f"Ray is missing ({error}): pip install 'ray[data]' (extra `ray` of pyproject.toml).") from None
    least, most = options.actors[0], options.actors[-1]
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, options.ray, most)
    DataContext.get_current().enable_progress_bars = False
    resources = {"num_gpus": options.gpus} if options.gpus else {"num_cpus": 1}
    done = (
        ray.data.from_items([{"shard": index} for index in todo], override_num_blocks=len(todo))
        .map(
            Actor,
            fn_constructor_args=(options, expected, again),
            compute=ActorPoolStrategy(min_size=least, max_size=most),
            **resources,
        )
        .iter_rows()
    )
    try:
        with interrupted() as stop:
            for row in done:
                wrong = row.pop("wrong")
                if wrong:
                    raise DeigError(wrong)
                progress.add(Done(**row))
                if stop.is_set():
                    return False
        return True
    finally:
        done = None
        if ours:
            ray.shutdown()


def _connect(ray, address: str, actors: int) -> None:
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    if address == HERE:
        ray.init(num_cpus=max(actors + 1, os.cpu_count() or 1), object_store_memory=200 * 2**20, **quiet)
        return
    code = {"working_dir": str(ROOT), "excludes": [".dev", ".git", "docs", "tests", "web"]}
    try:
        ray.init(address=address, runtime_env=code, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DeigError(f"No Ray cluster answers at {address} ({error}): `ray start --head` there first.") from None
