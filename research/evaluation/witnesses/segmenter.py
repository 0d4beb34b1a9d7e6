"""SAM by transformers' class: the mask of a given box, and how much of it has each of MIG-Bench's colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...engines.local import check_folder, device_of, identity, load_model, load_processor
from ..colour import shares
from ..witness import NOT_FINITE, Sight, Word, decimals


class Segmenter:
    """path: the folder of a SAM (facebook/sam-vit-huge is ViT-H).

    Prompted with the given box; of the three masks the one of the best predicted IoU, as published.
    """

    kind, at_once = "colours", 1

    def __init__(self, path: Path, *, by: str | None = None, device: str | None = None):
        check_folder(path)
        self.by, self._path, self._device = by or path.name, path, device_of(device)
        self._processor = load_processor(path, "pictures")
        self._model = load_model("SamModel", path, "SAM of transformers", device=self._device)

    def fingerprint(self) -> dict[str, Any]:
        import cv2

        return {**identity(self._path, self._device), "opencv": cv2.__version__, "mask": "best of three"}

    @torch.no_grad()
    def look(self, sights: Sequence[Sight]) -> list[Word]:
        seen, found = {}, []
        for sight in sights:
            picture = sight.picture()
            inputs = self._processor(picture, input_boxes=[[sight.box]], return_tensors="pt")
            if sight.layout.id not in seen:  # the slow half, once a picture
                seen = {sight.layout.id: self._model.get_image_embeddings(inputs["pixel_values"].to(self._device))}
            found.append(self._word(picture, inputs, seen[sight.layout.id]))
        return found

    def _word(self, picture, inputs, embeddings: torch.Tensor) -> Word:
        out = self._model(
            image_embeddings=embeddings,
            input_boxes=inputs["input_boxes"].to(self._device, torch.float32),
            multimask_output=True,
        )
        best = out.iou_scores[0, 0]
        if not (torch.isfinite(best).all() and torch.isfinite(out.pred_masks).all()):
            return NOT_FINITE
        (masks,) = self._processor.image_processor.post_process_masks(
            out.pred_masks.cpu(), inputs["original_sizes"], inputs["reshaped_input_sizes"]
        )
        mask = masks[0, int(best.argmax())].numpy().astype(bool)
        coloured = shares(np.asarray(picture), mask)
        return {"pixels": int(mask.sum()), "shares": {name: decimals(share) for name, share in coloured.items()}}
