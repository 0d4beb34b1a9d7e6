"""The demo world's own scorer as a detector and a judge."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deig_core.demo import files

from ...demo.scorer import SMALLEST, Classifier, find_objects, judge
from ...training.store import fingerprint
from ..demo import scene_of
from ..witness import Sight, Word


class Finder:
    """Where there are objects in a picture, of whatever kind: what differs from the smooth background."""

    kind, by, at_once = "boxes", "demo", 1

    def fingerprint(self) -> dict[str, Any]:
        import scipy

        code = hashlib.sha256(f"{inspect.getsource(find_objects)} {SMALLEST}".encode()).hexdigest()[:12]
        version = f"{code}, numpy {np.__version__}, scipy {scipy.__version__}"
        return {"engine": "research.demo.scorer.find_objects", "version": version}

    def look(self, sights: Sequence[Sight]) -> list[Word]:
        pixels = _pixels(sights[0])
        height, width = pixels.shape[:2]
        whole = (width, height, width, height)
        # Exact: the sides are powers of two.
        boxes = [[*(side / of for side, of in zip(b, whole, strict=True)), 1.0] for b in find_objects(pixels)]
        return [{"boxes": boxes} for _ in sights]


class Judge:
    """What is in the crop of a box. weights: a folder of the demo's."""

    kind, by, at_once = "oracle", "demo", 1

    def __init__(self, weights: Path = files.WEIGHTS):
        self._path = weights / files.SCORER
        self._classifier = Classifier()
        self._classifier.load_state_dict(files.read(files.SCORER, weights))

    def fingerprint(self) -> dict[str, Any]:
        return {
            "engine": "research.demo.scorer.Classifier",
            "version": f"torch {torch.__version__}",
            "model": fingerprint(self._path),
        }

    def look(self, sights: Sequence[Sight]) -> list[Word]:
        verdicts = judge(self._classifier, _pixels(sights[0]), scene_of(sights[0].layout))
        return [{"found": verdicts[sight.index].found} for sight in sights]


def _pixels(sight: Sight) -> np.ndarray:
    """float32 [H, W, 3] in 0..1."""
    return np.asarray(sight.picture(), dtype=np.float32) / 255
