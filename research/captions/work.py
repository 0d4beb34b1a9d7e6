"""What is to be described: annotations of COCO, or the trainer's JSON lines, as pictures with instances, in shards."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deig_core.errors import DeigError

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
    DeigError where a file is neither, ids repeat, or a category is unknown.
    """
    if annotations.suffix == ".jsonl":
        pictures: Iterable = _from_lines(annotations)
    else:
        pictures = _from_coco(_json(annotations), _json(captions) if captions else None, annotations.name)
    left_out: Counter[str] = Counter()
    work, ids = [], set()
    for picture, found in pictures:
        for f in found:
            if f.id in ids:
                raise DeigError(f"{annotations.name}: two instances have the id {f.id}; each needs its own.")
            ids.add(f.id)
        kept = _within(found, picture, limits or Limits(), left_out)
        if kept:
            work.append(Work(**picture, instances=tuple(kept)))
    if not work:
        raise DeigError(f"{annotations.name} holds nothing to describe; left out: {dict(left_out) or 'nothing'}.")
    return work, left_out


def shards(work: Sequence[Work], size: int) -> list[Sequence[Work]]:
    return [work[start : start + size] for start in range(0, len(work), size)]


def _json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DeigError(f"{path.name} is no JSON file ({error}): COCO's annotations were expected.") from None


def _from_coco(instances, captions, name: str) -> Iterator[tuple[dict, list[Found]]]:
    try:
        nouns = {c["id"]: str(c["name"]) for c in instances["categories"]}
        said = {
            a["image_id"]: str(a["caption"]).strip() for a in reversed((captions or {"annotations": []})["annotations"])
        }
        boxes = defaultdict(list)
        for a in instances["annotations"]:
            if a["category_id"] not in nouns:
                raise DeigError(
                    f"{name}: annotation {a['id']} has the category {a['category_id']}, which is not listed."
                )
            box = _box(a["bbox"], f"{name}: annotation {a['id']}")
            boxes[a["image_id"]].append(Found(str(a["id"]), box, nouns[a["category_id"]], bool(a.get("iscrowd"))))
        seen = set()
        for i in sorted(instances["images"], key=lambda i: i["id"]):
            if i["id"] in seen:
                raise DeigError(f"{name}: two pictures have the id {i['id']}; each needs its own.")
            seen.add(i["id"])
            picture = {"id": str(i["id"]), "file_name": str(i["file_name"]), "caption": said.get(i["id"], "")}
            yield (
                picture | {"width": _side(i["width"], name), "height": _side(i["height"], name)},
                boxes.pop(i["id"], []),
            )
        if boxes:
            raise DeigError(f"{name}: the picture {next(iter(boxes))} has annotations and is not listed.")
    except (KeyError, TypeError) as error:
        raise DeigError(
            f"{name} is no COCO file ({error!r}): images, annotations and categories were expected, and annotations "
            f"with captions in the second file."
        ) from None


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


def _box(bbox, where: str) -> Box:
    if len(bbox) != 4 or not all(isinstance(v, int | float) and abs(v) < 1e6 for v in bbox):
        raise DeigError(f"{where}: bbox {bbox} is no box; x, y, width, height in pixels were expected.")
    return tuple(map(float, bbox))


def _side(value, name: str) -> int:
    if not isinstance(value, int) or value <= 0:
        raise DeigError(f"{name}: a picture's width or height is {value!r}; whole numbers of pixels were expected.")
    return value
