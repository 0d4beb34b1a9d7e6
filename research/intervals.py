"""Means over instances with bootstrap intervals over the pictures that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 1000


class Estimate(NamedTuple):
    """A mean, and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def over_pictures(pictures: Sequence[Sequence[float]]) -> Estimate:
    """The mean of all values and its 95 % interval; `pictures` holds the values of each picture's instances.

    The instances of a picture are no independent draws; pictures are. So whole pictures are drawn again, always by the
    same lot.
    """
    draws = np.random.default_rng(0).integers(0, len(pictures), (RESAMPLES, len(pictures)))
    sums, counts = (np.array([f(values) for values in pictures], dtype=float) for f in (sum, len))
    resampled = sums[draws].sum(1) / np.maximum(1, counts[draws].sum(1))
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Estimate(float(sums.sum() / max(1, counts.sum())), float(low), float(high))
