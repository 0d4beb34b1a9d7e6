"""A map of coordinates: cut and resized together with a picture, it says which part of the picture is left."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..errors import DeigError
from ..regions.document import Box

NEAR = 1e-3  # of the picture: what a map's own pixels leave open
UNREADABLE = (
    "A node changed DEIG Follow Tiles' map of coordinates in a way that is no cut and no change of size (a turn, a "
    "mirror, a blend), so that DEIG cannot tell which part of the picture it denoises: remove that node, or encode "
    "each part with Crop DEIG Regions."
)


@dataclass(frozen=True)
class Place:
    """A part of a picture: `box` in fractions of it. wraps: what lies beyond 1 is the picture's other side."""

    box: Box = (0.0, 0.0, 1.0, 1.0)
    wraps: bool = False


WHOLE = Place()


def coordinate_map(height: int, width: int) -> torch.Tensor:
    """float32 [1, 2, height, width]: x and y of each pixel's centre, in fractions of the picture."""
    x, y = ((torch.arange(side, dtype=torch.float32) + 0.5) / side for side in (width, height))
    return torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)])[None]


def read_places(maps: torch.Tensor) -> list[Place]:
    """Which part of the picture is left in each of these maps [n, 2, h, w], cut out of `coordinate_map` and resized.

    Correct to the whole map's own pixel. Raises DeigError for what is no such cut.
    """
    if maps.ndim != 4 or maps.shape[1] != 2:
        raise DeigError(UNREADABLE)
    edges = [0, -1]  # the first and the last line; those between are taken for like them
    x, y = (_stretches(lines.detach().cpu().double()) for lines in (maps[:, 0, edges], maps[:, 1, :, edges].mT))
    return [_place(across, down) for across, down in zip(x, y, strict=True)]


def _stretches(lines: torch.Tensor) -> list[tuple[float, float]]:
    """Where the stretch of the picture under each pair of equal lines [n, 2, pixels] starts and ends: a straight line
    through the pixels' centres, going on at 0 where it reaches 1.
    """
    pixels = lines.shape[-1]
    if pixels < 2:
        raise DeigError(UNREADABLE)
    around = (lines.diff(dim=-1) < -NEAR).cumsum(-1)
    lines = lines + torch.nn.functional.pad(around, (1, 0))
    centred = torch.arange(pixels, dtype=lines.dtype) - (pixels - 1) / 2
    mean, slope = lines.mean((-2, -1)), (lines.mean(-2) * centred).sum(-1) / (centred**2).sum()
    off = (lines - mean[:, None, None] - slope[:, None, None] * centred).abs().amax()
    if off > NEAR or slope.min() <= 0 or slope.max() * pixels > 1 + NEAR:
        raise DeigError(UNREADABLE)
    half = slope * pixels / 2
    return list(zip((mean - half).tolist(), (mean + half).tolist(), strict=True))


def _place(x: tuple[float, float], y: tuple[float, float]) -> Place:
    box = (x[0], y[0], x[1], y[1])
    if all(abs(a - b) < NEAR for a, b in zip(box, WHOLE.box, strict=True)):
        return WHOLE
    return Place(box, wraps=max(box) > 1 + NEAR)
