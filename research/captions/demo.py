"""`python -m research.captions demo`: all of it on the demo world with its oracle, killed twice on the way."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TextIO

from PIL import Image

from deig_core.errors import DeigError

from ..demo.render import render
from ..demo.world import SHAPES, SIZE, Scene, draw_scene
from .cluster import ROOT
from .folder import Folder

FIRST_SEED = 32_000_000
PICTURES, PER_SHARD = 120, 4
SHARD, SHOWN = "shard ", 3  # how a shard's line begins, and how many of them are shown


def write_world(folder: Path, count: int = PICTURES) -> None:
    """`count` scenes as pictures/, instances.json and captions.json in COCO's form, nouns for classes, and the faults
    of real sets: a grey picture, a toned one, a broken file, a missing one, a box on nothing, a wrong class, a crowd,
    a tiny box.
    """
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    images, annotations, captions = [], [], []
    classes = {shape: i for i, shape in enumerate(SHAPES, 1)}

    def annotate(image: int, noun: str, box: tuple[float, ...], **more: int) -> None:
        x0, y0, x1, y1 = box
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": classes[noun],
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                **more,
            }
        )

    for number in range(count):
        scene = draw_scene(FIRST_SEED + number)
        name = f"{number:04d}.png"
        _picture(scene, number).save(pictures / name)
        images.append({"id": number, "file_name": name, "width": SIZE, "height": SIZE})
        captions.append({"id": number, "image_id": number, "caption": scene.caption()})
        for placed in scene.things:
            # Of the fourth picture the classes are wrong.
            noun = placed.thing.shape if number != 3 else SHAPES[(SHAPES.index(placed.thing.shape) + 1) % len(SHAPES)]
            annotate(number, noun, placed.box)
    broken = pictures / images[2]["file_name"]
    broken.write_bytes(broken.read_bytes()[:2000])
    (pictures / images[5]["file_name"]).unlink()
    annotate(4, "star", _empty_box(draw_scene(FIRST_SEED + 4)))
    annotate(6, "star", (0, 0, 100, 100), iscrowd=1)
    annotate(6, "star", (3, 3, 9, 9))
    categories = [{"id": i, "name": shape} for shape, i in classes.items()]
    instances = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(instances), encoding="utf-8")
    (folder / "captions.json").write_text(json.dumps({"annotations": captions}), encoding="utf-8")


def plan_arguments(world: Path, folder: Path, per_shard: int = PER_SHARD) -> list[object]:
    """The command line that plans what `write_world` wrote to `world`; the results go to `folder`."""
    return [
        "plan",
        world / "instances.json",
        folder,
        "--captions",
        world / "captions.json",
        "--pictures",
        world / "pictures",
        "--per-shard",
        per_shard,
        "--words",
        3,
        45,
    ]


def demo(folder: Path, *, kills: tuple[int, ...] = (3, 9), count: int = PICTURES) -> None:
    """Raises DeigError where the resumed run is not what a run in one go is."""
    began = time.monotonic()
    world, out, whole = folder / "world", folder / "run", folder / "run-in-one-go"
    write_world(world, count)
    _say(f"a world of {count} pictures: {world}")
    for place in (out, whole):
        _call(*plan_arguments(world, place))
    asked = ("--oracle", "--clip", "oracle")
    for kill in kills:
        _call_and_kill("run", out, *asked, after=kill)
        _say(f"killed (SIGKILL); {len(Folder(out).done())} shards are done")
    _call("run", out, *asked)
    _call("run", whole, *asked)
    shards = [[p.read_bytes() for p in sorted((place / "shards").glob("*.jsonl"))] for place in (out, whole)]
    if shards[0] != shards[1]:
        raise DeigError("The run that was killed and resumed is not the run in one go: this is a bug.")
    _say(f"the {len(shards[0])} shards of the killed run and of one in one go are the same, byte for byte")
    _call("status", out)
    _call("select", out, "--clip", 0.5)
    _say((out / "selected" / "report.md").read_text(encoding="utf-8").partition("\n## ")[2])
    _say(f"{time.monotonic() - began:.0f} s in all")


def _picture(scene: Scene, number: int) -> Image.Image:
    picture = Image.fromarray((render(scene) * 255).round().astype("uint8"))
    if number == 0:
        return picture.convert("L")
    if number == 1:  # sepia
        return Image.merge(
            "RGB", [picture.convert("L").point(lambda v, more=more: v * 0.8 + more) for more in (40, 20, 0)]
        )
    return picture


def _empty_box(scene: Scene) -> tuple[int, int, int, int]:
    side = 34
    for y in range(0, SIZE - side, 2):
        for x in range(0, SIZE - side, 2):
            boxes = [p.box for p in scene.things]
            if all(x + side + 8 < b[0] or b[2] + 8 < x or y + side + 8 < b[1] or b[3] + 8 < y for b in boxes):
                return x, y, x + side, y + side
    raise DeigError("The scene has no empty place: this is a bug.")


def _call(*arguments: object) -> None:
    from .__main__ import main

    command = _told(arguments)
    with redirect_stdout(_Abridged(sys.stdout)):
        if main(command):
            raise DeigError(f"{command[0]} failed.")


def _call_and_kill(*arguments: object, after: int) -> None:
    """In a process of its own, which gets SIGKILL after so many shards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "research.captions", *_told(arguments)], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )
    with process, redirect_stdout(_Abridged(sys.stdout)):
        shards = 0
        for line in process.stdout:
            print(line, end="", flush=True)
            shards += line.startswith(SHARD)
            if shards == after:
                process.kill()
                return
    raise DeigError(f"{arguments[0]} ended with exit code {process.returncode} before it could be killed.")


def _told(arguments: Sequence[object]) -> list[str]:
    command = [str(a) for a in arguments]
    _say("\n$ python -m research.captions " + " ".join(command))
    return command


class _Abridged(io.TextIOBase):
    """Passes on what is printed, of the lines of shards only the first ones."""

    def __init__(self, to: TextIO):
        self._to, self._shards, self._left_out = to, 0, False

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if line.startswith(SHARD):
                self._shards += 1
                self._left_out = self._shards > SHOWN
            elif line != "\n":
                self._left_out = False
            if not self._left_out:
                self._to.write(line)
        return len(text)

    def flush(self) -> None:
        self._to.flush()


def _say(text: str) -> None:
    print(text, flush=True)
