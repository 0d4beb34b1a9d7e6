"""Sizes of an adapter, read off its own weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from ..errors import WeightsError
from ..limits import MOST_LAYERS

Shapes = Mapping[str, tuple[int, ...]]

_FUSER = re.compile(
    r"^(?:(input|output)_blocks\.(\d{1,4})|(middle)_block)\.1\.transformer_blocks\.(\d{1,4})\.fuser\.(.+)$"
)
_HEADS = 8  # of the paper; the packed projections do not show them


@dataclass(frozen=True)
class DeigConfig:
    """Sizes; the defaults are the published model's.

    text_dim: width of the text encoder. width: of IDE tokens and of the UNet's cross-attention. tokens: T, learned
    queries. fusers: channels of each transformer block's fuser, by (block kind, block number, transformer index), as
    ComfyUI names blocks.
    """

    text_dim: int = 2048
    width: int = 768
    tokens: int = 16
    layers: int = 6
    heads: int = _HEADS
    time_channels: int = 320
    time_dim: int = 768
    hidden: int = 3072
    position_hidden: int = 512
    frequencies: int = 8
    fuser_heads: int = _HEADS
    fusers: tuple[tuple[tuple[str, int, int], int], ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def with_heads(self, text: str | None) -> DeigConfig:
        """This configuration with the numbers of heads that a file's metadata names (shapes do not show them). Raises
        WeightsError where that is no JSON object, or the numbers do not divide the widths.
        """
        try:
            stored = json.loads(text or "{}")
            heads = {k: stored[k] for k in ("heads", "fuser_heads") if k in stored}
        except (ValueError, TypeError, RecursionError):
            raise WeightsError('The file\'s metadata "config" is no JSON object; convert the weights again.') from None
        if any(not isinstance(v, int) or isinstance(v, bool) or v < 1 for v in heads.values()):
            raise WeightsError(
                'The file\'s metadata "config" holds impossible numbers of heads; convert the weights again.'
            )
        config = replace(self, **heads)
        if config.width % config.heads or any(c % config.fuser_heads for _, c in config.fusers):
            raise WeightsError(
                f"The file's {config.heads} and {config.fuser_heads} heads do not divide its widths; convert the "
                f"weights again."
            )
        return config


def fuser_address(key: str) -> tuple[tuple[str, int, int], str] | None:
    """Official key of a fuser's weight -> ((kind, number, transformer index), name inside the fuser); None for other
    keys.
    """
    if not (m := _FUSER.match(key)):
        return None
    kind, number, middle, index, name = m.groups()
    return (kind or middle, int(number or 0), int(index)), name


def infer_config(shapes: Shapes) -> DeigConfig:
    """Read the sizes off the shapes of a published state dict (extra keys are ignored). Raises WeightsError naming
    what is missing.
    """

    def shape(key: str, dims: int) -> tuple[int, ...]:
        if key not in shapes or len(shapes[key]) != dims or 0 in shapes[key]:
            raise WeightsError(
                f"These are no DEIG weights: {key} is missing or has another shape. Choose model.pth or a file "
                f"converted from it."
            )
        return shapes[key]

    tokens, width = shape("IDE.connector.latents", 2)
    time_dim, time_channels = shape("IDE.time_embedding.linear_1.weight", 2)
    position_hidden, position_in = shape("position_net.linears.0.weight", 2)
    if position_in < width:
        raise WeightsError(
            "These are no DEIG weights: position_net.linears.0.weight is narrower than the IDE's tokens. Choose "
            "model.pth."
        )
    fusers = {a[0]: shape(k, 2)[0] for k in shapes if (a := fuser_address(k)) and a[1] == "linear.weight"}
    if not fusers:
        raise WeightsError(
            "These are no DEIG weights: there is no fuser in them. Choose model.pth or a file converted from it."
        )
    layers = len({m[1] for k in shapes if (m := re.match(r"IDE\.connector\.perceiver_blocks\.(\d+)\.", k))})
    if layers > MOST_LAYERS or len(fusers) > MOST_LAYERS:
        raise WeightsError(
            f"These are no DEIG weights: {layers} layers and {len(fusers)} fusers are more than the {MOST_LAYERS} that "
            "are built at most."
        )
    order = {"input": 0, "middle": 1, "output": 2}
    return DeigConfig(
        text_dim=shape("IDE.connector.proj_in.weight", 2)[1],
        width=width,
        tokens=tokens,
        layers=layers,
        time_channels=time_channels,
        time_dim=time_dim,
        hidden=shape("IDE.connector.perceiver_blocks.0.mlp.c_fc.weight", 2)[0],
        position_hidden=position_hidden,
        frequencies=(position_in - width) // 8,
        heads=_HEADS if width % _HEADS == 0 else 1,
        fuser_heads=_HEADS if all(c % _HEADS == 0 for c in fusers.values()) else 1,
        fusers=tuple(sorted(fusers.items(), key=lambda item: (order[item[0][0]], *item[0][1:]))),
    )


SD1_FUSERS = tuple(
    ((kind, number, 0), channels)
    for kind, numbers in (
        ("input", {1: 320, 2: 320, 4: 640, 5: 640, 7: 1280, 8: 1280}),
        ("middle", {0: 1280}),
        ("output", {3: 1280, 4: 1280, 5: 1280, 6: 640, 7: 640, 8: 640, 9: 320, 10: 320, 11: 320}),
    )
    for number, channels in numbers.items()
)
"""Fusers of the published model: one for each transformer block of a Stable Diffusion 1.x UNet."""
