"""Weights on disk: reading the published `model.pth` without running it, and our own safetensors files."""

from .read import PublishedCheckpoint, load_adapter, read_published, read_tensors
from .write import save_adapter, save_base, write_safetensors

__all__ = [
    "PublishedCheckpoint",
    "load_adapter",
    "read_published",
    "read_tensors",
    "save_adapter",
    "save_base",
    "write_safetensors",
]
