"""A gate of a fuser: x + scale * tanh(alpha) * change, wherever alpha lies."""

from __future__ import annotations

import torch
from torch import Tensor

from ..attention.contract import needs_gradient
from .operations import cast_like


def add_gated(x: Tensor, scale: float, alpha: Tensor, change: Tensor, out: Tensor | None = None) -> Tensor:
    """x + scale * tanh(alpha) * change in one pass, for x and change of one shape and a single number alpha.

    out: of that shape too, takes the result; without one the result is a new tensor.
    """
    if alpha.device.type != "cpu" or needs_gradient(alpha) or torch.compiler.is_compiling():
        return torch.addcmul(x, change, cast_like(alpha, x).tanh(), value=scale, out=out)
    # A gate that lies on the CPU is a number at hand: a GPU need not wait for a copy of it.
    return torch.add(x, change, alpha=scale * alpha.double().tanh().item(), out=out)
