"""How much of a server's time a run uses, and how much memory it takes, where answers take a fixed time.

python -m research.captions.bench --delay 1 --in-flight 1 8 64
python -m research.captions.bench --memory 10000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ..engines.endpoint import Endpoint
from ..engines.stub import MODEL, Reply, Stub
from .__main__ import main as captions
from .folder import Folder
from .prompts import QUALITY
from .run import Done, Progress, Worker, run_here

PER_PICTURE = 7  # instances, about as in COCO
WIDTH, HEIGHT = 640, 480
TEXT = "a thing with a glossy surface, several pale stripes, three round holes and one dark spot near its upper edge"


def write_set(folder: Path, pictures: int) -> None:
    """Photograph-like noise; every eighth picture is a file of its own, the others are its links."""
    lot = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    images, annotations = [], []
    for i in range(pictures):
        path = folder / "pictures" / f"{i}.jpg"
        if i < 8:
            coarse = lot.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.BICUBIC).save(path, quality=90)
        else:
            os.link(folder / "pictures" / f"{i % 8}.jpg", path)
        images.append({"id": i, "file_name": path.name, "width": WIDTH, "height": HEIGHT})
        for _ in range(PER_PICTURE):
            x, y = lot.integers(0, (WIDTH - 240, HEIGHT - 240)).tolist()
            w, h = lot.integers(60, 240, 2).tolist()
            annotations.append({"id": len(annotations), "image_id": i, "category_id": 1, "bbox": [x, y, w, h]})
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(data), encoding="utf-8")


class Hasty(Stub):
    """Looks for no more in a body than it has to: a model's server has another machine."""

    def read(self, content: bytes) -> dict:
        return {"logprobs": True} if content.rfind(b'"logprobs"') >= 0 else {}


def serve(delay: float, ready) -> None:
    """A stub in a process of its own, so that it does not take the client's turns."""
    no = Reply("No", delay=delay, top=(("No", -0.1), ("Yes", -2.4)))
    with Hasty(lambda body, number: no if "logprobs" in body else Reply(TEXT, delay=delay), keep=False) as stub:
        ready.send(stub.url)
        ready.recv()


@contextmanager
def server(delay: float) -> Iterator[str]:
    """The address of a `serve`, whose process ends with the context."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(delay, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join(5)
        process.kill()


def planned(folder: Path, pictures: int) -> Folder:
    """`write_set` in `folder`, planned in `folder`/out. Raises SystemExit where it cannot be."""
    write_set(folder, pictures)
    arguments = ["plan", folder / "instances.json", folder / "out", "--pictures", folder / "pictures"]
    if captions([str(a) for a in arguments]):
        raise SystemExit(1)
    return Folder(folder / "out")


def throughput(delay: float, in_flight: int, rounds: int) -> dict:
    """A run of about `rounds` answers for each of the `in_flight` questions at a time."""
    each = PER_PICTURE + len(QUALITY) - 1
    pictures = max(4, in_flight * rounds // each)
    with tempfile.TemporaryDirectory() as name, server(delay) as url:
        folder = planned(Path(name), pictures)
        engine = Endpoint([url], MODEL, in_flight=in_flight)
        worker = Worker(folder, engine, None)
        folder.made_with(worker.made_with())
        began, spent = time.monotonic(), time.process_time()
        run_here(worker, folder.missing(), Progress(0, folder.plan().shards, say=lambda line: None))
        wall, spent = time.monotonic() - began, time.process_time() - spent
        engine.close()
    ideal = pictures * each * delay / in_flight
    return {
        "in flight": in_flight,
        "pictures": pictures,
        "questions": pictures * each,
        "seconds": wall,
        "pictures/s": pictures / wall,
        "of the ideal": ideal / wall,
        "idle": 1 - ideal / wall,
        "client CPU ms a question": 1000 * spent / (pictures * each),
    }


def memory(instances: int, in_flight: int = 32) -> list[tuple[int, float]]:
    """(instances done, MB of this process) after each shard."""
    pictures = -(-instances // PER_PICTURE)
    with tempfile.TemporaryDirectory() as name, server(0.0) as url:
        folder = planned(Path(name), pictures)
        engine = Endpoint([url], MODEL, in_flight=in_flight)
        worker = Worker(folder, engine, None)
        folder.made_with(worker.made_with())
        seen: list[tuple[int, float]] = []

        class Watched(Progress):
            def add(self, shard: Done) -> None:
                super().add(shard)
                seen.append((self.instances, resident()))

        run_here(worker, folder.missing(), Watched(0, folder.plan().shards, say=partial(print, flush=True)))
        engine.close()
    return seen


def resident() -> float:
    """MB of this process's pages that are in memory."""
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.captions.bench", description=__doc__)
    parser.add_argument("--delay", type=float, default=1.0, help="seconds of an answer (default: 1)")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 64], help="questions at a time")
    parser.add_argument("--rounds", type=int, default=40, help="answers for each of these (default: 40)")
    parser.add_argument(
        "--memory", type=int, metavar="INSTANCES", help="watch the memory of a run of this many instead"
    )
    options = parser.parse_args(arguments)
    if options.memory:
        seen = memory(options.memory)
        for share in (0.1, 0.25, 0.5, 0.75, 1.0):
            done, megabytes = seen[max(0, round(share * len(seen)) - 1)]
            print(f"after {done} instances: {megabytes:.0f} MB")
        return 0
    for in_flight in options.in_flight:
        row = throughput(options.delay, in_flight, options.rounds)
        print("  ".join(f"{k}: {v:.3g}" if isinstance(v, float) else f"{k}: {v}" for k, v in row.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
