"""Which cells of a level's grid belong to a region (docs/method.md section 4).

The published weights were trained with one rule at 512 x 512. Its generalisation works in real pixels: a level whose
grid is the latent downsampled by f has cells of 8 f pixels, and a box owns every cell that one of its pixels touches,
widened by a margin in cells that depends on f alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from ..limits import PIXELS_PER_LATENT
from ..regions.document import Box, Region, check_count

Size = tuple[int, int]  # (height, width)
Rectangle = tuple[int, int, int, int]  # columns x0..x1, rows y0..y1 of cells, ends excluded
Edges = tuple[torch.Tensor, torch.Tensor]  # where each of several stretches starts and ends, ends excluded


def downsampled(latent: float, factor: int) -> int:
    """Cells of a side of the latent at a level that halves it to 1/factor: each halving rounds up."""
    return -(-latent // factor)


def is_downsampled(latent: int, grid: int, factor: int) -> bool:
    """Whether halving a side of the latent to 1/factor gives exactly this side of a grid."""
    return downsampled(latent, factor) == grid


def level_factor(latent: int, grid: int) -> int:
    """Downsampling f of the latent on one axis: the power of two nearest to latent/grid.

    Grids are rounded up at every halving (25 -> 13 -> 7 -> 4), so that the ratio alone misleads on small odd sizes
    (17 -> 3 is f = 8, the ratio 5.7); a power of two that gives exactly this grid therefore comes first.
    """
    nearest = max(0, round(math.log2(latent / grid)))
    fitting = [k for k in range(latent.bit_length() + 1) if is_downsampled(latent, grid, 2**k)]
    return 2 ** min(fitting, key=lambda k: abs(k - nearest), default=nearest)


def margin(factor: int) -> int:
    """Cells by which a region is widened on every side: 0, 0, 1, 2 for f = 1, 2, 4, 8 (and 2 beyond)."""
    return {1: 0, 2: 0, 4: 1}.get(factor, 2)


def _cell_size(latent: int, grid: int, factor: int) -> tuple[int, int]:
    """Pixels per cell as an exact ratio: a rounded quotient would win or lose a cell where edges of cells and pixels
    meet.
    """
    # A grid that no halving explains (deep shrink by 1.5) still covers the whole image.
    if is_downsampled(latent, grid, factor):
        return PIXELS_PER_LATENT * factor, 1
    return PIXELS_PER_LATENT * latent, grid


def box_pixels(box: Box, width: int, height: int) -> Rectangle | None:
    """Pixels [x0, x1) x [y0, y1) of a box on a width x height image: rounded half to even in float64, clipped; None
    if empty.
    """
    x0, y0, x1, y1 = (
        round(min(max(c, 0.0), 1.0) * side) for c, side in zip(box, (width, height, width, height), strict=True)
    )
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def region_pixels(region: Region, width: int, height: int, grow: int = 0) -> torch.Tensor:
    """Pixels bool [height, width] of a region on a width x height image: those of its mask, else those of its box, and
    those at most `grow` pixels beside them.
    """
    inside = torch.zeros(height, width, dtype=torch.bool)
    if region.mask is not None:
        whole = region.mask[None, None].float()
        inside = torch.nn.functional.interpolate(whole, (height, width), mode="nearest-exact")[0, 0] > 0
    elif pixels := box_pixels(region.box, width, height):
        x0, y0, x1, y1 = pixels
        inside[y0:y1, x0:x1] = True
    return grown(inside, grow)


def grown(mask: torch.Tensor, pixels: int) -> torch.Tensor:
    """A mask bool [h, w] and what is at most `pixels` beside it, corners too."""
    return any_inside(mask, *_around(mask, pixels)) if pixels else mask


def softened(mask: torch.Tensor, pixels: int) -> torch.Tensor:
    """How much of what is at most `pixels` beside each pixel of a mask (bool [h, w]), and in the mask's picture, is set
    -> float32 [h, w].
    """
    rows, columns = _around(mask, pixels)
    return _inside(mask, rows, columns) / ((rows[1] - rows[0])[:, None] * (columns[1] - columns[0]))


def rim(mask: torch.Tensor, pixels: int) -> torch.Tensor:
    """What of a mask (bool [h, w]) is at most `pixels` from what is not in it -> bool [h, w]. What lies beyond the
    picture is not in it.
    """
    height, width = mask.shape
    outside = torch.nn.functional.pad(~mask, (pixels,) * 4, value=True)
    return mask & grown(outside, pixels)[pixels : pixels + height, pixels : pixels + width]


def _around(mask: torch.Tensor, pixels: int) -> tuple[Edges, Edges]:
    """Rows and columns at most `pixels` beside each one of a mask."""
    return tuple(
        ((torch.arange(n) - pixels).clamp(min=0), (torch.arange(n) + pixels + 1).clamp(max=n)) for n in mask.shape
    )


def cell_rectangle(box: Box, latent: Size, grid: Size) -> Rectangle | None:
    """Cells of `grid` that belong to `box` on an image whose latent is `latent`; None if the box has no pixel."""
    pixels = box_pixels(box, latent[1] * PIXELS_PER_LATENT, latent[0] * PIXELS_PER_LATENT)
    if pixels is None:
        return None
    x = _cells(pixels[0], pixels[2], latent[1], grid[1])
    y = _cells(pixels[1], pixels[3], latent[0], grid[0])
    return (x[0], y[0], x[1], y[1])


def _cells(low: int, high: int, latent: int, grid: int) -> tuple[int, int]:
    factor = level_factor(latent, grid)
    (pixels, cells), wide = _cell_size(latent, grid, factor), margin(factor)
    return max(0, low * cells // pixels - wide), min(grid, -(-high * cells // pixels) + wide)


def mask_cells(mask: torch.Tensor, latent: Size, grid: Size) -> torch.Tensor:
    """Cells bool [h, w] that a free-form mask (bool [mh, mw] over the whole image, any resolution) owns.

    A cell is on if any mask pixel that overlaps it is on; then the level's margin is added, as for boxes.
    """
    cells = any_inside(mask, *(_mask_edges(mask.shape[a], latent[a], grid[a]) for a in (0, 1)))
    wide = [margin(level_factor(latent[a], grid[a])) for a in (0, 1)]
    if any(wide):
        kernel = (2 * wide[0] + 1, 2 * wide[1] + 1)
        cells = torch.nn.functional.max_pool2d(cells[None].float(), kernel, 1, tuple(wide))[0] > 0
    return cells


def any_inside(mask: torch.Tensor, rows: Edges, columns: Edges) -> torch.Tensor:
    """Whether anything of a mask (bool [mh, mw]) is set in the rectangle of each row's and column's edges -> bool
    [rows, columns]. Edges: int64 starts and ends, ends excluded, within the mask.
    """
    return _inside(mask, rows, columns) > 0


def _inside(mask: torch.Tensor, rows: Edges, columns: Edges) -> torch.Tensor:
    """How much of a mask is set there -> int64 [rows, columns]."""
    counts = torch.nn.functional.pad(mask.to(torch.int64), (1, 0, 1, 0)).cumsum(0).cumsum(1)
    (top, bottom), (left, right) = rows, columns
    return counts[bottom][:, right] - counts[top][:, right] - counts[bottom][:, left] + counts[top][:, left]


def _mask_edges(mask_side: int, latent: int, grid: int) -> Edges:
    pixels, cells = _cell_size(latent, grid, level_factor(latent, grid))
    whole = latent * PIXELS_PER_LATENT * cells
    starts = [i * pixels * mask_side // whole for i in range(grid)]
    ends = [-(-min((i + 1) * pixels, whole) * mask_side // whole) for i in range(grid)]
    return torch.tensor(starts), torch.tensor(ends)


def shared_membership(regions: Sequence[Region], latent: Size, grid: Size) -> torch.Tensor:
    """One 64-bit word per cell: bit r is set where the cell belongs to `regions[r]` -> int64 [h * w], on the CPU. What
    regions share belongs to all of them; `overlap.membership` knows of those that lie in front.

    Test bits with `(word >> r) & 1`. Raises RegionError for more than 64 regions.
    """
    check_count(len(regions))
    words = torch.zeros(grid, dtype=torch.int64)
    for r, region in enumerate(regions):
        if region.mask is not None:
            words |= mask_cells(region.mask, latent, grid).to(torch.int64) * bit_of(r)
        elif (cells := cell_rectangle(region.box, latent, grid)) is not None:
            x0, y0, x1, y1 = cells
            words[y0:y1, x0:x1] |= bit_of(r)
    return words.flatten()


def bit_of(region: int) -> int:
    """The int64 in which only this region's bit is set; that of the 64th is the sign."""
    return 1 << region if region < 63 else -(1 << 63)
