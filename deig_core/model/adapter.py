"""The adapter: IDE, position net and fusers as one module that loads, saves and knows its sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from ..errors import WeightsError
from . import operations as default_operations
from .config import DeigConfig, fuser_address
from .fuser import Fuser
from .ide import InstanceDetailExtractor
from .position_net import PositionNet

Address = tuple[str, int, int]


class DeigAdapter(nn.Module):
    """Everything that DEIG adds to a frozen Stable Diffusion 1.x UNet.

    `fuser(address)` is the fuser of the transformer block (kind, number, index), e.g. ("input", 1, 0) or ("middle", 0,
    0).
    """

    def __init__(self, config: DeigConfig, *, operations: Any = default_operations, device=None, dtype=None):
        super().__init__()
        self.config = config
        made = {"operations": operations, "device": device, "dtype": dtype}
        self.ide = InstanceDetailExtractor(
            text_dim=config.text_dim,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            tokens=config.tokens,
            time_channels=config.time_channels,
            time_dim=config.time_dim,
            hidden=config.hidden,
            **made,
        )
        self.position_net = PositionNet(
            in_dim=config.width,
            out_dim=config.width,
            hidden=config.position_hidden,
            frequencies=config.frequencies,
            **made,
        )
        self.fusers = nn.ModuleDict(
            {
                _module_name(address): Fuser(channels, config.width, config.fuser_heads, **made)
                for address, channels in config.fusers
            }
        )

    def fuser(self, address: Address) -> Fuser | None:
        """The fuser of a transformer block; None where the adapter has none for it."""
        name = _module_name(address)
        return self.fusers[name] if name in self.fusers else None

    def published_state_dict(self) -> dict[str, torch.Tensor]:
        """Weights under the names of the published checkpoint."""
        return {published_name(k): v for k, v in self.state_dict().items()}

    def load_published(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take over weights under the published names, in place of the module's own (no copy; the file's dtype stays).

        Raises WeightsError that names every key missing, extra or of another shape.
        """
        # Not against what the layers hold: a host's own may have no weights before they are loaded.
        check_keys(weights, expected_weights(self.config))
        self.load_state_dict({module_key(k): v for k, v in weights.items()}, strict=True, assign=True)
        self.requires_grad_(False)


@lru_cache(maxsize=8)
def expected_weights(config: DeigConfig) -> Mapping[str, torch.Tensor]:
    """What an adapter of these sizes consists of: tensors without data (device meta) by their published names."""
    return MappingProxyType(DeigAdapter(config, device="meta").published_state_dict())


def check_keys(found: Mapping[str, Any], expected: Mapping[str, Any], what: str = "DEIG weights") -> None:
    """Compare two mappings of names to things with a `.shape`. Raises WeightsError that names what differs."""
    problems = [f"missing: {k}" for k in expected if k not in found]
    problems += [f"not expected: {k}" for k in found if k not in expected]
    problems += [
        f"{k} is {list(found[k].shape)} where {list(expected[k].shape)} was expected"
        for k in expected
        if k in found and tuple(found[k].shape) != tuple(expected[k].shape)
    ]
    if problems:
        more = f" (and {len(problems) - 8} more)" if len(problems) > 8 else ""
        raise WeightsError(f"The {what} do not fit: {'; '.join(problems[:8])}{more}.")


def is_deig_key(key: str) -> bool:
    """Whether a published key belongs to the adapter (and not to the base UNet)."""
    return key.startswith(("IDE.", "position_net.")) or fuser_address(key) is not None


def module_key(published: str) -> str:
    """Published name -> name in DeigAdapter."""
    if found := fuser_address(published):
        return f"fusers.{_module_name(found[0])}.{found[1]}"
    key = re.sub(r"^IDE\.", "ide.", published)
    return re.sub(r"\.in_proj_(weight|bias)$", r".in_proj.\1", key)


def published_name(key: str) -> str:
    """Name in DeigAdapter -> published name."""
    if m := re.match(r"fusers\.([a-z]+)_(\d+)_(\d+)\.(.+)$", key):
        kind, number, index, name = m.groups()
        block = "middle_block" if kind == "middle" else f"{kind}_blocks.{number}"
        return f"{block}.1.transformer_blocks.{index}.fuser.{name}"
    key = re.sub(r"^ide\.", "IDE.", key)
    return re.sub(r"\.in_proj\.(weight|bias)$", r".in_proj_\1", key)


def _module_name(address: Address) -> str:
    return "_".join(map(str, address))
