"""Numbers as colours."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# Nine points of equal distance in lightness (OKLab 0.12 to 0.96), the hue turning from violet over red to yellow.
POINTS = ("#040020", "#260247", "#560760", "#8d0e69", "#c41f5f", "#ef4c47", "#fb8c4f", "#fdc383", "#fef1ce")
TILE = 256
GAP = 4


def colours(values: Tensor) -> Tensor:
    """Values 0..1 [...] as colours [..., 3]: dark violet is 0, pale yellow is 1, and equal steps look equal."""
    table = torch.tensor([[int(p[i : i + 2], 16) / 255 for i in (1, 3, 5)] for p in POINTS], device=values.device)
    place = values.float().clamp(0, 1) * (len(POINTS) - 1)
    below = place.floor().long().clamp(max=len(POINTS) - 2)
    return torch.lerp(table[below], table[below + 1], (place - below)[..., None])


def brightened(maps: Tensor, *, together: bool) -> Tensor:
    """Maps [B, T, H, W] of 0 or more, divided by the largest value of each map, or of all T maps of a picture. Zeros
    stay zeros.
    """
    top = maps.amax(dim=(1, 2, 3) if together else (2, 3), keepdim=True)
    return maps / top.clamp(min=torch.finfo(maps.dtype).tiny)


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps [B, T, h, w] at another (height, width): cells become squares, nothing is smoothed."""
    return F.interpolate(maps, size, mode="nearest-exact")


def laid_over(pictures: Tensor, shown: Tensor, opacity: float) -> Tensor:
    """Coloured maps [B, T, H, W, 3] over pictures [B or 1, H, W, 3], of which they cover this share -> as the maps."""
    return torch.lerp(pictures[:, None].to(shown), shown, opacity)


def overview(pictures: Tensor) -> Tensor:
    """Pictures [T, H, W, 3] side by side and row by row in one, each at most TILE pixels high and wide -> [h, w, 3]."""
    count, height, width, _ = pictures.shape
    scale = min(1.0, TILE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    tiles = F.interpolate(pictures.movedim(-1, 1), size, mode="area")
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    out = tiles.new_ones(3, rows * (size[0] + GAP) - GAP, columns * (size[1] + GAP) - GAP)
    for i, tile in enumerate(tiles):
        top, left = i // columns * (size[0] + GAP), i % columns * (size[1] + GAP)
        out[:, top : top + size[0], left : left + size[1]] = tile
    return out.movedim(0, -1)
