"""Grounding DINO by transformers' class: boxes of a noun in a picture, as they come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ...engines.local import check_folder, device_of, identity, load_model, load_processor
from ..witness import NOT_FINITE, Sight, Word, decimals

FLOOR = 0.1  # of a kept box's score: thresholds from here on can be tried without asking again


class Detector:
    """path: the folder of a Grounding DINO (IDEA-Research/grounding-dino-tiny is Swin-T OGC).

    It is asked for the noun alone, once a noun and picture: "teddy bear."
    """

    kind, at_once = "boxes", 1

    def __init__(self, path: Path, *, by: str | None = None, device: str | None = None):
        check_folder(path)
        self.by, self._path, self._device = by or path.name, path, device_of(device)
        self._processor = load_processor(path, "pictures and text")
        self._model = load_model(
            "GroundingDinoForObjectDetection", path, "Grounding DINO of transformers", device=self._device
        )

    def fingerprint(self) -> dict[str, Any]:
        return {**identity(self._path, self._device), "floor": FLOOR, "text": "{noun}."}

    def look(self, sights: Sequence[Sight]) -> list[Word]:
        found: dict[tuple[str, str], Word] = {}
        for sight in sights:
            key = sight.layout.id, sight.instance.noun
            if key not in found:
                found[key] = self._detect(sight.picture(), sight.instance.noun)
        return [found[sight.layout.id, sight.instance.noun] for sight in sights]

    @torch.no_grad()
    def _detect(self, picture: Image.Image, noun: str) -> Word:
        text = noun.lower().strip().rstrip(".") + "."
        inputs = self._processor(images=picture, text=text, return_tensors="pt").to(self._device)
        out = self._model(**inputs)
        scores, boxes = out.logits[0].sigmoid().amax(-1), out.pred_boxes[0]
        if not (torch.isfinite(scores).all() and torch.isfinite(boxes).all()):
            return NOT_FINITE
        kept = (scores > FLOOR).nonzero()[:, 0].tolist()
        return {"boxes": [_corners(boxes[i].tolist(), scores[i].item()) for i in kept]}


def _corners(box: Sequence[float], score: float) -> list[float]:
    """Centre and size to x0, y0, x1, y1, and the score."""
    x, y, w, h = box
    return [*map(decimals, (x - w / 2, y - h / 2, x + w / 2, y + h / 2)), decimals(score)]
