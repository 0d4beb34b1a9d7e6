"""The one form of a benchmark: pictures to be drawn, and what was asked for in each box, as JSON lines.

    {"version": 1, "benchmark": "deig", "id": "139", "prompt": "a red cup, a blue cup", "width": 512, "height": 512,
     "instances": [{"box": [x0, y0, x1, y1], "text": "a red cup", "noun": "cup", "tags": {"level": "L1"}}, ...],
     "source": {"file": "deig_bench_coco.json", "licence": "none"}}

Boxes are fractions of the picture, origin top left. The picture of a layout is the file `<id>.png` (or .jpg, .webp).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError

from ..atomic import write_whole
from .values import is_number

VERSION = 1
MOST_INSTANCES = 30  # what the paper's training, GLIGEN and InstanceDiffusion take
MOST_PIXELS_A_SIDE = 16384
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
EXPECTED = "version, benchmark, id, prompt, width, height and instances with box, text and noun were expected"

Box = tuple[float, float, float, float]


class LayoutError(DeigError):
    """A file of layouts, or what layouts are made from, cannot be used."""


@dataclass(frozen=True)
class Instance:
    """One thing to be drawn.

    box: x0, y0, x1, y1 as fractions 0..1 of the picture.
    text: what the generator is told about the box, and the judge asked about.
    noun: what the detector is asked for.
    tags: the benchmark's own labels of the instance: its level, its kind, the colour asked for.
    """

    box: Box
    text: str
    noun: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One picture to be drawn, `width` x `height` pixels.

    benchmark: whose procedure judges it: deig, mig, instdiff or demo.
    source: where it comes from, for the record: file and licence.

    What the benchmarks' papers call a layout. `deig_core.layout.Layout` is another thing: regions worked out for a size
    and a device.
    """

    id: str
    benchmark: str
    prompt: str
    instances: tuple[Instance, ...]
    width: int = 512
    height: int = 512
    source: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Its line in the file."""
        instances = [{"box": list(i.box), "text": i.text, "noun": i.noun, "tags": dict(i.tags)} for i in self.instances]
        whole = {
            "version": VERSION,
            "benchmark": self.benchmark,
            "id": self.id,
            "prompt": self.prompt,
            "width": self.width,
            "height": self.height,
            "instances": instances,
            "source": dict(self.source),
        }
        return json.dumps(whole)


def read_layouts(path: Path) -> list[Layout]:
    """The layouts in `path`, in its order. Raises LayoutError that names the line and the key."""
    try:
        with open(path, encoding="utf-8") as file:
            return _layouts(list(file), path)
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError(
            f"{path} cannot be read ({error}): a file of layouts, one JSON object a line, was expected."
        ) from None


def write_layouts(path: Path, layouts: Iterable[Layout]) -> None:
    """The file appears whole or not at all. Raises LayoutError for what `read_layouts` would refuse."""
    lines = [layout.to_json() + "\n" for layout in layouts]
    _layouts(lines, path)
    write_whole(path, "".join(lines))


def _layouts(lines: Sequence[str], path: Path) -> list[Layout]:
    found: dict[str, Layout] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        layout = _layout(line, where)
        if layout.id in found:
            raise LayoutError(f"{where}: the id {layout.id!r} is there twice; every layout needs its own.")
        found[layout.id] = layout
    if not found:
        raise LayoutError(f"{path} holds no layouts: one JSON object a line was expected.")
    if len(benchmarks := {layout.benchmark for layout in found.values()}) > 1:
        raise LayoutError(f"{path} mixes the benchmarks {', '.join(sorted(benchmarks))}: keep each in its own file.")
    return list(found.values())


def box_of(value: Any, where: str) -> Box:
    """`value` as a box. Raises LayoutError for what is no box, is empty, or leaves the picture."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4 or not all(map(is_number, value)):
        raise LayoutError(f"{where}: box {value!r} is no box; four numbers x0, y0, x1, y1 were expected.")
    x0, y0, x1, y1 = map(float, value)
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise LayoutError(
            f"{where}: box {[x0, y0, x1, y1]} is empty or leaves the picture; 0 <= x0 < x1 <= 1 and "
            f"0 <= y0 < y1 <= 1 were expected."
        )
    return x0, y0, x1, y1


def clamped(box: Box, where: str, slack: float = 0.01) -> Box:
    """`box` inside the picture, if it leaves it by rounding alone: by at most `slack` of a side.

    Raises LayoutError for one that leaves it by more, or is empty.
    """
    inside = [min(max(v, 0.0), 1.0) if is_number(v) else v for v in box]
    return box_of(inside if all(abs(a - b) <= slack for a, b in zip(box, inside, strict=True)) else box, where)


def _layout(line: str, where: str) -> Layout:
    try:
        data = json.loads(line)
        if data["version"] != VERSION:
            raise LayoutError(f"{where}: version {data['version']!r} of the format; this program reads {VERSION}.")
        texts = {name: data[name] for name in ("id", "benchmark", "prompt")}
        sizes = {name: data[name] for name in ("width", "height")}
        instances = tuple(_instance(value, f"{where}, instance {i}") for i, value in enumerate(data["instances"], 1))
        source = _texts(data.get("source", {}), f"{where}: source")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, LayoutError):
            raise
        what = f"has no {error}" if isinstance(error, KeyError) else f"cannot be read ({error})"
        raise LayoutError(f"{where} {what}: {EXPECTED}.") from None
    for name, value in texts.items():
        if not isinstance(value, str) or not value.strip():
            raise LayoutError(f"{where}: {name} is {value!r}, and a text was expected.")
    if not _ID.fullmatch(texts["id"]):
        raise LayoutError(
            f"{where}: the id {texts['id'][:140]!r} cannot name a picture; letters, digits, _ . - were expected, at "
            f"most 128."
        )
    for name, value in sizes.items():
        if type(value) is not int or not 0 < value <= MOST_PIXELS_A_SIDE:
            raise LayoutError(f"{where}: {name} is {value!r}, and a whole number of pixels was expected.")
    if not 1 <= len(instances) <= MOST_INSTANCES:
        raise LayoutError(f"{where} has {len(instances)} instances; 1 to {MOST_INSTANCES} were expected.")
    return Layout(**texts, **sizes, instances=instances, source=source)


def _instance(data: dict, where: str) -> Instance:
    text, noun = data["text"], data["noun"]
    for name, value in (("text", text), ("noun", noun)):
        if not isinstance(value, str) or not value.strip():
            raise LayoutError(f"{where}: {name} is {value!r}, and a text was expected.")
    return Instance(box_of(data["box"], where), text, noun, _texts(data.get("tags", {}), f"{where}: tags"))


def _texts(data: Any, where: str) -> dict[str, str]:
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise LayoutError(f"{where} is {data!r}, and an object of texts was expected.")
    return data
