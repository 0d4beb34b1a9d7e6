"""The demo's files: written by training, read by the host's node and by the evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from ..checkpoint.read import read_tensors
from ..checkpoint.write import write_safetensors

WEIGHTS = Path(__file__).with_name("weights")
UNET, VAE, ADAPTER, SCORER, TEXT = (
    "unet.safetensors",
    "vae.safetensors",
    "adapter.safetensors",
    "scorer.safetensors",
    "t5",
)
BASE_IDE, BASE_TEXT = (
    "base_ide.safetensors",
    "base_t5",
)  # of the base before any adapter; kept beside the training, not shipped
HEADS = 4  # of the UNet; shapes do not show them
SIDE, STEPS, GUIDANCE = 128, 20, 3.0  # pixels a side, sampler steps and CFG that the models were made for


def write(folder: Path, name: str, tensors: Mapping[str, torch.Tensor], provenance: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / name, tensors, torch.float16, {"format": "pt", "provenance": json.dumps(provenance)})


def read(name: str, folder: Path = WEIGHTS) -> dict[str, torch.Tensor]:
    """float32 tensors of one file. Raises WeightsError for a file that is not what it should be."""
    return {k: v.float() for k, v in read_tensors(folder / name)[0].items()}
