"""CLIP as InstDiff-Bench uses it: cosines of a box's crop with its phrase and with each label of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ...engines.clip import TooLong, load_clip
from ..procedures.instdiff import LABEL_PROMPT, LABELS
from ..witness import NOT_FINITE, Failure, Sight, Word, decimals


class Labeller:
    """path: the folder of a CLIP; the published numbers are of open_clip's ViT-L-14 laion2b_s32b_b82k."""

    kind, at_once = "clip", 1

    def __init__(self, path: Path, *, by: str | None = None, device: str | None = None):
        self.by, self._clip = by or path.name, load_clip(path, device)
        self._labels = cache(lambda kind: self._clip.texts([LABEL_PROMPT.format(label) for label in LABELS[kind]]))

    def fingerprint(self) -> dict[str, Any]:
        return {**self._clip.fingerprint(), "labels": LABEL_PROMPT}

    def look(self, sights: Sequence[Sight]) -> list[Word]:
        return [self._word(sight) for sight in sights]

    def _word(self, sight: Sight) -> Word:
        kind = sight.instance.tags.get("attribute")
        if kind not in LABELS:
            return Failure(f"the instance has no attribute of {', '.join(LABELS)}: nothing can be told apart")
        try:
            (crop,), (phrase,) = self._clip.pictures([sight.crop()]), self._clip.texts([sight.instance.text])
        except TooLong as error:
            return Failure(str(error))
        cosines = torch.cat([phrase[None], self._labels(kind)]) @ crop
        if not torch.isfinite(cosines).all():
            return NOT_FINITE
        first, *near = map(decimals, cosines.tolist())
        return {"phrase": first, "labels": dict(zip(LABELS[kind], near, strict=True))}
