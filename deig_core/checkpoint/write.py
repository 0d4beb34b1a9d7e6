"""Writing safetensors one tensor at a time, so that converting a 5 GB file needs the memory of its largest tensor."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from ..errors import WeightsError
from ..model.adapter import DeigAdapter, check_keys, expected_weights
from ..model.config import DeigConfig

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
_NAMES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32"}
Progress = Callable[[int, int], None]


def write_safetensors(
    path: str | Path,
    tensors: Mapping[str, torch.Tensor],
    dtype: torch.dtype,
    metadata: Mapping[str, str],
    progress: Progress | None = None,
) -> None:
    """Write `tensors` as `dtype` to `path`; the file appears whole or not at all. progress(bytes done, bytes in all).

    Raises WeightsError for a number that `dtype` cannot hold.
    """
    path = Path(path)
    header, offset = {"__metadata__": dict(metadata)}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * dtype.itemsize
        header[name] = {"dtype": _NAMES[dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    aside = path.with_name(path.name + ".partial")
    try:
        with open(aside, "wb") as file:
            file.write(struct.pack("<Q", len(encoded)) + encoded)
            done = 0
            for name, tensor in tensors.items():
                converted = tensor.detach().cpu().to(dtype).contiguous()
                if not converted.isfinite().all():
                    raise WeightsError(
                        f"{name} holds numbers that {_NAMES[dtype]} cannot: choose --dtype bf16 or fp32."
                    )
                file.write(converted.flatten().view(torch.uint8).numpy().data)
                done += converted.nbytes
                if progress:
                    progress(done, offset)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def save_adapter(
    path: str | Path,
    weights: DeigAdapter | Mapping[str, torch.Tensor],
    config: DeigConfig,
    *,
    dtype: torch.dtype = torch.float16,
    provenance: str = "",
    progress: Progress | None = None,
) -> None:
    """Save the DEIG part under the published names, with its sizes and where it came from in the metadata.

    Raises WeightsError where a weight is missing or not one of `config`, and for a number that `dtype` cannot hold.
    """
    tensors = weights.published_state_dict() if isinstance(weights, DeigAdapter) else weights
    check_keys(tensors, expected_weights(config))
    metadata = {
        "format": "pt",
        "modelspec.architecture": "stable-diffusion-v1/deig",
        "config": config.to_json(),
        "provenance": provenance,
    }
    write_safetensors(path, tensors, dtype, metadata, progress)


def save_base(
    path: str | Path,
    base: Mapping[str, torch.Tensor],
    autoencoder: Mapping[str, torch.Tensor],
    *,
    dtype: torch.dtype = torch.float16,
    provenance: str = "",
    progress: Progress | None = None,
) -> None:
    """Save UNet and VAE as an ordinary SD 1.x checkpoint (without a CLIP text encoder: the published file has none)."""
    tensors = as_sd1_checkpoint(base, autoencoder)
    write_safetensors(
        path,
        tensors,
        dtype,
        {"format": "pt", "modelspec.architecture": "stable-diffusion-v1", "provenance": provenance},
        progress,
    )


def as_sd1_checkpoint(
    base: Mapping[str, torch.Tensor], autoencoder: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The published file's base and autoencoder under the names of an ordinary SD 1.x checkpoint."""
    return {f"model.diffusion_model.{k}": v for k, v in base.items()} | {
        f"first_stage_model.{k}": v for k, v in autoencoder.items()
    }
