"""Training pictures as JSON lines: {file_name, width, height, caption, instances: [{bbox, description}]}."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deig_core.errors import DeigError

from ..atomic import write_whole

Box = tuple[float, float, float, float]
# A picture of which a text says so is not mirrored.
SIDES = re.compile(r"\b(left|right)(most|wards?)?\b|clockwise\b", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """boxes: x, y, width, height in pixels of the picture, as in COCO; one for each description."""

    file_name: str
    width: int
    height: int
    caption: str
    boxes: tuple[Box, ...]
    descriptions: tuple[str, ...]

    def to_json(self) -> str:
        """Its line in the file."""
        instances = [
            {"bbox": list(box), "description": text} for box, text in zip(self.boxes, self.descriptions, strict=True)
        ]
        return json.dumps(
            {
                "file_name": self.file_name,
                "width": self.width,
                "height": self.height,
                "caption": self.caption,
                "instances": instances,
            }
        )


def read_pictures(path: Path) -> list[Picture]:
    """Raises DeigError that names the line and the key."""
    try:
        with open(path, encoding="utf-8-sig") as lines:
            found = [
                _picture(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()
            ]
    except (OSError, UnicodeDecodeError) as error:
        raise DeigError(
            f"{path.name} cannot be read as UTF-8 text ({type(error).__name__}); JSON lines were expected."
        ) from None
    if not found:
        raise DeigError(f"{path.name} holds no pictures: one JSON object a line was expected.")
    return found


def write_pictures(path: Path, pictures: Sequence[Picture]) -> None:
    """The file appears whole or not at all. Raises DeigError where it cannot be written."""
    write_whole(path, "".join(p.to_json() + "\n" for p in pictures))


def _picture(line: str, where: str) -> Picture:
    try:
        data = json.loads(line)
        width, height, caption, name = data["width"], data["height"], data["caption"], data["file_name"]
        instances = [(tuple(map(float, i["bbox"])), i["description"]) for i in data["instances"]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        what = (
            f"has no {error}"
            if isinstance(error, KeyError)
            else f"cannot be read ({' '.join(str(error).split())[:80]})"
        )
        raise DeigError(
            f"{where} {what}: file_name, width, height, caption and instances with bbox and description were expected."
        ) from None
    if not all(isinstance(s, int) and s > 0 for s in (width, height)):
        raise DeigError(
            f"{where}: width and height are {width!r} and {height!r}, and whole numbers of pixels were expected."
        )
    if (
        not isinstance(name, str)
        or not isinstance(caption, str)
        or not all(isinstance(text, str) for _, text in instances)
    ):
        raise DeigError(f"{where}: file_name, caption and description must be texts.")
    for box, _ in instances:
        if len(box) != 4 or not (box[2] > 0 and box[3] > 0 and all(abs(v) < 1e6 for v in box)):
            raise DeigError(
                f"{where}: bbox {list(box)} is no box; x, y, width, height in pixels were expected, width and height "
                f"above 0."
            )
    return Picture(name, width, height, caption, tuple(b for b, _ in instances), tuple(t for _, t in instances))


def cropped(picture: Picture, side: int, least: float = 0.3) -> tuple[tuple[Box, ...], tuple[str, ...]]:
    """Boxes x0, y0, x1, y1 in 0..1 of the square in the picture's middle, and their descriptions.

    Those are left out of which less than the share `least` is in the square, or that cover no pixel of the `side`
    pixels of it.
    """
    size = min(picture.width, picture.height)
    left, top = (picture.width - size) / 2, (picture.height - size) / 2
    kept = []
    for (x, y, w, h), text in zip(picture.boxes, picture.descriptions, strict=True):
        box = tuple(min(max(v / size, 0.0), 1.0) for v in (x - left, y - top, x + w - left, y + h - top))
        seen = (box[2] - box[0]) * (box[3] - box[1]) * size * size / (w * h)
        if (
            seen >= least
            and round(box[0] * side) < round(box[2] * side)
            and round(box[1] * side) < round(box[3] * side)
        ):
            kept.append((box, text))
    return tuple(b for b, _ in kept), tuple(t for _, t in kept)
