"""Doing what is missing: one shard after the other on this machine, or through Ray on many (`cluster`)."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deig_core.errors import DeigError

from ..engines import choose
from ..engines.contract import Engine
from .folder import Folder
from .rules import describes
from .score import ClipScore, OracleScore, Score
from .shard import Shard, failed, made_with
from .views import Pictures


@dataclass(frozen=True)
class Done:
    """What one shard came to."""

    index: int
    pictures: int
    instances: int
    described: int
    errors: int


class Worker:
    """An engine and a score at work in a folder, one shard at a call."""

    def __init__(self, folder: Folder, engine: Engine, score: Score | None, pictures: Path | None = None):
        self.folder, self.engine, self.score = folder, engine, score
        self.plan = folder.plan()
        self.pictures = pictures or Path(self.plan.pictures)

    @classmethod
    def of_options(cls, options: argparse.Namespace) -> Worker:
        """Loads the models that a command line names.

        Those on a CPU compute in one thread: a sum that is split among threads ends otherwise in its last digits, and
        results shall not depend on how many cores a machine has.
        """
        score = None
        if not options.endpoint or options.clip:
            import torch

            torch.set_num_threads(1)
        if options.clip:
            score = OracleScore() if str(options.clip) == "oracle" else ClipScore(options.clip, options.device)
        return cls(Folder(options.folder), choose.from_arguments(options), score, options.pictures)

    def made_with(self) -> dict:
        """All that decides its results, for `Folder.made_with`."""
        return made_with(self.engine, self.score)

    def __call__(self, index: int, again: bool = False) -> Done:
        """Writes the shard's results. again: what an earlier run wrote stays where it has no errors."""
        before = self.folder.results(index) if again else None
        work = self.folder.work(index)
        shard = Shard(work, Pictures(self.pictures), self.engine, self.score, self.plan.words, self.plan.seed)
        records = shard.describe(before)
        self.folder.write_results(index, records)
        return _done(index, records)


@dataclass
class Progress:
    """One line for each shard. `already` are done before; `of` in all."""

    already: int
    of: int
    say: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    instances: int = 0
    described: int = 0
    errors: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def add(self, shard: Done) -> None:
        """Counts a shard that is done, and says its line."""
        self.done += 1
        self.instances += shard.instances
        self.described += shard.described
        self.errors += shard.errors
        seconds = max(self.clock() - self.began, 1e-9)
        left = (self.of - self.already - self.done) * seconds / self.done
        self.say(
            f"shard {shard.index}: {shard.pictures} pictures, {shard.instances} instances | "
            f"{self.already + self.done} of {self.of} shards, {self.instances / seconds:.1f} instances/s, "
            f"{100 * self.described / max(self.instances, 1):.1f} % described, {self.errors} errors, "
            f"{duration(left)} left"
        )


def run_here(worker: Worker, todo: Sequence[int], progress: Progress, *, again: bool = False) -> bool:
    """All shards of `todo`, as many at a time as the engine has use for. Ctrl-C ends it after those under way.

    Returns whether all were done. What an engine raises ends it too, after the shards under way.
    """
    with interrupted() as stop, ThreadPoolExecutor(worker.engine.shards_at_once) as threads:
        waiting, under_way = iter(todo), set()
        try:
            while True:
                while len(under_way) < worker.engine.shards_at_once and not stop.is_set():
                    index = next(waiting, None)
                    if index is None:
                        break
                    under_way.add(threads.submit(worker, index, again))
                if not under_way:
                    return next(waiting, None) is None and not stop.is_set()
                ready, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ready:
                    progress.add(future.result())
        finally:
            for future in under_way:
                future.cancel()


@contextmanager
def interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the process. Only the main thread can be told."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def once(*_: object) -> None:
        stop.set()
        # The interrupted main thread would still wait for the others; a process that ends leaves whole files.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("Ending after the shards under way; once more ends at once.", flush=True)

    before = signal.signal(signal.SIGINT, once)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def check_pictures(folder: Folder, pictures: Path, index: int) -> None:
    """Raises DeigError where none of the shard's pictures is there: then the folder is wrong, not a picture broken."""
    names = [work.file_name for work in folder.work(index)]
    if not any((pictures / name).is_file() for name in names):
        raise DeigError(
            f"None of the {len(names)} pictures of shard {index} is in {pictures} (the first is {names[0]}): "
            f"--pictures names their folder."
        )


def with_errors(folder: Folder) -> list[int]:
    """Indices of the shards with results in which a picture has an error."""
    return [index for index in folder.done() if any(map(failed, folder.results(index)))]


def duration(seconds: float) -> str:
    """In words, as in "45 s", "12 min" or "2 h 5 min"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _done(index: int, records: Sequence[dict]) -> Done:
    instances = [i for record in records for i in record["instances"]]
    described = sum(describes(i["text"]) for i in instances)
    return Done(index, len(records), len(instances), described, sum(map(failed, records)))
