"""Weights on disk: reading the published `model.pth` without running it, and our own safetensors files."""

from .read import OfficialCheckpoint, load_adapter, read_official, read_tensors
from .write import save_adapter, save_base, write_safetensors

__all__ = [
    "OfficialCheckpoint",
    "load_adapter",
    "read_official",
    "read_tensors",
    "save_adapter",
    "save_base",
    "write_safetensors",
]
