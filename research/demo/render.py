"""Scenes as pictures, anti-aliased."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .world import COLOURS, SIZE, Scene, Thing

PERIOD = 16  # pixels: two latent cells
OUTLINE = 0.075  # of the shorter side, and at least 3 pixels
RGB = {name: np.array(rgb, dtype=np.float32) / 255 for name, rgb in COLOURS.items()}


def render(scene: Scene, backdrop: np.ndarray | None = None) -> np.ndarray:
    """float32 [SIZE, SIZE, 3] in 0..1; the things of `scene` over `backdrop`, of the same kind, or over its own."""
    picture = background(scene.seed) if backdrop is None else backdrop.copy()
    for placed in scene.things:
        x0, y0, x1, y1 = placed.box
        picture[y0:y1, x0:x1] = paint(placed.thing, placed.box, picture[y0:y1, x0:x1])
    return picture


def background(seed: int) -> np.ndarray:
    """A soft gradient between two dull colours: no object's colour is in it."""
    lot = np.random.default_rng((0xBAC6, seed))
    ends = lot.uniform(0.42, 0.66, (2, 1)) + lot.uniform(-0.06, 0.06, (2, 3))
    angle = lot.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1) - 0.5
    share = ((x * np.cos(angle) + y * np.sin(angle)) / 1.4142 + 0.5)[..., None]
    return ((1 - share) * ends[0] + share * ends[1]).astype(np.float32)


def paint(thing: Thing, box: tuple[int, int, int, int], under: np.ndarray) -> np.ndarray:
    """`under` (float32 [h, w, 3]) with the thing that fills `box` over it."""
    x0, y0, x1, y1 = box
    distance = signed_distance(thing.shape, x1 - x0, y1 - y0)
    fill = np.broadcast_to(RGB[thing.colour], under.shape)
    if thing.pattern:
        share = pattern_share(thing.pattern)[y0:y1, x0:x1, None]
        fill = fill + share * (RGB[thing.second] - fill)
    if thing.outline:
        rim = np.clip(distance + max(3, OUTLINE * min(distance.shape)) + 0.5, 0, 1)[..., None]
        fill = fill + rim * (RGB[thing.outline] - fill)
    inside = np.clip(0.5 - distance, 0, 1)[..., None]
    return under + inside * (fill - under)


@lru_cache
def pattern_share(pattern: str) -> np.ndarray:
    """How much of each pixel has the second colour, float32 [SIZE, SIZE]: about a quarter in all.

    Patterns are fixed to the picture, not to the object: each object is a window on them.
    """
    fine = 4
    y, x = (np.mgrid[0 : SIZE * fine, 0 : SIZE * fine] + 0.5) / fine % PERIOD
    if pattern == "stripes":
        on = np.abs(y - 4) < 2.2
    elif pattern == "dots":
        on = (x - 4) ** 2 + (y - 4) ** 2 < 4.6**2
    else:
        on = (np.maximum(np.abs(x - 4), np.abs(y - 4)) < 3) | (np.maximum(np.abs(x - 12), np.abs(y - 12)) < 3)
    return on.astype(np.float32).reshape(SIZE, fine, SIZE, fine).mean((1, 3))


@lru_cache(maxsize=4096)
def signed_distance(shape: str, width: int, height: int) -> np.ndarray:
    """Distance in pixels of each pixel's centre to the outline of the shape that fills width x height, negative
    inside.
    """
    corners = _outline(shape)
    low, high = corners.min(0), corners.max(0)
    corners = (corners - low) / (high - low) * (width, height)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    points = np.stack([x, y], -1)[:, :, None]
    start, end = corners, np.roll(corners, -1, 0)
    edge = end - start
    along = np.clip(((points - start) * edge).sum(-1) / (edge**2).sum(-1), 0, 1)
    nearest = np.linalg.norm(points - start - along[..., None] * edge, axis=-1).min(-1)
    # Even-odd rule: a ray to the right crosses the edges an odd number of times from inside.
    crosses = (start[:, 1] > points[..., 1]) != (end[:, 1] > points[..., 1])
    rise = np.where(edge[:, 1] == 0, 1, edge[:, 1])
    hit = points[..., 0] < start[:, 0] + (points[..., 1] - start[:, 1]) / rise * edge[:, 0]
    inside = (crosses & hit).sum(-1) % 2 == 1
    return np.where(inside, -nearest, nearest).astype(np.float32)


@lru_cache
def _outline(shape: str) -> np.ndarray:
    """Corners of the shape's polygon, float64 [n, 2], in any units, y downwards."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    if shape == "circle":
        return np.stack([np.cos(turn), np.sin(turn)], -1)
    if shape == "square":
        return np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
    if shape == "triangle":
        return np.array([(0.5, 0), (1, 1), (0, 1)])
    if shape == "star":
        spikes = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 0.55, 1)
        return np.stack([reach * np.cos(spikes), reach * np.sin(spikes)], -1)
    if shape == "heart":
        return np.stack(
            [
                16 * np.sin(turn) ** 3,
                -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)),
            ],
            -1,
        )
    low, high = 0.28, 0.72
    return np.array(
        [
            (low, 0),
            (high, 0),
            (high, low),
            (1, low),
            (1, high),
            (high, high),
            (high, 1),
            (low, 1),
            (low, high),
            (0, high),
            (0, low),
            (low, low),
        ]
    )
