"""Painted masks as a document keeps them: run lengths over the region's own box, so that they move and grow with it.

    {"width": 40, "height": 25, "runs": [3, 12, 28, ...]}

The grid of `width` x `height` cells covers the box. Its rows, top to bottom, are one row of cells, of which `runs` are
the lengths of the parts that belong to the region or not, in turns, the first part not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..errors import RegionError
from .box import Box

MAX_GRID = 256  # cells a side: two pixels of a picture of 512, a quarter of a latent's cell
READ_SIDE = 1024  # pixels a side of the whole picture that a mask is read into


def mask_bounds(mask: torch.Tensor, name: str = "mask") -> Box:
    """Bounding box of a bool mask [h, w] as fractions. Raises RegionError if nothing is set."""
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    if not len(rows):
        raise RegionError(f"Region {name}: its mask is empty; paint at least one pixel or remove the mask.")
    height, width = mask.shape
    return (
        int(columns[0]) / width,
        int(rows[0]) / height,
        (int(columns[-1]) + 1) / width,
        (int(rows[-1]) + 1) / height,
    )


def decode(value: Any, name: str) -> torch.Tensor:
    """The mask over its box, bool [h, w]. Raises RegionError, naming `name`, for anything but a mask as above."""
    if not isinstance(value, Mapping):
        raise RegionError(f'{name}: "mask" must be an object with "width", "height" and "runs".')
    width, height, runs = (value.get(key) for key in ("width", "height", "runs"))
    if not all(_is_whole(side) and 1 <= side <= MAX_GRID for side in (width, height)):
        raise RegionError(f"{name}: width and height of its mask must be whole numbers from 1 to {MAX_GRID}.")
    if not isinstance(runs, list) or len(runs) > 2 * MAX_GRID**2 or not all(_is_whole(r) and r >= 0 for r in runs):
        raise RegionError(f'{name}: "runs" of its mask must be a list of whole numbers from 0 on.')
    if sum(runs) != width * height:
        raise RegionError(f"{name}: the runs of its mask add up to {sum(runs)} cells; {width * height} are expected.")
    inside = torch.arange(len(runs)) % 2 == 1
    mask = inside.repeat_interleave(torch.tensor(runs, dtype=torch.int64)).reshape(height, width)
    if not mask.any():
        raise RegionError(f"{name}: its mask is empty; paint at least one cell or remove the mask.")
    return mask


def encode(mask: torch.Tensor) -> dict[str, Any]:
    """A mask over a box (bool [h, w], of any resolution) as a document keeps it; large ones on a coarser grid."""
    height, width = (min(side, MAX_GRID) for side in mask.shape)
    cells = torch.nn.functional.adaptive_max_pool2d(mask[None].float(), (height, width))[0].flatten() > 0
    turns = torch.cat([torch.tensor([False]), cells]).diff().nonzero().flatten().tolist()
    ends = [*turns, len(cells)]
    return {"width": width, "height": height, "runs": [b - a for a, b in zip([0, *ends], ends, strict=False)]}


def kept(mask: torch.Tensor) -> dict[str, Any]:
    """A mask over the whole picture (bool [h, w], not empty) as a document keeps it: over its bounding box."""
    x0, y0, x1, y1 = mask_bounds(mask)
    height, width = mask.shape
    rows, columns = slice(round(y0 * height), round(y1 * height)), slice(round(x0 * width), round(x1 * width))
    return encode(mask[rows, columns])


def over_picture(mask: torch.Tensor, box: Box, width: int, height: int) -> torch.Tensor:
    """A mask over `box` (bool [h, w]) as one over the whole picture of width x height pixels, at most
    READ_SIDE a side.

    A pixel of it belongs to the region where the cell at its middle does; at least one pixel does.
    """
    scale = min(1.0, READ_SIDE / max(width, height))
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    x, y = _cells(box[0], box[2], columns, mask.shape[1]), _cells(box[1], box[3], rows, mask.shape[0])
    within = ((y >= 0) & (y < mask.shape[0]))[:, None] & ((x >= 0) & (x < mask.shape[1]))[None]
    whole = mask[y.clamp(0, mask.shape[0] - 1)][:, x.clamp(0, mask.shape[1] - 1)] & within
    if not whole.any():  # narrower than a pixel
        cell = mask.nonzero()[0]
        middles = [box[1] + (cell[0] + 0.5) / mask.shape[0] * (box[3] - box[1])]
        middles.append(box[0] + (cell[1] + 0.5) / mask.shape[1] * (box[2] - box[0]))
        at = [min(int(middle * side), side - 1) for middle, side in zip(middles, whole.shape, strict=True)]
        whole[at[0], at[1]] = True
    return whole


def _cells(low: float, high: float, pixels: int, cells: int) -> torch.Tensor:
    """For each pixel of an axis the cell at its middle; below 0 or from `cells` on outside of the box."""
    middles = (torch.arange(pixels, dtype=torch.float64) + 0.5) / pixels
    return torch.floor((middles - low) / (high - low) * cells).long()


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
