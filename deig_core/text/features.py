"""What the text encoder says of one text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """Output of the text encoder for one text: [L, text_dim], pads included. `key` names the content (text and
    encoder).
    """

    tensor: torch.Tensor
    key: str

    @classmethod
    def of(cls, tensor: torch.Tensor) -> TextFeatures:
        """Features with a key made from their bytes."""
        data = tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
        return cls(tensor, hashlib.sha256(data).hexdigest())
