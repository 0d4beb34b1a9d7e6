"""Models of transformers from a folder on this machine: loading them, and saying in one sentence why not."""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import first_line
from ..training.store import fingerprint
from .contract import EngineError

TORCHVISION = (
    "The model's processor could not be loaded ({error}): it needs a torchvision that fits torch {torch}; install the "
    "release made for it, from where torch came."
)


def device_of(name: str | None) -> str:
    """`name`, or a GPU where there is one."""
    return name or ("cuda" if torch.cuda.is_available() else "cpu")


def identity(path: Path, device: str, dtype: str = "float32") -> dict[str, str]:
    """What decides the numbers of a model that transformers computes, for its fingerprint."""
    import transformers

    return {
        "engine": "transformers",
        "version": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "model": fingerprint(path),
        "dtype": dtype,
        "device": device.partition(":")[0],
    }


def check_folder(path: Path, file: str = "config.json") -> None:
    """Raises EngineError where the folder `path` has no `file`."""
    if not (path / file).is_file():
        raise EngineError(f"{path} holds no {file}: the folder of a Hugging Face model was expected.")


def load_processor(path: Path, what: str):
    """what: what it is for, for the message. Raises EngineError."""
    from transformers import AutoProcessor

    try:
        found = AutoProcessor.from_pretrained(path, local_files_only=True)
    except (ImportError, AttributeError, RuntimeError) as error:  # what transformers raises depends on what is missing
        raise EngineError(TORCHVISION.format(torch=torch.__version__, error=first_line(error))) from None
    except (OSError, ValueError, TypeError) as error:
        raise EngineError(f"{path} holds no processor for {what}: {first_line(error)}") from None
    if not hasattr(found, "image_processor"):
        raise EngineError(
            f"{path} holds no image processor for {what}: copy preprocessor_config.json from where the model came."
        )
    return found


def load_model(kind: str, path: Path, what: str, *, dtype: str = "float32", device: str = "cpu"):
    """kind: the class's name in transformers. what: what it should be, for the message. Raises EngineError."""
    import transformers

    try:
        model, loading = getattr(transformers, kind).from_pretrained(
            path, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        if missing := sorted(loading["missing_keys"]):
            raise EngineError(
                f"{path} lacks weights of {what}, {missing[0]} for one: it is another model, or not whole."
            )
        return model.to(device).eval()
    except EngineError:
        raise
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise EngineError(f"{device} has no memory for the model in {path}: a smaller one may fit.") from None
        raise EngineError(f"{path} is no {what}: {first_line(error)}") from None
