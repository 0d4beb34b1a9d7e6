"""The colours of regions: their own, the palette's, and those of what is written on them."""

from __future__ import annotations

from collections.abc import Callable

RGB = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""

COLORS = (
    *("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45"),
    *("#fabed4", "#469990", "#dcbeff", "#9a6324", "#ffe119", "#800000", "#aaffc3", "#808000"),
)  # as in the editor
_BRIGHTNESS = (0.3, 0.59, 0.11)  # of red, green and blue, as an eye sees them
_BRIGHT = 140  # from here on black is easier to read than white


def palette_color(number: int) -> str:
    """The colour of the region with this number, from 1 on, where it has none of its own."""
    return COLORS[(number - 1) % len(COLORS)]


def drawn_color(color: str, number: int, read: Callable[[str], RGB]) -> RGB:
    """What a region is drawn in: its own colour, or the palette's by its number where that is no colour.

    read: red, green and blue of a colour as pages write it; it raises ValueError for any other text.
    """
    try:
        return read(color)
    except ValueError:
        return read(palette_color(number))


def ink_on(color: RGB) -> RGB:
    """Black or white, whichever is easier to read on this colour."""
    brightness = sum(part * weight for part, weight in zip(color, _BRIGHTNESS, strict=True))
    return (0, 0, 0) if brightness > _BRIGHT else (255, 255, 255)
