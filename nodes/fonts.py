"""Writing text of any script that this machine has a font for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

MOST_FILES = 20_000
_PREFERRED = ("notosanscjk", "notosans", "dejavusans", "arialuni", "msyh", "yugoth", "malgun", "pingfang", "hiragino")
_RIGHT_TO_LEFT = ((0x0590, 0x08FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF))
Run = tuple[str, ImageFont.FreeTypeFont | None]


class Writer:
    """Draws lines of text in one size. missing: characters for which there is no font, so far."""

    def __init__(self, draw: ImageDraw.ImageDraw, size: int):
        self.draw, self.size = draw, size
        self.missing: set[str] = set()
        self.plain = ImageFont.load_default(size)
        self.height = sum(self.plain.getmetrics())

    def runs(self, text: str) -> list[Run]:
        """`text` in pieces that one font each can draw; None where no font can."""
        found: list[Run] = []
        for character in text:
            font = self.plain if character.isascii() else _font_for(character, self.size)
            if font is None:
                self.missing.add(character)
            if found and found[-1][1] is font:
                found[-1] = (found[-1][0] + character, font)
            else:
                found.append((character, font))
        return [(_ordered(piece), font) for piece, font in found]

    def width(self, text: str) -> float:
        return sum(self.draw.textlength(self._shown(p, f), font=f or self.plain) for p, f in self.runs(text))

    def write(self, at: tuple[float, float], text: str, fill: tuple[int, int, int]) -> None:
        """The line `text`, with its upper left corner at `at`."""
        x, y = at
        for piece, font in self.runs(text):
            shown, font = self._shown(piece, font), font or self.plain
            self.draw.text((x, y + self.height), shown, font=font, fill=fill, anchor="ls")
            x += self.draw.textlength(shown, font=font)

    @staticmethod
    def _shown(piece: str, font: ImageFont.FreeTypeFont | None) -> str:
        return piece if font else f"[{len(piece)} letters]"

    def wrapped(self, text: str, width: float) -> list[str]:
        """Lines of at most `width`, broken at blanks, and inside of what has none."""
        rows: list[str] = []
        for word in text.split():
            longer = f"{rows[-1]} {word}" if rows else word
            if rows and self.width(longer) <= width:
                rows[-1] = longer
                continue
            rows.append("")
            for character in word if self.width(word) > width else [word]:
                if rows[-1] and self.width(rows[-1] + character) > width:
                    rows.append("")
                rows[-1] += character
        return rows


def _ordered(piece: str) -> str:
    """Letters that are written from right to left, where PIL does not do that itself."""
    if features.check("raqm") or not all(any(a <= ord(c) <= b for a, b in _RIGHT_TO_LEFT) for c in piece if c != " "):
        return piece
    return piece[::-1]


@lru_cache(maxsize=4096)
def _font_for(character: str, size: int) -> ImageFont.FreeTypeFont | None:
    for path in _files():
        font = _opened(path, size)
        if font and _draws(font, character):
            return font
    return None


def _draws(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether a font has the character: what it draws is not what it draws for one that does not exist."""
    if character.isspace():
        return True
    try:
        drawn, none = font.getmask(character), font.getmask("\U0010ffff")
    except (OSError, ValueError):
        return False
    return bool(drawn.size[0]) and (drawn.size != none.size or bytes(drawn) != bytes(none))


@lru_cache(maxsize=256)
def _opened(path: Path, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(str(path), size)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1)
def _files() -> tuple[Path, ...]:
    """The machine's fonts, those that know many scripts first, regular ones before bold and italic ones."""

    def rank(path: Path) -> tuple:
        name = path.stem.lower().replace("-", "").replace("_", "")
        known = next((i for i, p in enumerate(_PREFERRED) if name.startswith(p)), len(_PREFERRED))
        return known, any(s in name for s in ("bold", "italic", "oblique", "mono", "serif", "thin", "light")), name

    found = islice((f for folder in _folders() for f in _within(folder)), MOST_FILES)
    return tuple(sorted(found, key=rank))


def _within(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root) / n for n in names if n.lower().endswith((".ttf", ".ttc", ".otf")))


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home)) / "Microsoft" / "Windows" / "Fonts"
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", local]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]
