"""The demo's files: written by training, read by the host's node and by research."""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoint.read import read_tensors

WEIGHTS = Path(__file__).with_name("weights")
UNET, VAE, ADAPTER, SCORER, TEXT = (
    "unet.safetensors",
    "vae.safetensors",
    "adapter.safetensors",
    "scorer.safetensors",
    "t5",
)
HEADS = 4  # of the UNet; shapes do not show them
SIDE, STEPS, GUIDANCE = 128, 20, 3.0  # pixels a side, sampler steps and CFG that the models were made for


def read(name: str, folder: Path = WEIGHTS) -> dict[str, torch.Tensor]:
    """float32 tensors of one file. Raises WeightsError for a file that is not what it should be."""
    return {k: v.float() for k, v in read_tensors(folder / name)[0].items()}
