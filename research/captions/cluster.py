"""The same shards on many machines: Ray Data places actors, streams shards to them and keeps the pressure off.

One row is one shard, which its actor writes whole into the folder that all machines see: what is missing in it is what
a later run does, so Ray's own checkpoints are not needed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from deig_core.errors import DeigError

from .run import Done, Progress, Worker, interrupted

ROOT = Path(__file__).resolve().parents[2]
HERE = "local"
NOT_CODE = [".dev", ".git", "docs", "example_workflows", "research/demo/trained", "tests", "web"]  # stays here


class Actor:
    """Built once on its machine, with an engine of its own."""

    def __init__(self, options: argparse.Namespace, expected: dict, again: bool):
        self.again, self.wrong = again, ""
        try:
            self.worker = Worker.of_options(options)
            if self.worker.made_with() != expected:
                self.wrong = f"An actor would answer otherwise than the first: {self.worker.made_with()}, {expected}."
        except (DeigError, OSError) as error:  # raised here, Ray would build the actor again and again
            self.wrong = str(error)

    def __call__(self, row: dict) -> dict:
        if self.wrong:
            return {"wrong": self.wrong}
        try:
            return {"wrong": "", **asdict(self.worker(int(row["shard"]), self.again))}
        except (DeigError, OSError) as error:
            return {"wrong": str(error)}


class Cluster:
    """`options.actors` (least, most) actors with `options.gpus` GPUs each, on the connected Ray."""

    def __init__(self, options: argparse.Namespace):
        self.options = _elsewhere(options)
        self._needs = {"num_gpus": options.gpus} if options.gpus else {"num_cpus": 1}

    def made_with(self) -> dict:
        """What an actor's results are made with, asked of one: the driver may have no GPU. Raises what it reports."""
        import ray

        wrong, found = ray.get(ray.remote(max_calls=1, **self._needs)(_made_with).remote(self.options))
        if wrong:
            raise DeigError(wrong)
        return found

    def run(self, made_with: dict, todo: Sequence[int], progress: Progress, *, again: bool = False) -> bool:
        """All shards of `todo`. Returns whether all were done; raises DeigError with what an actor reports."""
        import ray
        from ray.data import ActorPoolStrategy, DataContext

        DataContext.get_current().enable_progress_bars = False
        least, most = self.options.actors[0], self.options.actors[-1]
        done = (
            ray.data.from_items([{"shard": index} for index in todo], override_num_blocks=len(todo))
            .map(
                Actor,
                fn_constructor_args=(self.options, made_with, again),
                compute=ActorPoolStrategy(min_size=least, max_size=most),
                **self._needs,
            )
            .iter_rows()
        )
        with interrupted() as stop:
            for row in done:
                wrong = row.pop("wrong")
                if wrong:
                    raise DeigError(wrong)
                progress.add(Done(**row))
                if stop.is_set():
                    return False
        return True


@contextmanager
def connected(options: argparse.Namespace) -> Iterator[Cluster]:
    """options.ray: address of a cluster, or "local" for one on this machine. Raises DeigError where there is none."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise DeigError(f"Ray is missing ({error}): pip install 'ray[data]' (extra `ray` of pyproject.toml).") from None
    if options.ray == HERE:
        processes = max(options.actors[-1] + 1, os.cpu_count() or 1)
        ray.init(
            address=HERE,  # else Ray would join one that runs, or ran, on this machine
            num_cpus=processes,
            object_store_memory=200 * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    else:
        code = {"working_dir": str(ROOT), "excludes": NOT_CODE}
        try:
            ray.init(address=options.ray, runtime_env=code, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise DeigError(
                f"No Ray cluster answers at {options.ray} ({error}): `ray start --head` there first."
            ) from None
    try:
        yield Cluster(options)
    finally:
        ray.shutdown()


def _elsewhere(options: argparse.Namespace) -> argparse.Namespace:
    """With whole paths, which the machines have in common; without the command itself, which does not travel."""
    found = {
        name: value.resolve() if isinstance(value, Path) and str(value) != "oracle" else value
        for name, value in vars(options).items()
        if name != "function"
    }
    return argparse.Namespace(**found)


def _made_with(options: argparse.Namespace) -> tuple[str, dict]:
    try:
        return "", Worker.of_options(options).made_with()
    except (DeigError, OSError) as error:
        return str(error), {}
