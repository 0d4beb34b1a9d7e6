"""Whether a picture is grey or toned in one colour, from its pixels; a model decides where they leave a doubt."""

from __future__ import annotations

import numpy as np
from PIL import Image

GREY, DOUBTFUL = 12.0, 25.0  # below the first it is grey, from the second on it has colours
SIDE = 64


def colour_spread(picture: Image.Image) -> float:
    """How far apart a pixel's channels lie, 0 to 255: the 99th percentile of a 64 x 64 thumbnail.

    Each channel's mean offset is taken away first, so that a toned picture (sepia) counts as grey.
    """
    thumbnail = np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    offsets = thumbnail.mean((0, 1)) - thumbnail.mean()
    level = thumbnail - offsets
    return round(float(np.percentile(level.max(2) - level.min(2), 99)), 2)
