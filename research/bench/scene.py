"""What is measured: SD 1.5's fusers with random weights, and pictures with any number of regions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deig_core.layout.masks import downsampled, shared_membership
from deig_core.model.config import SD1_FUSERS
from deig_core.model.fuser import Fuser, LevelInstances
from deig_core.regions.document import Region

if TYPE_CHECKING:
    from transformers import T5EncoderModel

TOKENS, WIDTH, HEADS = 16, 768, 8
DEPTH = {320: 0, 640: 1, 1280: 2}  # how often the latent was halved where the blocks have this many channels


@dataclass(frozen=True, eq=False)
class Level:
    """A level of the UNet: how many fusers it has, one of them, and what that one is given."""

    count: int
    fuser: Fuser
    x: Tensor
    instances: list[LevelInstances]


def regions(count: int) -> list[Region]:
    """Boxes over the whole picture in a grid, each a quarter wider than its share, so that neighbours overlap; one
    box takes two thirds.
    """
    if count == 1:
        return [Region("0", (0.1, 0.1, 0.9, 0.95))]
    columns = math.ceil(math.sqrt(count))
    lines = math.ceil(count / columns)
    boxes = []
    for i in range(count):
        y, x = divmod(i, columns)
        boxes.append(
            (
                max(0.0, (x - 0.125) / columns),
                max(0.0, (y - 0.125) / lines),
                min(1.0, (x + 1.125) / columns),
                min(1.0, (y + 1.125) / lines),
            )
        )
    return [Region(str(i), box) for i, box in enumerate(boxes)]


def fuser(channels: int, device: torch.device, dtype: torch.dtype) -> Fuser:
    """A fuser with random weights and open gates."""
    made = Fuser(channels, WIDTH, HEADS, device=device, dtype=dtype).requires_grad_(False)
    for gate in (made.alpha_attn, made.alpha_dense):
        gate.fill_(1.0)
    return made


def levels(
    count: int,
    latent: tuple[int, int],
    device: torch.device,
    dtype: torch.dtype,
    fusers: dict[tuple[int, int], Fuser],
) -> list[Level]:
    """The four levels of a latent of (height, width) with `count` regions; `fusers` are made once, by (channels,
    depth).
    """
    middle = {(kind, number): 3 for (kind, number, _), _ in SD1_FUSERS if kind == "middle"}
    kinds = [(channels, middle.get((kind, number), DEPTH[channels])) for (kind, number, _), channels in SD1_FUSERS]
    tokens = torch.randn(1, count * TOKENS, WIDTH, device=device, dtype=dtype)
    made = []
    for kind in dict.fromkeys(kinds):
        grid = tuple(downsampled(side, 2 ** kind[1]) for side in latent)
        if kind not in fusers:
            fusers[kind] = fuser(kind[0], device, dtype)
        x = torch.randn(1, grid[0] * grid[1], kind[0], device=device, dtype=dtype)
        words = shared_membership(regions(count), latent, grid).to(device)[None]
        made.append(Level(kinds.count(kind), fusers[kind], x, [LevelInstances(1, tokens, TOKENS, words)]))
    return made


def text_encoder(device: torch.device, dtype: torch.dtype, **smaller: int) -> T5EncoderModel:
    """An encoder of Flan-T5-XL's sizes (or `smaller` ones) with random weights."""
    from transformers import T5Config, T5EncoderModel

    sizes = {
        "vocab_size": 32128,
        "d_model": 2048,
        "d_kv": 64,
        "d_ff": 5120,
        "num_layers": 24,
        "num_heads": 32,
        **smaller,
    }
    config = T5Config(
        **sizes, feed_forward_proj="gated-gelu", dropout_rate=0.0, is_encoder_decoder=False, use_cache=False
    )
    with torch.device("meta"):
        model = T5EncoderModel(config)
    model = model.to(dtype).to_empty(device=device).eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        if "layer_norm" in name:
            weight.fill_(1.0)
        else:
            weight.normal_(0.0, weight.shape[-1] ** -0.5)
    return model
