"""The IDE with a memory: each text and timestep is worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch

from ..cache import MEGABYTE, TensorCache
from ..text.features import TextFeatures
from .adapter import DeigAdapter


class Extractor:
    """Runs the IDE of an adapter, once for each text and timestep, and remembers (bounded) what came out."""

    def __init__(self, adapter: DeigAdapter, *, result_bytes: int = 128 * MEGABYTE, text_bytes: int = 64 * MEGABYTE):
        self.adapter = adapter
        self._results = TensorCache(result_bytes)
        self._texts = TensorCache(text_bytes)

    def __call__(self, wanted: Sequence[tuple[TextFeatures, float]], device: torch.device) -> list[torch.Tensor]:
        """Tokens float32 [T, D] on `device` of each (text, timestep); one batched IDE call for those not known yet."""
        keys = [(text.key, timestep, device) for text, timestep in wanted]
        found = {key: self._results.get(key) for key in keys}
        todo = {key: item for key, item in zip(keys, wanted, strict=True) if found[key] is None}
        if todo:
            texts = torch.stack([self._project(text, device) for text, _ in todo.values()])
            for key, tokens in zip(
                todo, self.adapter.ide(texts, _filled([t for _, t in todo.values()], device)), strict=True
            ):
                found[key] = tokens.clone()
                self._results.put(key, found[key])
        return [found[key] for key in keys]

    def _project(self, text: TextFeatures, device: torch.device) -> torch.Tensor:
        key = (text.key, device)
        projected = self._texts.get(key)
        if projected is None:
            projected = self.adapter.ide.project_text(text.tensor.to(device)[None])[0]
            self._texts.put(key, projected)
        return projected


def _filled(values: Sequence[float], device: torch.device) -> torch.Tensor:
    """float32 [N], written by the device itself: a copy from the host's memory would wait for all that the device
    has to do.
    """
    return torch.cat(
        [torch.full((len(list(same)),), value, dtype=torch.float32, device=device) for value, same in groupby(values)]
    )
