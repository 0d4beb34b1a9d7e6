"""What a word on an instance is, for each kind of evidence, and whether something is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def is_number(value: Any) -> bool:
    """A finite one; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(is_number, value.values()))


def _detections(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, list) and len(row) == 5 and all(map(is_number, row)) for row in value
    )


@dataclass(frozen=True)
class Kind:
    """what: in words. parts: the keys of its value, and whether something can be theirs."""

    what: str
    parts: Mapping[str, Callable[[Any], bool]]

    def fits(self, value: Any) -> bool:
        """Whether `value` has all parts of this kind, each as it must be; it may have others too."""
        return isinstance(value, dict) and all(key in value and fits(value[key]) for key, fits in self.parts.items())


KINDS = {
    "boxes": Kind(
        "the detector's word on the noun: {boxes: [[x0, y0, x1, y1, score], ...]}, fractions of the picture, all above "
        "the detector's floor, before any threshold and non-maximum suppression",
        {"boxes": _detections},
    ),
    "answer": Kind(
        "the judge's word on the crop and the text: {text, p_yes}, p_yes null where the engine gives none; cut: true "
        "where the text ends at the most tokens",
        {"text": lambda v: isinstance(v, str), "p_yes": lambda v: v is None or (is_number(v) and 0 <= v <= 1)},
    ),
    "colours": Kind(
        "shares of the mask that the segmenter found for the box: {pixels, shares: {red: 0.31, ...}}",
        {"pixels": is_number, "shares": _numbers},
    ),
    "clip": Kind(
        "cosines of the crop: {phrase: with the text, labels: {black: 0.21, ...}: with each label of its attribute}",
        {"phrase": is_number, "labels": _numbers},
    ),
    "oracle": Kind(
        "the demo world's own classifier on the crop: {found: {attribute: value or null}}",
        {"found": lambda v: isinstance(v, dict)},
    ),
}
