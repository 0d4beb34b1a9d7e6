"""Reading weights. Nothing in a file is ever executed: pickles go through torch's restricted unpickler alone."""

from __future__ import annotations

import math
import pickle
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ..errors import WeightsError
from ..model import operations as default_operations
from ..model.adapter import DeigAdapter, check_keys, is_deig_key
from ..model.config import DeigConfig, infer_config
from .base_unet import sd1_unet_shapes
from .file_kind import check_kind, is_whole_zip

Tensors = dict[str, torch.Tensor]
MOST_WEIGHTS = 8192
SAFETENSORS = (".safetensors", ".sft")


@dataclass(frozen=True, eq=False)
class PublishedCheckpoint:
    """The parts of the published file. `deig` and `base` add up to its 1095 'model' keys; `autoencoder` is SD's VAE."""

    deig: Tensors
    base: Tensors
    autoencoder: Tensors
    metadata: dict[str, str]


def read_tensors(path: str | Path) -> tuple[dict[str, Any], dict[str, str]]:
    """(contents, metadata) of a .safetensors file or of a torch pickle; tensors stay on disk until they are used.

    Raises WeightsError for a file that is damaged, or whose pickle holds anything but tensors and plain Python values.
    """
    path = Path(path)
    check_kind(path)
    if path.suffix.lower() in SAFETENSORS:
        try:
            with safe_open(path, "pt") as file:
                names = list(file.keys())
                _check_count(path, len(names))
                return {k: file.get_tensor(k) for k in names}, file.metadata() or {}
        except (SafetensorError, OSError) as error:
            reason = " ".join(str(error).split())[:120]
            raise WeightsError(f"{path.name} is no readable safetensors file ({reason}); download it again.") from None
    contents = _read_pickle(path)
    if not isinstance(contents, Mapping):
        raise WeightsError(f"{path.name} holds {type(contents).__name__} where a dictionary of weights was expected.")
    inner = [v for v in contents.values() if isinstance(v, Mapping)]
    _check_count(path, max(map(len, [contents, *inner])))
    return dict(contents), {}


def _check_count(path: Path, count: int) -> None:
    if count > MOST_WEIGHTS:
        raise WeightsError(f"{path.name} holds {count} weights; no file that belongs here has over {MOST_WEIGHTS}.")


def check_plain(path: Path, weights: Mapping[str, Any]) -> None:
    """Raise WeightsError that names the first weight which is no ordinary array of floats with its data."""
    for name, weight in weights.items():
        kind = None
        if weight.is_quantized:
            kind = "quantised"
        elif weight.is_nested or weight.layout != torch.strided:
            kind = "no plain array (sparse or nested)"
        elif weight.device.type == "meta":
            kind = "without data"
        elif not weight.is_floating_point():
            kind = f"of {str(weight.dtype).removeprefix('torch.')}, not of floats"
        if kind:
            raise WeightsError(f"{path.name}: {str(name)[:80]} is {kind}; use weights in fp32, fp16, bf16 or fp8.")


def _read_pickle(path: Path) -> Any:
    refusal = None
    # Only the zip format can be mapped into memory; files of torch before 1.6 are read whole.
    for mmap in (True, False) if is_whole_zip(path) else (False,):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
        except pickle.UnpicklingError as error:
            refusal = error
            break
        except Exception as error:  # a damaged pickle may raise anything, from IndexError to struct.error
            refusal = error
    named = re.findall(r"(?:GLOBAL|class|type|function) ([\w.]+(?:\.[\w]+)+)", str(refusal)[:4000])
    forbidden = named or re.search("Unsupported (?:global|class|type)", str(refusal)[:4000])
    if isinstance(refusal, pickle.UnpicklingError) and forbidden:
        what = f"holds {named[0]}, which is" if named else "holds objects that are"
        raise WeightsError(
            f"{path.name} {what} neither a tensor nor a plain Python value; it was refused and nothing in it was run. "
            "Use the published model.pth, or ask for a .safetensors file."
        ) from None
    reason = (str(refusal) or type(refusal).__name__).splitlines()[0][:120]
    if isinstance(refusal, (pickle.UnpicklingError, IndexError, struct.error)):
        reason = "its pickle is damaged or cut short"
    raise WeightsError(f"{path.name} is no readable weights file ({reason}); download it again.")


def read_published(path: str | Path) -> PublishedCheckpoint:
    """Split the published model.pth, or a file converted from it, into its parts.

    Raises WeightsError, saying what the file seems to be, where it holds no DEIG weights.
    """
    path = Path(path)
    contents, metadata = read_tensors(path)
    model = contents.get("model", contents)
    if not isinstance(model, Mapping):
        raise WeightsError(
            f"{path.name}: 'model' is {type(model).__name__} where a dictionary of weights was expected."
        )
    if "model" not in contents:
        model = {k: v for k, v in model.items() if isinstance(v, torch.Tensor)}
    if model and all(isinstance(k, str) and k.startswith("module.") for k in model):  # of a model on several GPUs
        model = {k.removeprefix("module."): v for k, v in model.items()}
    if strays := [str(k) for k, v in model.items() if not isinstance(k, str) or not isinstance(v, torch.Tensor)]:
        raise WeightsError(f"{path.name}: {strays[0]} in 'model' is no tensor; download the file again.")
    deig = {k: v for k, v in model.items() if is_deig_key(k)}
    if not any(k.startswith("IDE.") for k in deig):
        raise WeightsError(
            f"{path.name} {_what_it_is(model)}; choose model.pth of dushy5/DEIG or a file converted from it."
        )
    check_plain(path, deig)
    autoencoder = contents.get("autoencoder", {})
    if not isinstance(autoencoder, Mapping):
        autoencoder = {}
    autoencoder = {k: v for k, v in autoencoder.items() if isinstance(v, torch.Tensor)}
    return PublishedCheckpoint(deig, {k: v for k, v in model.items() if k not in deig}, autoencoder, metadata)


def _what_it_is(weights: Mapping[str, Any]) -> str:
    keys = list(weights)
    if any("lora" in k.lower() for k in keys):
        return "is a LoRA, not DEIG weights"
    if any(k.startswith("position_net.") or ".fuser." in k for k in keys):
        return "is a GLIGEN file, not DEIG weights (it has no Instance Detail Extractor)"
    if any(k.startswith("model.diffusion_model.") for k in keys):
        return "is an ordinary checkpoint, not DEIG weights (load it with Load Checkpoint)"
    if any(k.startswith("encoder.block.") or k == "shared.weight" for k in keys):
        return "is a T5 text encoder, not DEIG weights (load it with Load DEIG Text Encoder)"
    return "holds no DEIG weights"


def adapter_config(checkpoint: PublishedCheckpoint) -> DeigConfig:
    """Sizes from the weights' shapes; numbers of heads from the metadata, where a file has them."""
    return infer_config({k: tuple(v.shape) for k, v in checkpoint.deig.items()}).with_heads(
        checkpoint.metadata.get("config")
    )


def load_adapter(
    checkpoint: PublishedCheckpoint, *, operations: Any = default_operations, dtype: torch.dtype | None = None
) -> DeigAdapter:
    """Build the adapter that the weights describe and load them (`dtype` None keeps the file's).

    Raises WeightsError naming every weight that is missing, extra, of another shape or not finite.
    """
    adapter = DeigAdapter(adapter_config(checkpoint), operations=operations, device="meta", dtype=dtype)
    weights = checkpoint.deig if dtype is None else {k: v.to(dtype) for k, v in checkpoint.deig.items()}
    adapter.load_published(weights)
    check_finite(weights)
    return adapter


def check_finite(weights: Mapping[str, torch.Tensor], what: str = "DEIG weights") -> None:
    """Raise WeightsError that names the first weight with a NaN or an infinity in it."""
    for name, weight in weights.items():
        if not weight.is_floating_point() or not weight.numel():
            continue
        # One pass that copies nothing: the extremes are finite where all is, and a NaN is one. Not for 8-bit floats.
        extremes = torch.aminmax(weight.float() if weight.dtype.itemsize == 1 else weight)
        if not all(map(math.isfinite, (extremes.min.item(), extremes.max.item()))):
            kind = str(weight.dtype).removeprefix("torch.")
            raise WeightsError(
                f"The {what} are damaged: {name} holds NaN or infinity (as {kind}); download or convert the file again."
            )


def check_base(checkpoint: PublishedCheckpoint) -> None:
    """Raise WeightsError unless the base part is exactly an SD 1.x UNet (686 keys), the autoencoder is there, and both
    are finite."""
    expected = {k: torch.empty(s, device="meta") for k, s in sd1_unet_shapes().items()}
    check_keys(checkpoint.base, expected, "base UNet's weights")
    if "decoder.conv_in.weight" not in checkpoint.autoencoder:
        raise WeightsError(
            "The file holds no autoencoder; it is not the published model.pth: load the VAE from another checkpoint."
        )
    check_finite(checkpoint.base, "base UNet's weights")
    check_finite(checkpoint.autoencoder, "autoencoder's weights")
