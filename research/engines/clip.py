"""CLIP from a folder on this machine, by transformers or by open_clip: cosines of pictures and texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image

from ..training.store import fingerprint
from .contract import EngineError
from .local import check_folder, device_of, identity, load_model, load_processor

OPEN_CLIP = "open_clip_config.json"
WHAT = "CLIP model"


class TooLong(ValueError):
    """A text has more tokens than CLIP reads."""


class Clip(Protocol):
    """context: tokens of a text that are read, its start and end among them."""

    context: int

    def count(self, text: str) -> int:
        """Tokens of `text`, start and end included."""

    def pictures(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """float32 [n, width], of length 1, on the CPU; each picture by itself, so that it depends on nothing else."""

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """As `pictures`. Raises TooLong rather than to cut a text off."""

    def fingerprint(self) -> dict[str, str]:
        """All that decides the vectors."""


def load_clip(path: Path, device: str | None = None) -> Clip:
    """By open_clip where the folder holds its configuration, by transformers otherwise. Raises EngineError."""
    return _OpenClip(path, device) if (path / OPEN_CLIP).is_file() else _TransformersClip(path, device)


class _TransformersClip:
    def __init__(self, path: Path, device: str | None):
        check_folder(path)
        self._path, self._device = path, device_of(device)
        self._processor = load_processor(path, "pictures and text")
        self._model = load_model("CLIPModel", path, WHAT, device=self._device)
        self.context = self._model.config.text_config.max_position_embeddings

    def count(self, text: str) -> int:
        return len(self._processor.tokenizer(text).input_ids)

    @torch.no_grad()
    def pictures(self, images: Sequence[Image.Image]) -> torch.Tensor:
        pixels = (self._processor.image_processor(image, return_tensors="pt").pixel_values for image in images)
        return _stacked(self._vector(self._model.get_image_features(pixel_values=p.to(self._device))) for p in pixels)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        _check(self, texts)
        tokens = (self._processor.tokenizer(text, return_tensors="pt").to(self._device) for text in texts)
        return _stacked(self._vector(self._model.get_text_features(**t)) for t in tokens)

    def fingerprint(self) -> dict[str, str]:
        return identity(self._path, self._device)

    @staticmethod
    def _vector(found) -> torch.Tensor:
        """transformers 5 gives an output object, 4 the tensor."""
        return found if isinstance(found, torch.Tensor) else found.pooler_output


class _OpenClip:
    def __init__(self, path: Path, device: str | None):
        try:
            import open_clip
        except (ImportError, RuntimeError) as error:  # a torchvision that does not fit raises RuntimeError
            raise EngineError(
                f"open_clip cannot be loaded ({error}): pip install open_clip_torch==3.3.0, and the torchvision that "
                f"fits torch {torch.__version__}."
            ) from None
        self._path, self._device = path, device_of(device)
        name = f"local-dir:{path}"
        try:
            self._model, self._transform = open_clip.create_model_from_pretrained(name, device=self._device)
            self._tokenizer = open_clip.get_tokenizer(name)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise EngineError(f"{path} is no {WHAT} of open_clip: {str(error).splitlines()[0]}") from None
        self._version = open_clip.__version__
        self.context = self._tokenizer.context_length

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text)) + 2

    @torch.no_grad()
    def pictures(self, images: Sequence[Image.Image]) -> torch.Tensor:
        pixels = (self._transform(image)[None].to(self._device) for image in images)
        return _stacked(self._model.encode_image(p) for p in pixels)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        _check(self, texts)
        return _stacked(self._model.encode_text(self._tokenizer([text]).to(self._device)) for text in texts)

    def fingerprint(self) -> dict[str, str]:
        return {
            "engine": "open_clip",
            "version": f"open_clip {self._version}, torch {torch.__version__}",
            "model": fingerprint(self._path),
            "dtype": "float32",
            "device": self._device.partition(":")[0],
        }


def _check(clip: Clip, texts: Sequence[str]) -> None:
    for text in texts:
        if (tokens := clip.count(text)) > clip.context:
            raise TooLong(f"{text[:60]!r} has {tokens} tokens, and CLIP reads {clip.context}")


def _stacked(vectors) -> torch.Tensor:
    return torch.cat([torch.nn.functional.normalize(v.float(), dim=-1).cpu() for v in vectors])
