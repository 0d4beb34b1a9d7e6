"""The base knows where its cells are: without that no adapter can place a pattern."""

import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from research.demo import models
from research.demo.train_base import Base, Places
from research.training.noise import generator

SIDE = 16


def finest_features(unet, count, seed):
    """Features [count, 256, channels] of each of the finest blocks on the way up, of pure noise without a caption."""
    seen = []
    blocks = [attention.transformer_blocks[0] for attention in unet.up_blocks[-1].attentions]
    hooks = [
        block.norm1.register_forward_hook(lambda _norm, _inputs, features: seen.append(features)) for block in blocks
    ]
    with torch.no_grad():
        unet(torch.randn(count, 4, SIDE, SIDE, generator=generator(seed)), torch.tensor(900), torch.zeros(count, 8, 96))
    for hook in hooks:
        hook.remove()
    return seen


def test_the_shipped_bases_cells_know_whether_their_row_and_column_are_odd():
    unet = models.unet()
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    inner = (
        (row > 3) & (row < 12) & (column > 3) & (column < 12)
    ).flatten()  # the zeros around the picture are out of reach
    right = torch.stack([row % 2, column % 2], -1).flatten(0, 1)[inner].float() * 2 - 1
    for known, unknown in zip(finest_features(unet, 12, 1), finest_features(unet, 12, 2), strict=True):
        read = torch.linalg.lstsq(known[:, inner].flatten(0, 1), right.repeat(12, 1)).solution
        told = (unknown[:, inner].flatten(0, 1) @ read).sign()
        assert (told == right.repeat(12, 1)).float().mean() > 0.97


def test_telling_places_costs_what_is_told_wrong_and_teaches_the_way_up():
    torch.manual_seed(0)
    base = Base(100)
    latents, context = torch.randn(2, 4, SIDE, SIDE), torch.randn(2, 8, 96)
    for head in base.places.heads:
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    base.unet(latents, torch.tensor(500), context)
    assert base.places.loss().item() == pytest.approx(
        1, abs=1e-5
    )  # of heads that say 0: every target has a mean square of 1
    base.places = Places(base.unet)
    base.unet(latents, torch.tensor(500), context)
    base.places.loss().backward()
    assert base.unet.conv_in.weight.grad.any() and base.unet.up_blocks[-1].resnets[0].conv1.weight.grad.any()
