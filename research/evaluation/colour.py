"""Colours as MIG-Bench defines them: ranges of OpenCV's 8-bit HSV (H 0..179, S and V 0..255), ends included."""

from __future__ import annotations

import numpy as np

# (H, S, V) from and to. The ranges overlap, so that a pixel can be of two colours: dark orange is brown and red.
RANGES: dict[str, tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...]] = {
    "red": (((0, 50, 70), (9, 255, 255)), ((159, 50, 70), (180, 255, 255))),
    "yellow": (((25, 50, 70), (35, 255, 255)),),
    "green": (((36, 50, 70), (89, 255, 255)),),
    "blue": (((90, 50, 70), (128, 255, 255)),),
    "brown": (((6, 43, 35), (25, 255, 255)),),
    "black": (((0, 0, 0), (180, 255, 30)),),
    "white": (((0, 0, 221), (180, 43, 255)),),
}


def shares(picture: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Of the pixels in `mask` (bool [h, w]), the share of each colour in `picture` (uint8 RGB [h, w, 3]).

    All 0 for an empty mask. What lies outside of the mask never counts; the published script paints it grey, which is
    no colour of the seven, and so does the same.
    """
    import cv2

    hsv = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2HSV)[mask]
    return {name: _within(hsv, ranges) / max(1, len(hsv)) for name, ranges in RANGES.items()}


def _within(hsv: np.ndarray, ranges) -> int:
    inside = np.zeros(len(hsv), dtype=bool)
    for low, high in ranges:
        inside |= ((hsv >= low) & (hsv <= high)).all(axis=-1)
    return int(inside.sum())
