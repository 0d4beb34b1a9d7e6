"""A DEIG-Bench of one's own: COCO's boxes with descriptions drawn by lot, by the paper's rules.

Every choice comes from `random.Random.random`, whose stream Python keeps the same, seeded by the picture: the same seed
gives the same bytes everywhere, and a picture's texts do not depend on the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from ...coco import Picture
from ..layout import Instance, Layout, LayoutError
from .coco_boxes import area, fractions
from .deig_words import COLOURS, GARMENTS, MATERIALS, OBJECT_SHARES, TEXTURES, person, thing

SMALLEST, LARGEST = 0.10, 0.60  # of the picture, a box's area
FEWEST, MOST = 3, 10  # such boxes in a picture
PERSON = "person"

T = TypeVar("T")


def build(pictures: Sequence[Picture], *, seed: int = 0, count: int = 400, source: str = "") -> list[Layout]:
    """`count` layouts by picture's id. Raises LayoutError where fewer pictures fit the rules.

    Crowds are no instances. source: the annotations' file, for the record.
    """
    fitting = [p for p in pictures if FEWEST <= len(_boxes(p)) <= MOST]
    if len(fitting) < count:
        raise LayoutError(
            f"{len(fitting)} pictures have {FEWEST} to {MOST} boxes of {SMALLEST:.0%} to {LARGEST:.0%} of the picture, "
            f"and {count} are wanted: take another file, or fewer (--pictures)."
        )
    lot = Random(f"{seed}")
    chosen = sorted(fitting, key=lambda p: (lot.random(), p.id))[:count]
    record = {"file": source, "licence": "boxes and categories of COCO, CC BY 4.0", "seed": str(seed)}
    return [_layout(p, Random(f"{seed}/{p.id}"), record) for p in sorted(chosen, key=lambda p: p.id)]


def _boxes(picture: Picture):
    return [a for a in picture.annotations if not a.crowd and SMALLEST <= area(picture, a) <= LARGEST]


def _layout(picture: Picture, lot: Random, source: dict[str, str]) -> Layout:
    instances = tuple(
        Instance(fractions(picture, a), *(_person(lot) if a.category == PERSON else _thing(a.category, lot)))
        for a in _boxes(picture)
    )
    prompt = ", ".join(i.text for i in instances)
    return Layout(f"{picture.id:012d}", "deig", prompt, instances, source=source)


def _person(lot: Random) -> tuple[str, str, dict[str, str]]:
    number = 1 + int(3 * lot.random())
    parts = _shuffled(GARMENTS, lot)[:number]
    garments = list(zip(_shuffled(COLOURS, lot)[:number], (_one(names, lot) for names in parts), strict=True))
    return person(garments), PERSON, {"kind": "person", "level": f"C{number}"}


def _thing(noun: str, lot: Random) -> tuple[str, str, dict[str, str]]:
    draw, level = lot.random(), "L4"
    for name, share in OBJECT_SHARES.items():
        if draw < share:
            level = name
            break
        draw -= share
    colour = _one(COLOURS, lot)
    texture = _one(TEXTURES, lot) if level in ("L3", "L4") else None
    material = _one(MATERIALS, lot) if level in ("L2", "L4") else None
    tags = {"kind": "object", "level": level, "colour": colour}
    tags |= {name: word for name, word in (("texture", texture), ("material", material)) if word}
    return thing(noun, colour, texture, material), noun, tags


def _one(items: Sequence[T], lot: Random) -> T:
    return items[int(len(items) * lot.random())]


def _shuffled(items: Sequence[T], lot: Random) -> list[T]:
    order = sorted((lot.random(), i) for i in range(len(items)))
    return [items[i] for _, i in order]
