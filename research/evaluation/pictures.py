"""A folder of pictures beside the layouts that asked for them: which are there, and can be judged.

A picture is `<layout id>.png` (or .jpg, .jpeg, .webp). A folder may hold one set, or a folder for each seed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from deig_core.errors import DeigError

from .layout import Layout

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MOST_PIXELS = 64_000_000
LARGEST = 256 << 20  # bytes of a file
PICTURE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises on broken files


@dataclass(frozen=True)
class Found:
    """What there is of a layout's picture. sha1: of the file; None where there is none.

    problem: why it cannot be judged, in words: a failure of all its instances. resized_from: its own width and height
    where they are not the layout's.
    """

    path: Path | None
    sha1: str | None = None
    problem: str | None = None
    resized_from: tuple[int, int] | None = None


def runs(folder: Path) -> dict[str, Path]:
    """The sets of pictures in `folder`, by name: a folder for each seed, or the folder itself under its own name.

    Raises DeigError where there are no pictures.
    """
    if not folder.is_dir():
        raise DeigError(f"{folder} is no folder: the pictures that were drawn from the layouts were expected there.")
    if any(p.suffix.lower() in SUFFIXES for p in folder.iterdir()):
        return {folder.name: folder}
    seeds = sorted((p for p in folder.iterdir() if p.is_dir() and p.name.isdecimal()), key=lambda p: int(p.name))
    if not seeds:
        raise DeigError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}) and no folders of seeds (42, 43, ...).")
    return {f"{folder.name}/{p.name}": p for p in seeds}


def find(layouts: Sequence[Layout], folder: Path, *, stretch: bool = False) -> dict[str, Found]:
    """The picture of each layout, by its id.

    A picture of another size and the same shape is judged resized, as the published scripts do; one of another shape
    cannot be, unless `stretch`. Raises DeigError where none of the folder's pictures belongs to a layout.
    """
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            files.setdefault(path.stem, []).append(path)
    if files and not any(layout.id in files for layout in layouts):
        raise DeigError(
            f"None of the {len(files)} pictures in {folder} is named after a layout: {layouts[0].id}.png was expected, "
            f"for instance, and {next(iter(files.values()))[0].name} is there."
        )
    with ThreadPoolExecutor() as pool:  # decoding leaves Python's lock
        found = pool.map(lambda layout: _found(layout, files.get(layout.id, []), stretch), layouts)
        return {layout.id: each for layout, each in zip(layouts, found, strict=True)}


def load(layout: Layout, found: Found) -> Image.Image:
    """The picture in RGB, of the layout's size. Raises DeigError where it has changed since `find`."""
    content = found.path.read_bytes()
    if hashlib.sha1(content, usedforsecurity=False).hexdigest() != found.sha1:
        raise DeigError(f"{found.path} has changed while it was looked at: run this again when nobody writes there.")
    return _decoded(content, layout)


def crop(picture: Image.Image, box: Sequence[float]) -> Image.Image:
    """`box` (fractions) cut out, rounded to whole pixels as Pillow does, at least one pixel."""
    left, top, right, bottom = (round(v * side) for v, side in zip(box, picture.size * 2, strict=True))
    left, top = min(left, picture.width - 1), min(top, picture.height - 1)
    return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _found(layout: Layout, paths: list[Path], stretch: bool) -> Found:
    if not paths:
        return Found(None, problem="the picture is missing")
    if len(paths) > 1:
        return Found(None, problem=f"{' and '.join(p.name for p in paths)} are both there: one picture was expected")
    (path,) = paths
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"the file has more than {LARGEST >> 20} MiB")
        content = path.read_bytes()
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        with Image.open(io.BytesIO(content)) as picture:
            size = picture.size
        if size[0] * size[1] > MOST_PIXELS:
            raise ValueError(f"{size[0]} x {size[1]} pixels; at most {MOST_PIXELS} were expected")
        if size[0] * layout.height != size[1] * layout.width and not stretch:
            raise ValueError(
                f"it is {size[0]} x {size[1]}, of another shape than {layout.width} x {layout.height} (--stretch)"
            )
        _decoded(content, layout)
    except PICTURE_ERRORS as error:
        return Found(path, problem=f"the picture cannot be used: {error}")
    return Found(path, sha1, resized_from=size if size != (layout.width, layout.height) else None)


def _decoded(content: bytes, layout: Layout) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    if picture.mode in {"F", "I"} or picture.mode.startswith("I;"):
        raise ValueError(f"it has {picture.mode} pixels; 8 bits a channel were expected")
    if picture.has_transparency_data and picture.convert("RGBA").getextrema()[3][0] < 255:
        raise ValueError("it is transparent in places; a whole picture was expected")
    picture = picture.convert("RGB")
    size = (layout.width, layout.height)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)
