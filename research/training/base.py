"""The frozen base: UNet and autoencoder from a diffusers folder, or from one file in the original SD 1.x layout."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

from deig_core.checkpoint.read import read_tensors
from deig_core.diffusers_unet.attach import transformer_blocks
from deig_core.diffusers_unet.names import load_original
from deig_core.errors import WeightsError
from deig_core.model.adapter import DeigAdapter, is_deig_key
from deig_core.model.config import DeigConfig

_PREFIX = "model.diffusion_model."
SD1_AUTOENCODER = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "scaling_factor": 0.18215,
}


def load_unet(path: str | Path) -> UNet2DConditionModel:
    """A frozen SD 1.x UNet of any size from a diffusers folder, a checkpoint, the published model.pth or a file of the
    UNet alone.

    A file's metadata may hold "unet_config" (JSON of diffusers' configuration); else sizes are read off the shapes, and
    heads are 8. Raises WeightsError for other files.
    """
    path = Path(path)
    if path.is_dir():
        folder = path / "unet" if (path / "unet").is_dir() else path
        return UNet2DConditionModel.from_pretrained(folder, local_files_only=True).eval().requires_grad_(False)
    weights, metadata = _read(path)
    if any(k.startswith(_PREFIX) for k in weights):
        weights = {k.removeprefix(_PREFIX): v for k, v in weights.items() if k.startswith(_PREFIX)}
    weights = {k: v.float() for k, v in weights.items() if not is_deig_key(k)}
    try:
        unet = UNet2DConditionModel(
            **(json.loads(metadata["unet_config"]) if "unet_config" in metadata else unet_config(weights))
        )
        load_original(unet, weights)
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0][:150]
        raise WeightsError(
            f"{path.name} holds no Stable Diffusion 1.x UNet that can be trained ({reason}): choose an SD 1.x "
            f"checkpoint."
        ) from None
    return unet.eval().requires_grad_(False)


def unet_config(weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
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
        "attention_head_dim": 8,
        "down_block_types": tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        "up_block_types": tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
    }


def load_autoencoder(path: str | Path) -> AutoencoderKL | AutoencoderTiny:
    """An SD 1.x autoencoder from a diffusers folder (AutoencoderTiny too), a checkpoint, the published model.pth or
    a VAE file.
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
    model = AutoencoderKL(**SD1_AUTOENCODER)
    try:
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


def new_adapter(unet: UNet2DConditionModel, text_dim: int = 2048, *, tokens: int = 16, layers: int = 6) -> DeigAdapter:
    """An untrained adapter for `unet`, with the paper's proportions: for SD 1.x and Flan-T5-XL exactly the published
    model's sizes.
    """
    width = unet.config.cross_attention_dim
    fusers = tuple((address, block.norm1.normalized_shape[0]) for address, block in transformer_blocks(unet))
    heads = next(block.attn1.heads for _, block in transformer_blocks(unet))
    return DeigAdapter(
        DeigConfig(
            text_dim=text_dim,
            width=width,
            tokens=tokens,
            layers=layers,
            time_dim=width,
            hidden=4 * width,
            fusers=fusers,
            fuser_heads=heads,
            heads=8 if width % 8 == 0 else 1,
        )
    )


def start_from_gligen(adapter: DeigAdapter, path: str | Path) -> int:
    """Take fusers and position net over from a GLIGEN text-box file (docs/method.md section 9). Returns the number of
    tensors.

    Raises WeightsError that names what is missing or of another shape.
    """
    found = {k: v for k, v in _read(Path(path))[0].items() if is_deig_key(k) and not k.startswith("IDE.")}
    own = {k: v for k, v in adapter.official_state_dict().items() if not k.startswith("IDE.")}
    wrong = [k for k in own if k not in found or found[k].shape != own[k].shape]
    if wrong:
        raise WeightsError(
            f"{Path(path).name} cannot start this adapter: {wrong[0]} ({len(wrong)} in all) is missing or has another "
            f"shape; "
            "use the GLIGEN text-box file for Stable Diffusion 1.4."
        )
    for name, parameter in own.items():
        parameter.copy_(found[name])
    return len(own)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    contents, metadata = read_tensors(path)
    for nested in ("model", "state_dict"):
        if isinstance(contents.get(nested), Mapping):
            contents = contents[nested]
    return {k: v for k, v in contents.items() if isinstance(v, torch.Tensor)}, metadata
