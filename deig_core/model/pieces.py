"""What is done to each row by itself, done to some rows at a time where that saves memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Rows that pass through projections and feed-forward together on a CPU: enough for a full-speed product, few enough
# that what they need in between is memory the process already has (fresh pages cost more than the arithmetic on them).
CPU_ROWS = 1024


def row_by_row(change: Callable[..., Tensor], x: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """`change` of all rows of x [B, HW, C] and of those of `parts`, tensors [some of B, HW, C] that add up to B.

    change(x, part, out=None) takes and gives as many rows [..., C] as the two have; where `out` is given, the result
    goes there. Returns [B, HW, C] and leaves x alone.
    """
    few = x.shape[0] * x.shape[1] <= CPU_ROWS
    if few or x.device.type != "cpu" or torch.is_grad_enabled() or torch.compiler.is_compiling():
        return change(x, torch.cat(list(parts)) if len(parts) > 1 else parts[0])
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    rows_in, rows_out, start = x.flatten(0, 1), out.flatten(0, 1), 0  # [B, HW, C] -> [B*HW, C]
    for part in parts:
        for piece in part.flatten(0, 1).split(CPU_ROWS):  # [CPU_ROWS or what is left, C]
            here = slice(start, start := start + piece.shape[0])
            change(rows_in[here], piece, out=rows_out[here])
    return out
