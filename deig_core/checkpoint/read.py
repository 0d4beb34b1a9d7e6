"""Reading weights. Nothing in a file is ever executed: pickles go through torch's restricted unpickler alone."""

from __future__ import annotations

import pickle
import re
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

Tensors = dict[str, torch.Tensor]
SAFETENSORS = (".safetensors", ".sft")


@dataclass(frozen=True, eq=False)
class OfficialCheckpoint:
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
    if path.suffix.lower() in SAFETENSORS:
        try:
            with safe_open(path, "pt") as file:
                return {k: file.get_tensor(k) for k in file.keys()}, file.metadata() or {}  # noqa: SIM118 (not a mapping)
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path.name} is no readable safetensors file ({error}); download it again.") from None
    contents = _read_pickle(path)
    if not isinstance(contents, Mapping):
        raise WeightsError(f"{path.name} holds {type(contents).__name__} where a dictionary of weights was expected.")
    return dict(contents), {}


def _read_pickle(path: Path) -> Any:
    refusal = None
    # Only the zip format can be mapped into memory; files of torch before 1.6 are read whole.
    for mmap in (True, False):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
        except pickle.UnpicklingError as error:
            refusal = error
            break
        except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            refusal = error
    named = re.findall(r"(?:GLOBAL|class|type|function) ([\w.]+(?:\.[\w]+)+)", str(refusal))
    if isinstance(refusal, pickle.UnpicklingError):
        what = f"holds {named[0]}, which is" if named else "holds objects that are"
        raise WeightsError(
            f"{path.name} {what} neither a tensor nor a plain Python value; it was refused and nothing in it was run. "
            "Use the published model.pth, or ask for a .safetensors file."
        ) from None
    reason = (str(refusal) or type(refusal).__name__).splitlines()[0][:120]
    raise WeightsError(f"{path.name} is no readable weights file ({reason}); download it again.")


def read_official(path: str | Path) -> OfficialCheckpoint:
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
    if strays := [str(k) for k, v in model.items() if not isinstance(k, str) or not isinstance(v, torch.Tensor)]:
        raise WeightsError(f"{path.name}: {strays[0]} in 'model' is no tensor; download the file again.")
    deig = {k: v for k, v in model.items() if is_deig_key(k)}
    if not any(k.startswith("IDE.") for k in deig):
        raise WeightsError(
            f"{path.name} {_what_it_is(model)}; choose model.pth of dushy5/DEIG or a file converted from it."
        )
    autoencoder = contents.get("autoencoder", {})
    return OfficialCheckpoint(
        deig,
        {k: v for k, v in model.items() if k not in deig},
        dict(autoencoder) if isinstance(autoencoder, Mapping) else {},
        metadata,
    )


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


def adapter_config(checkpoint: OfficialCheckpoint) -> DeigConfig:
    """Sizes from the weights' shapes; numbers of heads from the metadata, where a file has them."""
    return infer_config({k: tuple(v.shape) for k, v in checkpoint.deig.items()}).with_heads(
        checkpoint.metadata.get("config")
    )


def load_adapter(
    checkpoint: OfficialCheckpoint, *, operations: Any = default_operations, dtype: torch.dtype | None = None
) -> DeigAdapter:
    """Build the adapter that the weights describe and load them (`dtype` None keeps the file's).

    Raises WeightsError naming every weight that is missing, extra, of another shape or not finite.
    """
    adapter = DeigAdapter(adapter_config(checkpoint), operations=operations, device="meta", dtype=dtype)
    adapter.load_official(checkpoint.deig if dtype is None else {k: v.to(dtype) for k, v in checkpoint.deig.items()})
    return adapter


def check_base(checkpoint: OfficialCheckpoint) -> None:
    """Raise WeightsError unless the base part is exactly an SD 1.x UNet (686 keys) and the autoencoder is there."""
    expected = {k: torch.empty(s, device="meta") for k, s in sd1_unet_shapes().items()}
    check_keys(checkpoint.base, expected, "base UNet's weights")
    if "decoder.conv_in.weight" not in checkpoint.autoencoder:
        raise WeightsError(
            "The file holds no autoencoder; it is not the published model.pth: load the VAE from another checkpoint."
        )
