"""UNet and autoencoder from a diffusers folder, or from one file in the original SD 1.x layout."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

from ..checkpoint.read import read_tensors
from ..errors import WeightsError
from ..model.adapter import is_deig_key
from .names import load_original

_PREFIX = "model.diffusion_model."
SD1_AUTOENCODER = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "scaling_factor": 0.18215,
}


def load_unet(path: str | Path, heads: int = 8) -> UNet2DConditionModel:
    """A frozen SD 1.x UNet of any size from a diffusers folder, a checkpoint, the published model.pth or a file of the
    UNet alone.

    A file's metadata may hold "unet_config" (JSON of diffusers' configuration); else sizes are read off the shapes,
    which do not show `heads`. Raises WeightsError for other files.
    """
    path = Path(path)
    if path.is_dir():
        folder = path / "unet" if (path / "unet").is_dir() else path
        return UNet2DConditionModel.from_pretrained(folder, local_files_only=True).eval().requires_grad_(False)
    weights, metadata = read_weights(path)
    if any(k.startswith(_PREFIX) for k in weights):
        weights = {k.removeprefix(_PREFIX): v for k, v in weights.items() if k.startswith(_PREFIX)}
    weights = {k: v.float() for k, v in weights.items() if not is_deig_key(k)}
    try:
        unet = UNet2DConditionModel(
            **(json.loads(metadata["unet_config"]) if "unet_config" in metadata else unet_config(weights, heads))
        )
        load_original(unet, weights)
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0][:150]
        raise WeightsError(
            f"{path.name} holds no Stable Diffusion 1.x UNet ({reason}): choose an SD 1.x checkpoint."
        ) from None
    return unet.eval().requires_grad_(False)


def unet_config(weights: Mapping[str, torch.Tensor], heads: int = 8) -> dict[str, Any]:
    """diffusers' configuration of a UNet in the original layout. Raises KeyError for weights that are another
    model's.
    """
    numbers = sorted(
        int(m[1]) for k in weights if (m := re.match(r"input_blocks\.(\d+)\.0\.(?:in_layers\.2|op)\.weight$", k))
    )
    levels: list[list[int]] = [[]]
    for n in numbers:
        if f"input_blocks.{n}.0.op.weight" in weights:
            levels.append([])
        else:
            levels[-1].append(n)
    query = "transformer_blocks.0.attn2.to_k.weight"
    attends = [bool(level) and f"input_blocks.{level[0]}.1.{query}" in weights for level in levels]
    return {
        "sample_size": 64,
        "in_channels": weights["input_blocks.0.0.weight"].shape[1],
        "out_channels": weights["out.2.weight"].shape[0],
        "block_out_channels": tuple(
            weights[f"input_blocks.{level[0]}.0.in_layers.2.weight"].shape[0] for level in levels if level
        ),
        "layers_per_block": len(levels[0]),
        "cross_attention_dim": weights[f"middle_block.1.{query}"].shape[1],
        "attention_head_dim": heads,  # diffusers' name for the number of heads of SD 1.x
        "down_block_types": tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        "up_block_types": tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
    }


def load_autoencoder(path: str | Path) -> AutoencoderKL | AutoencoderTiny:
    """An SD 1.x autoencoder from a diffusers folder (AutoencoderTiny too), a checkpoint, the published model.pth, a VAE
    file or the demo's, which is a TAESD's. Raises WeightsError for other files.
    """
    path = Path(path)
    if path.is_dir():
        folder = path / "vae" if (path / "vae").is_dir() else path
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_class_name")
        model = (AutoencoderTiny if kind == "AutoencoderTiny" else AutoencoderKL).from_pretrained(
            folder, local_files_only=True
        )
        return model.eval().requires_grad_(False)
    contents, _ = read_tensors(path)
    weights = contents.get("autoencoder") or contents.get("state_dict") or contents
    weights = {k: v for k, v in weights.items() if isinstance(v, torch.Tensor)}
    tiny = any(k.startswith("taesd_decoder.") for k in weights)
    model = AutoencoderTiny() if tiny else AutoencoderKL(**SD1_AUTOENCODER)
    try:
        if tiny:
            model.load_state_dict(_taesd_named(weights))
            return model.eval().requires_grad_(False)
        if not any(k.startswith("first_stage_model.") for k in weights):
            weights = {f"first_stage_model.{k}": v for k, v in weights.items()}
        model.load_state_dict(
            {k: v.float() for k, v in convert_ldm_vae_checkpoint(weights, dict(model.config)).items()}
        )
    except (KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:150]
        raise WeightsError(
            f"{path.name} holds no Stable Diffusion 1.x autoencoder ({reason}): give an SD 1.x checkpoint or its VAE."
        ) from None
    return model.eval().requires_grad_(False)


def _taesd_named(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """TAESD's names -> diffusers', whose decoder counts from behind the clamp. A host's scale of the latents is
    dropped: both halves are at the UNet's.
    """
    found = {}
    for name, tensor in weights.items():
        if m := re.match(r"taesd_(en|de)coder\.(\d+)\.(.+)$", name):
            found[f"{m[1]}coder.layers.{int(m[2]) - (m[1] == 'de')}.{m[3]}"] = tensor.float()
    return found


def encode(model: AutoencoderKL | AutoencoderTiny, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [n, 3, H, W] in 0..1 -> latents [n, 4, H/8, W/8] as the UNet sees them; the mean, where the model
    gives a distribution.
    """
    found = model.encode(pictures * 2 - 1)
    latents = found.latents if hasattr(found, "latents") else found.latent_dist.mode()
    return latents * model.config.scaling_factor


def decode(model: AutoencoderKL | AutoencoderTiny, latents: torch.Tensor) -> torch.Tensor:
    """Latents -> pictures [n, 3, H, W] in 0..1."""
    return (model.decode(latents / model.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1)


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a file, of what is nested in it, and its metadata. Raises WeightsError for what is no file of
    weights.
    """
    contents, metadata = read_tensors(path)
    for nested in ("model", "state_dict"):
        if isinstance(contents.get(nested), Mapping):
            contents = contents[nested]
    return {k: v for k, v in contents.items() if isinstance(v, torch.Tensor)}, metadata
