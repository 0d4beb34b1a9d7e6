"""The demo's files: written by training, read by the host's node and by the evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..checkpoint.read import read_tensors
from ..checkpoint.write import write_safetensors
from ..text_encoder import TextEncoder, load_text_encoder
from .autoencoder import DemoAutoencoder

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

    from .train_base import Base

WEIGHTS = Path(__file__).with_name("weights")
UNET, VAE, ADAPTER, SCORER, TEXT = "unet.safetensors", "vae.safetensors", "adapter.safetensors", "scorer.safetensors", "t5"
BASE_IDE = "base_ide.safetensors"  # of the base before any adapter; kept beside the training, not shipped
HEADS = 4  # of the UNet; shapes do not show them


def write(folder: Path, name: str, tensors: Mapping[str, torch.Tensor], provenance: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / name, tensors, torch.float16, {"format": "pt", "provenance": json.dumps(provenance)})


def read(name: str, folder: Path = WEIGHTS) -> dict[str, torch.Tensor]:
    """float32 tensors of one file. Raises WeightsError for a file that is not what it should be."""
    return {k: v.float() for k, v in read_tensors(folder / name)[0].items()}


def autoencoder(folder: Path = WEIGHTS) -> DemoAutoencoder:
    model = DemoAutoencoder()
    model.load_state_dict(read(VAE, folder))
    return model.eval().requires_grad_(False)


def unet(folder: Path = WEIGHTS) -> UNet2DConditionModel:
    from diffusers import UNet2DConditionModel

    from ..training.names import load_original
    from .train_base import UNET as CONFIG

    model = UNet2DConditionModel(**CONFIG)
    load_original(model, read(UNET, folder))
    return model.eval().requires_grad_(False)


def text_encoder(folder: Path = WEIGHTS) -> TextEncoder:
    return load_text_encoder(folder / TEXT)


def write_base(folder: Path, base: Base, provenance: Mapping[str, object]) -> None:
    """UNet under the original names, text encoder as a Hugging Face folder beside its tokenizer, and the base's own IDE."""
    from ..training.names import original_state_dict

    write(folder, UNET, original_state_dict(base.unet), provenance)
    write(folder, BASE_IDE, base.ide.state_dict(), provenance)
    base.t5.config.to_json_file(folder / TEXT / "config.json")
    write(folder / TEXT, "model.safetensors", {k: v for k, v in base.t5.state_dict().items() if k != "encoder.embed_tokens.weight"}, provenance)
