"""The demo's files as models, without a host; and what was trained as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import UNet2DConditionModel

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.checkpoint.write import write_safetensors
from deig_core.demo import files
from deig_core.diffusers_unet.names import load_original, original_state_dict
from deig_core.text.encoder import TextEncoder, load_text_encoder

from .autoencoder import DemoAutoencoder
from .text import write_tokenizer
from .train_base import UNET, Base

if TYPE_CHECKING:
    from transformers import T5EncoderModel

BASE_IDE, BASE_TEXT = "base_ide.safetensors", "base_t5"
"""Of the base before any adapter, beside `files.UNET` in a training's folder; the pack ships neither."""


def autoencoder(folder: Path = files.WEIGHTS) -> DemoAutoencoder:
    """The one in `folder`, on the CPU and without gradients. Raises WeightsError as `files.read` does."""
    model = DemoAutoencoder()
    model.load_state_dict(files.read(files.VAE, folder))
    return model.eval().requires_grad_(False)


def unet(folder: Path = files.WEIGHTS) -> UNet2DConditionModel:
    """As `autoencoder`: the base's."""
    model = UNet2DConditionModel(**UNET)
    load_original(model, files.read(files.UNET, folder))
    return model.eval().requires_grad_(False)


def text_encoder(folder: Path = files.WEIGHTS, name: str = files.TEXT) -> TextEncoder:
    """name: of its own folder in `folder`, TEXT or BASE_TEXT. Raises DeigError where none can be loaded from there."""
    return load_text_encoder(folder / name)


def base(folder: Path) -> Base:
    """A base to go on from: the UNet, the text encoder as it reads now, which then stays as it is, and the base's
    IDE, else the adapter's.
    """
    encoder = text_encoder(folder)
    found = Base(len(encoder.tokenizer))
    found.t5.load_state_dict(encoder.model.state_dict())
    found.t5.requires_grad_(False)
    load_original(found.unet, files.read(files.UNET, folder))
    if (folder / BASE_IDE).is_file():
        found.ide.load_state_dict(files.read(BASE_IDE, folder))
    else:
        found.ide.load_state_dict(
            load_adapter(read_published(folder / files.ADAPTER), dtype=torch.float32).ide.state_dict()
        )
    return found


def write(folder: Path, name: str, tensors: Mapping[str, torch.Tensor], provenance: Mapping[str, object]) -> None:
    """A file that `files.read` reads, in float16; `folder` is made where it lacks. provenance: JSON in its metadata.

    The file appears whole or not at all. Raises WeightsError for a number that float16 cannot hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / name, tensors, torch.float16, {"format": "pt", "provenance": json.dumps(provenance)})


def write_text(folder: Path, name: str, t5: T5EncoderModel, provenance: Mapping[str, object]) -> None:
    """The text encoder as a Hugging Face folder, beside its tokenizer."""
    write_tokenizer(folder / name)
    t5.config.to_json_file(folder / name / "config.json")
    write(
        folder / name,
        "model.safetensors",
        {k: v for k, v in t5.state_dict().items() if k != "encoder.embed_tokens.weight"},
        provenance,
    )


def write_base(folder: Path, base: Base, provenance: Mapping[str, object]) -> None:
    """UNet under the original names, and the base's own text encoder and IDE."""
    write(folder, files.UNET, original_state_dict(base.unet), provenance)
    write(folder, BASE_IDE, base.ide.state_dict(), provenance)
    write_text(folder, BASE_TEXT, base.t5, provenance)
