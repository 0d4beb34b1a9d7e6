"""The two pictures that a question shows: the instance with what surrounds it, and the whole with its box."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw

from deig_core.errors import DeigError

from ..training.image_files import read_rgb
from ..training.pictures import Box
from .work import Work

CONTEXT = 0.2  # of the box's width and height, on every side
LEAST = 224  # pixels of a crop's longer side: models see more of a small one when it is enlarged
RED = (255, 0, 0)


def crop(picture: Image.Image, bbox: Box, context: float = CONTEXT) -> Image.Image:
    """The box with `context` around it where the picture goes on."""
    x, y, w, h = bbox
    left, top = max(0, round(x - context * w)), max(0, round(y - context * h))
    right = min(picture.width, max(left + 1, round(x + w + context * w)))
    bottom = min(picture.height, max(top + 1, round(y + h + context * h)))
    found = picture.crop((left, top, right, bottom))
    scale = LEAST / max(found.size)
    if scale <= 1:
        return found
    return found.resize((max(1, round(found.width * scale)), max(1, round(found.height * scale))), Image.BICUBIC)


def marked(picture: Image.Image, bbox: Box) -> Image.Image:
    """The whole with a red line around the box, which covers nothing of it."""
    found = picture.copy()
    line = max(2, round(max(picture.size) / 200))
    x, y, w, h = bbox
    ImageDraw.Draw(found).rectangle((x - line, y - line, x + w + line - 1, y + h + line - 1), outline=RED, width=line)
    return found


class Pictures:
    """RGB pictures of a folder as the trainer reads them, the last few remembered: instances of a picture follow one
    another.
    """

    def __init__(self, folder: Path, remembered: int = 16):
        self._folder = folder
        self._read = lru_cache(remembered)(self._open)
        self._one = threading.Lock()  # those who ask for one picture at the same time would each read it

    def __call__(self, work: Work) -> Image.Image:
        """In the size that the annotations say. Raises OSError where there is none, or it cannot be used."""
        with self._one:
            return self._read(work.file_name, (work.width, work.height))

    def _open(self, name: str, size: tuple[int, int]) -> Image.Image:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise OSError(f"{name} lies outside the folder of the pictures")
        if not path.is_file():
            raise OSError(f"{name} is not there")
        try:
            found = read_rgb(path, size)
        except DeigError as error:
            raise OSError(f"{name}: {error}") from None
        return found if found.size == size else found.resize(size, Image.Resampling.LANCZOS)
