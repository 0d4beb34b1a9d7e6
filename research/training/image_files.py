"""Pictures from files of any kind, as their annotations have them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deig_core.errors import DeigError

if TYPE_CHECKING:
    from PIL.Image import Image


def read_rgb(path: Path, annotated: tuple[int, int] | None = None) -> Image:
    """RGB in 8 bits. The file is taken as its pixels lie, as COCO's boxes are; where only its turned form (EXIF) has
    the shape of `annotated`, that one is taken. A resized picture of the same shape fits too: boxes are taken as parts
    of it.

    annotated: width and height that the annotations say. Raises DeigError that says why the file cannot be used.
    """
    import PIL.Image
    from PIL import ImageOps

    try:
        with PIL.Image.open(path) as image:
            image.load()
            if annotated and not _same_shape(image.size, annotated):
                turned = ImageOps.exif_transpose(image)
                if not _same_shape(turned.size, annotated):
                    width, height = annotated
                    raise DeigError(
                        f"it has {image.width} x {image.height} pixels and its line says {width} x {height}"
                    )
                image = turned
            return _eight_bits(image)
    except DeigError:
        raise
    except Exception as error:  # Pillow's plugins raise anything for what is broken or too large
        raise DeigError(f"it cannot be read ({type(error).__name__})") from None


def _same_shape(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return abs(a[0] * b[1] - a[1] * b[0]) <= 0.01 * a[0] * b[1]


def _eight_bits(image: Image) -> Image:
    """RGB of any mode. Pillow itself cuts numbers beyond 8 bits off instead of scaling them."""
    import numpy as np
    import PIL.Image

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float64)
        most = values.max(initial=0)
        scale = 255 if image.mode == "F" and most <= 1 else 1 if most <= 255 else 255 / 65535
        image = PIL.Image.fromarray((values * scale).clip(0, 255).round().astype(np.uint8), "L")
    return image.convert("RGB")
