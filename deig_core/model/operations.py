"""The layers that modules are built from.

Modules take an `operations` namespace, so that a host's own layers (casting, offloading) can stand in. The default
here casts weights to the activations' dtype and device at each call: weights may be fp16 or bf16 while the maths that
needs it runs in fp32.
"""

import torch
from torch import nn
from torch.nn import functional as F


def cast_like(parameter: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`parameter` in the dtype and on the device of `like`. For bare parameters, which no host layer casts: a host may
    leave them on the CPU or move them, at any time.
    """
    # A blocking copy would wait for all that the GPU has to do. A copy to the GPU is safe without waiting: the driver
    # has taken the numbers before the call returns.
    return parameter.to(device=like.device, dtype=like.dtype, non_blocking=like.device.type == "cuda")


class Linear(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, cast_like(self.weight, x), None if self.bias is None else cast_like(self.bias, x))


class LayerNorm(nn.LayerNorm):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, self.normalized_shape, cast_like(self.weight, x), cast_like(self.bias, x), self.eps)
