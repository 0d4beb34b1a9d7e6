"""Tensors by key in sharded safetensors files: what is encoded once, can be added to, and survives any kill."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from deig_core.errors import DeigError


def digest(*parts: object) -> bytes:
    """32 bytes: sha256 of the parts as texts."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


SAMPLE, APART = (
    1 << 16,
    1 << 23,
)  # bytes; of a checkpoint with another VAE baked in, only what lies far from its beginning differs
MODEL_FILES = {".bin", ".json", ".model", ".safetensors"}


def fingerprint(path: Path) -> str:
    """Of a model's file, or of those in its folder, without reading them whole: names, sizes, and 64 KiB of every 8
    MiB.
    """
    found = hashlib.sha256()
    for file in (
        sorted(f for f in path.rglob("*") if f.suffix in MODEL_FILES and f.is_file()) if path.is_dir() else [path]
    ):
        name, size = file.relative_to(path), file.stat().st_size
        if any(part.startswith(".") for part in name.parts):  # what a download remembers about itself
            continue
        found.update(digest(name, size))
        with open(file, "rb") as content:
            for start in range(0, size, APART):
                content.seek(start)
                found.update(content.read(SAMPLE))
    return found.hexdigest()


class Store:
    """Tensors of one shape and dtype in `folder`/`name`_<n>.safetensors; each shard holds its own keys.

    Reading is lazy and can be sent to other processes. Only one process may write. made_with: the fingerprint of the
    model that makes what is added; raises DeigError where another one made what is there.
    """

    def __init__(self, folder: Path, name: str, made_with: str | None = None):
        self.folder, self.name, self.made_with = folder, name, made_with
        self._files: dict[Path, object] = {}
        self._places: dict[bytes, tuple[Path, int]] = {}
        for path in sorted(folder.glob(f"{name}_*.safetensors")):
            self._remember(path)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: bytes) -> torch.Tensor:
        if key not in self._places:
            raise DeigError(
                f"{self.name} in {self.folder.name} lacks an item of the data: run python -m "
                f"research.training.prepare again."
            )
        path, row = self._places[key]
        return self._open(path).get_slice("values")[row]

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Places in `keys` of those that are not stored, each key once."""
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        return sorted(i for key, i in first.items() if key not in self)

    def add(self, items: Mapping[bytes, torch.Tensor]) -> None:
        """One more shard; it appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.stem.rpartition("_")[2]) for path in self.folder.glob(f"{self.name}_*.safetensors")]
        path = self.folder / f"{self.name}_{max(numbers, default=-1) + 1:06d}.safetensors"
        aside = path.with_suffix(".partial")
        keys = torch.tensor([list(key) for key in items], dtype=torch.uint8)
        try:
            save_file(
                {"keys": keys, "values": torch.stack(list(items.values()))}, aside, {"made_with": self.made_with or ""}
            )
            os.replace(aside, path)
        except (OSError, SafetensorError) as error:
            raise DeigError(
                f"{path.name} cannot be written to {self.folder.name}: {error} (is the disk full?)"
            ) from None
        finally:
            aside.unlink(missing_ok=True)
        self._remember(path)

    def _remember(self, path: Path) -> None:
        try:
            shard = self._open(path)
            keys = shard.get_tensor("keys").tolist()
        except (OSError, SafetensorError):
            raise DeigError(
                f"{path.name} in {self.folder.name} is damaged: delete it, and run python -m research.training.prepare "
                "again."
            ) from None
        before = (shard.metadata() or {}).get("made_with")
        if self.made_with and before and before != self.made_with:
            raise DeigError(
                f"The {self.name} in {self.folder.name} were made with another model's file: use that one, or another "
                f"folder."
            )
        for row, key in enumerate(keys):
            self._places[bytes(key)] = (path, row)

    def _open(self, path: Path):
        if path not in self._files:
            self._files[path] = safe_open(path, "pt")
        return self._files[path]

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_files": {}}
