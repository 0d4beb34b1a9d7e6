"""The synthetic world: what can be in a picture, how it is described, and how scenes are drawn by lot.

Every random choice comes from one numpy generator, so that a scene is a function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from deig_core.demo.files import SIDE as SIZE

GAP = 6  # pixels between objects: they never touch
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross")
COLOURS = {
    "red": (222, 40, 40),
    "yellow": (246, 214, 40),
    "green": (38, 160, 60),
    "cyan": (50, 205, 222),
    "blue": (40, 62, 216),
    "pink": (240, 90, 190),
    "white": (246, 246, 246),
    "black": (18, 18, 22),
}
PATTERNS = ("stripes", "dots", "checks")
# Sides in pixels for 1 to 5 objects: with more, or with larger ones, there is no room to place them by lot.
SIDES = {1: (48, 92), 2: (44, 72), 3: (40, 58), 4: (36, 50), 5: (34, 42)}
ROOM_FOR_THREE_ATTRIBUTES = 40


@dataclass(frozen=True)
class Thing:
    """A shape with its attributes: a colour, perhaps a pattern in a second colour, perhaps an outline in a third."""

    shape: str
    colour: str
    pattern: str | None = None
    second: str | None = None
    outline: str | None = None

    @property
    def attributes(self) -> int:
        """1 to 3, the paper's levels: colour, pattern, outline."""
        return 1 + (self.pattern is not None) + (self.outline is not None)

    def describe(self) -> str:
        """With all details, as in "a red star with blue dots and a white outline"."""
        more = [f"{self.second} {self.pattern}"] if self.pattern else []
        more += [f"a {self.outline} outline"] if self.outline else []
        return self.coarse() + (" with " + " and ".join(more) if more else "")

    def coarse(self) -> str:
        """The description without details, as the paper's ablation trains with."""
        return f"a {self.colour} {self.shape}"


@dataclass(frozen=True)
class Placed:
    """A thing in its box: x0, y0, x1, y1 in pixels, ends excluded."""

    thing: Thing
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """Things, the later ones in front, on a background that `seed` draws."""

    things: tuple[Placed, ...]
    seed: int  # of the background

    def caption(self) -> str:
        """Every thing's description, joined by a comma and a space."""
        return ", ".join(p.thing.describe() for p in self.things)

    def boxes(self) -> np.ndarray:
        """float64 [n, 4] in 0..1."""
        return np.array([p.box for p in self.things], dtype=np.float64).reshape(-1, 4) / SIZE


def in_boxes(scene: Scene, margin: int) -> np.ndarray:
    """bool [SIZE, SIZE]: the pixels in a box of `scene`, or up to `margin` pixels beside it."""
    found = np.zeros((SIZE, SIZE), dtype=bool)
    for x0, y0, x1, y1 in (placed.box for placed in scene.things):
        found[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin] = True
    return found


def every_thing() -> list[Thing]:
    """All things that can be described, in a fixed order."""
    plain = [Thing(s, c) for s, c in product(SHAPES, COLOURS)]
    patterned = [Thing(t.shape, t.colour, p, s) for t in plain for p in PATTERNS for s in COLOURS if s != t.colour]
    return [
        thing if outline is None else Thing(thing.shape, thing.colour, thing.pattern, thing.second, outline)
        for thing in plain + patterned
        for outline in (None, *COLOURS)
        if outline is None or outline not in (thing.colour, thing.second)
    ]


def draw_scene(seed: int, count: int | None = None) -> Scene:
    """The scene of `seed`: `count` objects (1 to 5 by lot), each with 1 to 3 attributes by lot, small ones with 2 at
    most.
    """
    lot = np.random.default_rng((0xDE16, seed))
    count = count or int(lot.choice([1, 2, 3, 4, 5], p=[0.25, 0.2, 0.2, 0.2, 0.15]))
    things = []
    for box in _boxes(lot, count):
        # Narrower than this, a pattern and an outline leave nothing of each other.
        most = 3 if min(box[2] - box[0], box[3] - box[1]) >= ROOM_FOR_THREE_ATTRIBUTES else 2
        things.append(Placed(draw_thing(lot, min(int(lot.integers(1, 4)), most)), box))
    return Scene(tuple(things), seed)


def draw_thing(lot: np.random.Generator, attributes: int) -> Thing:
    """A thing with 1 to 3 attributes by lot."""
    colour, second, third = lot.permutation(list(COLOURS))[:3].tolist()
    shape, pattern = str(lot.choice(SHAPES)), str(lot.choice(PATTERNS))
    patterned = attributes == 3 or (attributes == 2 and lot.random() < 0.5)
    outlined = attributes == 3 or (attributes == 2 and not patterned)
    return Thing(
        shape, colour, pattern if patterned else None, second if patterned else None, third if outlined else None
    )


def _boxes(lot: np.random.Generator, count: int) -> list[tuple[int, int, int, int]]:
    low, high = SIDES[count]
    while True:
        boxes: list[tuple[int, int, int, int]] = []
        for _ in range(count * 12):
            side, aspect = lot.uniform(low, high), lot.uniform(0.85, 1.18)
            width, height = (min(SIZE - 4, 2 * round(side * a / 2)) for a in (aspect**0.5, aspect**-0.5))
            x, y = int(lot.integers(2, SIZE - width - 1)), int(lot.integers(2, SIZE - height - 1))
            box = (x, y, x + width, y + height)
            if all(
                box[0] >= b[2] + GAP or b[0] >= box[2] + GAP or box[1] >= b[3] + GAP or b[1] >= box[3] + GAP
                for b in boxes
            ):
                boxes.append(box)
            if len(boxes) == count:
                return boxes
