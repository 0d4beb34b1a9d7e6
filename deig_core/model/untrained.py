"""Weights that nobody trained, made from names and shapes: for tests, for measurements, for the demo's other seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from . import operations as default_operations
from .adapter import DeigAdapter, expected_weights
from .config import DeigConfig


def random_weights(shapes: Mapping[str, Any], seed: int, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Weights for names to things with a `.shape`, always the same for a seed, of a size that keeps activations of
    order one: matrices normal with one over the root of their inputs, norms 1, biases and other vectors 0.
    """
    lot = torch.Generator().manual_seed(seed)
    return {name: _random(name, like.shape, lot, dtype) for name, like in shapes.items()}


def _random(name: str, shape: torch.Size, lot: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
    if len(shape) > 1:
        return torch.empty(shape, dtype=dtype).normal_(0, shape[1:].numel() ** -0.5, generator=lot)
    return torch.full(shape, 1.0 if name.endswith("weight") else 0.0, dtype=dtype)


def untrained_adapter(
    config: DeigConfig,
    seed: int,
    *,
    operations: Any = default_operations,
    dtype: torch.dtype = torch.float32,
) -> DeigAdapter:
    """An adapter with random weights and open gates."""
    weights = random_weights(expected_weights(config), seed, dtype)
    for name, weight in weights.items():
        if name.endswith((".alpha_attn", ".alpha_dense")):
            weight.fill_(1.0 if name.endswith("attn") else 0.3)
    adapter = DeigAdapter(config, operations=operations, device="meta", dtype=dtype)
    adapter.load_published(weights)
    return adapter
