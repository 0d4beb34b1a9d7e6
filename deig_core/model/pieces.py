"""What is done to each cell by itself, done to some cells at a time where that saves memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Cells that pass through projections and feed-forward together on a CPU: enough for a full-speed product, few enough
# that what they need in between is memory the process already has (fresh pages cost more than the arithmetic on them).
CPU_CELLS = 1024


def cell_by_cell(change: Callable[..., Tensor], x: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """`change` of all cells of x [B, HW, C] and of those of `parts`, tensors [some of B, HW, C] that add up to B.

    change(x, part, out=None) takes and gives as many cells [..., C] as the two have; where `out` is given, the result
    goes there. Returns [B, HW, C] and leaves x alone.
    """
    few = x.shape[0] * x.shape[1] <= CPU_CELLS
    if few or x.device.type != "cpu" or torch.is_grad_enabled() or torch.compiler.is_compiling():
        return change(x, torch.cat(list(parts)) if len(parts) > 1 else parts[0])
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    cells_in, cells_out, start = x.flatten(0, 1), out.flatten(0, 1), 0  # [B, HW, C] -> [B*HW, C]
    for part in parts:
        for piece in part.flatten(0, 1).split(CPU_CELLS):  # [CPU_CELLS or what is left, C]
            here = slice(start, start := start + piece.shape[0])
            change(cells_in[here], piece, out=cells_out[here])
    return out
