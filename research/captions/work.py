"""What is to be described: annotations of COCO, or the trainer's JSON lines, as pictures with instances, in shards."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deig_core.errors import DeigError

from .. import coco
from ..training.pictures import Box, read_pictures


@dataclass(frozen=True)
class Limits:
    """Which instances are described. smallest: pixels of a box's shorter side. seen: least share of the box that lies
    in the picture. most: of a picture, the largest first, as the trainer takes them.
    """

    smallest: int = 32
    seen: float = 0.5
    most: int = 30


@dataclass(frozen=True)
class Instance:
    """bbox: x, y, width, height in pixels, inside the picture. noun: the class's name."""

    id: str
    bbox: Box
    noun: str

    def seed(self, plan_seed: int) -> int:
        """Of the sampling: 31 bits, of the instance alone, whatever shard it is in."""
        return int.from_bytes(hashlib.sha256(f"{plan_seed} {self.id}".encode()).digest()[:4], "big") >> 1


@dataclass(frozen=True)
class Work:
    """A picture with the instances to describe. caption: empty where there is none."""

    id: str
    file_name: str
    width: int
    height: int
    caption: str
    instances: tuple[Instance, ...]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Work:
        """Raises ValueError, KeyError or TypeError for what `to_json` did not write."""
        data = json.loads(line)
        found = tuple(Instance(i["id"], tuple(i["bbox"]), i["noun"]) for i in data.pop("instances"))
        return cls(**data, instances=found)


@dataclass(frozen=True)
class Found:
    """One annotated box before the limits; crowd: COCO's mark for many objects in one box."""

    id: str
    bbox: Box
    noun: str
    crowd: bool = False


def read_work(
    annotations: Path, captions: Path | None = None, limits: Limits | None = None
) -> tuple[list[Work], Counter[str]]:
    """Pictures with something to describe, and how many instances were left out, by reason.

    annotations: COCO's instances_*.json, or the trainer's .jsonl, whose descriptions are taken for class names. Raises
    DeigError where a file is neither, or nothing in it is to be described.
    """
    if annotations.suffix == ".jsonl":
        pictures: Iterable = _from_lines(annotations)
    else:
        pictures = _from_coco(annotations, captions)
    left_out: Counter[str] = Counter()
    work = []
    for picture, found in pictures:
        kept = _within(found, picture, limits or Limits(), left_out)
        if kept:
            work.append(Work(**picture, instances=tuple(kept)))
    if not work:
        raise DeigError(f"{annotations.name} holds nothing to describe; left out: {dict(left_out) or 'nothing'}.")
    return work, left_out


def shards(work: Sequence[Work], size: int) -> list[Sequence[Work]]:
    """`size` pictures each; the last one may have fewer."""
    return [work[start : start + size] for start in range(0, len(work), size)]


def _from_coco(annotations: Path, captions: Path | None) -> Iterator[tuple[dict, list[Found]]]:
    for p in coco.pictures(*(coco.read_json(path) for path in (annotations, captions) if path)):
        picture = {"id": str(p.id), "file_name": p.file_name, "caption": p.caption}
        found = [Found(str(a.id), a.bbox, a.category, a.crowd) for a in p.annotations]
        yield picture | {"width": p.width, "height": p.height}, found


def _from_lines(path: Path) -> Iterator[tuple[dict, list[Found]]]:
    for number, p in enumerate(read_pictures(path)):
        picture = {"id": str(number), "file_name": p.file_name, "caption": p.caption.strip()}
        nouns = (text.strip().removeprefix("a ").removeprefix("an ") for text in p.descriptions)
        found = [Found(f"{number}-{k}", b, noun) for k, (b, noun) in enumerate(zip(p.boxes, nouns, strict=True))]
        yield picture | {"width": p.width, "height": p.height}, found


def _within(found: Sequence[Found], picture: dict, limits: Limits, left_out: Counter[str]) -> list[Instance]:
    kept = []
    for f in found:
        x, y, w, h = f.bbox
        x0, y0 = max(0.0, x), max(0.0, y)
        inside = min(picture["width"], x + w) - x0, min(picture["height"], y + h) - y0
        if f.crowd:
            left_out["crowd"] += 1
        elif w <= 0 or h <= 0:
            left_out["empty box"] += 1
        elif min(inside) <= 0 or inside[0] * inside[1] < limits.seen * w * h:
            left_out["outside the picture"] += 1
        elif min(inside) < limits.smallest:
            left_out["small"] += 1
        else:
            kept.append(Instance(f.id, (x0, y0, *inside), f.noun))
    by_size = sorted(range(len(kept)), key=lambda i: -kept[i].bbox[2] * kept[i].bbox[3])[: limits.most]
    left_out["beyond the most of a picture"] += len(kept) - len(by_size)
    return [kept[i] for i in sorted(by_size)]
