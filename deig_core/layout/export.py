"""The way out: what regions are for other nodes and tools, which know boxes in pixels, elements, texts and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..regions.box import Box
from ..regions.document import Region, RegionDocument
from .masks import Rectangle, box_pixels, region_pixels

MOVING = "Regions that move ({}) are given as they are in frame {}."
NO_PIXEL = "Region {} has no pixel in the picture and is not given."


@dataclass(frozen=True, eq=False)
class Exported:
    """The regions of a document that are visible and have a pixel, in their order.

    boxes: core's bounding boxes, {"x", "y", "width", "height"} in pixels, the text in {"metadata": {"desc"}}.
    elements: as core's and Ideogram's nodes read them, {"type", "bbox", "desc"}; bbox is ymin, xmin, ymax, xmax, whole
    numbers from 0 to 1000.
    texts: the descriptions, each on one line.
    masks: float32 [regions, height, width] of the document's picture, 0 or 1; one that is empty where there is no
    region.
    notes: sentences about regions that are not given, or are elsewhere in other frames.
    """

    boxes: tuple[dict[str, Any], ...]
    elements: tuple[dict[str, Any], ...]
    texts: tuple[str, ...]
    masks: torch.Tensor
    notes: tuple[str, ...]


def exported(document: RegionDocument, frame: int = 0) -> Exported:
    """The document's regions for other nodes, those that move as they are in a frame, from 0 on."""
    width, height = document.width, document.height
    visible = [(number, region) for number, region in enumerate(document.regions, 1) if region.visible]
    shown, notes = [], _moving(visible, frame)
    for number, region in visible:
        region = region.at(frame)
        if pixels := box_pixels(region.box, width, height):
            shown.append((region, pixels, " ".join(region.description.split())))
        else:
            notes.append(NO_PIXEL.format(number))
    masks = [region_pixels(region, width, height).float() for region, *_ in shown]
    return Exported(
        boxes=tuple(_bounding_box(pixels, text) for _, pixels, text in shown),
        elements=tuple(_element(region.box, text) for region, _, text in shown),
        texts=tuple(text for *_, text in shown),
        masks=torch.stack(masks) if masks else torch.zeros(1, height, width),
        notes=tuple(notes),
    )


def _moving(regions: list[tuple[int, Region]], frame: int) -> list[str]:
    numbers = [str(number) for number, region in regions if region.keyframes]
    return [MOVING.format(", ".join(numbers), frame)] if numbers else []


def _bounding_box(pixels: Rectangle, text: str) -> dict[str, Any]:
    x0, y0, x1, y1 = pixels
    return {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "metadata": {"desc": text}}


def _element(box: Box, text: str) -> dict[str, Any]:
    x0, y0, x1, y1 = (round(1000 * side) for side in box)
    return {"type": "obj", "bbox": [y0, x0, y1, x1], "desc": text}
