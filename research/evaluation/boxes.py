"""Boxes x0, y0, x1, y1 as arrays: overlap, non-maximum suppression, and which detection answers which instance."""

from __future__ import annotations

import numpy as np


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each of `a` [n, 4] with each of `b` [m, 4] -> float64 [n, m].

    An empty or inverted box overlaps nothing: 0, never NaN.
    """
    a, b = (np.asarray(x, dtype=np.float64).reshape(-1, 4) for x in (a, b))
    inside = _area(np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:]))
    union = _area(a[:, :2], a[:, 2:])[:, None] + _area(b[:, :2], b[:, 2:])[None] - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


def suppressed(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Greedy non-maximum suppression: indices of the boxes that stay, best score first, ties in their order.

    A box goes where its IoU with a better one that stays is above `threshold`.
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    overlaps = iou(boxes, boxes)
    kept: list[int] = []
    for index in order:
        if not kept or overlaps[index, kept].max() <= threshold:
            kept.append(int(index))
    return np.array(kept, dtype=int)


def best(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The IoU of each of `wanted` [n, 4] with whichever of `found` [m, 4] overlaps it most -> [n].

    As the published scripts do it: one detection may answer several instances.
    """
    return iou(wanted, found).max(axis=1, initial=0.0)


def one_to_one(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """As `best`, each of `found` answering one of `wanted` at most, for the largest sum of IoU (Hungarian method)."""
    from scipy.optimize import linear_sum_assignment

    overlaps = iou(wanted, found)
    values = np.zeros(len(overlaps))
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    values[rows] = overlaps[rows, columns]
    return values


def _area(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.clip(high - low, 0, None).prod(axis=-1)
