"""COCO's boxes as layouts have them: with an area, inside their picture, as fractions of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...coco import Annotation, Picture
from ..layout import Box, LayoutError


def usable(pictures: Sequence[Picture]) -> list[Picture]:
    """Without the boxes that have no area, of which COCO has some. Raises LayoutError for one that leaves its picture
    by more than a pixel.
    """
    return [replace(p, annotations=tuple(a for a in p.annotations if area(p, a) > 0)) for p in pictures]


def fractions(picture: Picture, annotation: Annotation) -> Box:
    """x0, y0, x1, y1, cut at the picture's edges: COCO's boxes leave it by fractions of a pixel."""
    x, y, w, h = annotation.bbox
    width, height = picture.width, picture.height
    if x < -1 or y < -1 or x + w > width + 1 or y + h > height + 1:
        raise LayoutError(
            f"Annotation {annotation.id}: bbox {list(annotation.bbox)} leaves its picture of {width} x {height} pixels."
        )
    return max(0.0, x) / width, max(0.0, y) / height, min(width, x + w) / width, min(height, y + h) / height


def area(picture: Picture, annotation: Annotation) -> float:
    """Share of the picture that the box covers; COCO's own `area` is the segmentation's."""
    x0, y0, x1, y1 = fractions(picture, annotation)
    return (x1 - x0) * (y1 - y0)
