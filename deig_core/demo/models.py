"""The demo's files as models, without a host; and what was trained as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from diffusers import UNet2DConditionModel

from ..text_encoder import TextEncoder, load_text_encoder
from ..training.names import load_original, original_state_dict
from . import files
from .autoencoder import DemoAutoencoder
from .train_base import UNET, Base
from .train_text import Reader


def autoencoder(folder: Path = files.WEIGHTS) -> DemoAutoencoder:
    model = DemoAutoencoder()
    model.load_state_dict(files.read(files.VAE, folder))
    return model.eval().requires_grad_(False)


def unet(folder: Path = files.WEIGHTS) -> UNet2DConditionModel:
    model = UNet2DConditionModel(**UNET)
    load_original(model, files.read(files.UNET, folder))
    return model.eval().requires_grad_(False)


def text_encoder(folder: Path = files.WEIGHTS) -> TextEncoder:
    return load_text_encoder(folder / files.TEXT)


def write_text(folder: Path, reader: Reader, provenance: Mapping[str, object]) -> None:
    """The text encoder as a Hugging Face folder, beside its tokenizer."""
    reader.t5.config.to_json_file(folder / files.TEXT / "config.json")
    tensors = {k: v for k, v in reader.t5.state_dict().items() if k != "encoder.embed_tokens.weight"}
    files.write(folder / files.TEXT, "model.safetensors", tensors, provenance)


def write_base(folder: Path, base: Base, provenance: Mapping[str, object]) -> None:
    """UNet under the original names, and the base's own IDE."""
    files.write(folder, files.UNET, original_state_dict(base.unet), provenance)
    files.write(folder, files.BASE_IDE, base.ide.state_dict(), provenance)
