"""Our fusers in a diffusers UNet: its own slot for gated self-attention, between self- and cross-attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from torch import nn

from ..errors import DeigError
from ..layout.masks import Size, downsampled
from ..model.adapter import Address, DeigAdapter
from ..model.fuser import Fuser, LevelInstances


class HasInstances(Protocol):
    """What the fusers of one UNet call need; `deig_core.call.GroundedCall` is one, a training batch another."""

    def instances(self, grid: Size, device: torch.device) -> Sequence[LevelInstances]: ...


def halvings(latent: Size) -> Iterator[Size]:
    """`latent` and its halves, rounded up, down to one cell: the grids that a UNet's levels can have."""
    yield latent
    while latent != (1, 1):
        latent = (downsampled(latent[0], 2), downsampled(latent[1], 2))
        yield latent


class _Placed:
    """A call, with the grids of the latent at hand: a block is given its tokens, not their grid."""

    def __init__(self, call: HasInstances, latent: Size, scale: float):
        self.call, self.scale = call, scale
        self._grids = {grid[0] * grid[1]: grid for grid in halvings(latent)}

    def instances(self, x: torch.Tensor) -> Sequence[LevelInstances]:
        return self.call.instances(self._grids[x.shape[1]], x.device)


FuserLike = Callable[[torch.Tensor, Sequence[LevelInstances], float], torch.Tensor]
"""(x [B, HW, C], the level's instances, the gates' scale) -> x after the fuser, as `Fuser.forward` has it."""


class _Slot(nn.Module):
    """What a BasicTransformerBlock calls as its `fuser`. The adapter owns the weights, so they are no part of the
    UNet.
    """

    def __init__(self, fuse: FuserLike):
        super().__init__()
        self._fuse = (fuse,)

    def forward(self, x: torch.Tensor, placed: _Placed) -> torch.Tensor:
        return self._fuse[0](x, placed.instances(x), placed.scale)


class _PassOn(nn.Module):
    """Stands where diffusers calls GLIGEN's position net: ours has run before the UNet."""

    def forward(self, placed: _Placed) -> _Placed:
        return placed


class AttachedUNet:
    """A diffusers UNet with an adapter's fusers in it. Call it as the UNet, with the call's instances."""

    def __init__(self, unet: UNet2DConditionModel):
        self.unet = unet

    def __call__(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor | int,
        context: torch.Tensor,
        call: HasInstances | None,
        *,
        scale: float = 1.0,
    ) -> torch.Tensor:
        """x [B, 4, h, w], context [B, L, D] -> the UNet's output [B, 4, h, w]. call None or scale 0: the base alone."""
        objects = (
            None if call is None or scale == 0 else {"gligen": {"placed": _Placed(call, tuple(x.shape[-2:]), scale)}}
        )
        return self.unet(x, timesteps, context, cross_attention_kwargs=objects).sample


def attach(
    unet: UNet2DConditionModel, adapter: DeigAdapter, around: Callable[[Fuser], FuserLike] = lambda fuser: fuser
) -> AttachedUNet:
    """Put the fusers of `adapter` into `unet` (in place of any that were there).

    around: a fuser -> what its block calls in its place, for those who watch or change what fusers do.

    Raises DeigError if the adapter was made for a UNet with other transformer blocks.
    """
    blocks = dict(transformer_blocks(unet))
    found = {address: block.norm1.normalized_shape[0] for address, block in blocks.items()}
    if found != dict(adapter.config.fusers):
        raise DeigError(
            f"This adapter is for a UNet with the transformer blocks {sorted(dict(adapter.config.fusers))}, and this "
            f"UNet has "
            f"{sorted(found)} or other widths: use the Stable Diffusion 1.x model that it was trained on."
        )
    for address, block in blocks.items():
        block.fuser = _Slot(around(adapter.fuser(address)))
    unet.position_net = _PassOn()
    return AttachedUNet(unet)


def transformer_blocks(unet: UNet2DConditionModel) -> Iterator[tuple[Address, BasicTransformerBlock]]:
    """Blocks by their address in the original SD 1.x layout, e.g. ("input", 1, 0); channels are `block.norm1`'s."""
    number = 1
    for down in unet.down_blocks:
        for i in range(len(down.resnets)):
            yield from _addressed("input", number, down, i)
            number += 1
        number += down.downsamplers is not None
    yield from _addressed("middle", 0, unet.mid_block, 0)
    number = 0
    for up in unet.up_blocks:
        for i in range(len(up.resnets)):
            yield from _addressed("output", number, up, i)
            number += 1


def _addressed(kind: str, number: int, holder: nn.Module, i: int) -> Iterator[tuple[Address, BasicTransformerBlock]]:
    attentions = getattr(holder, "attentions", None)
    if attentions:
        for index, block in enumerate(attentions[i].transformer_blocks):
            yield (kind, number, index), block
