"""From numbers to boxes in the picture: which order, which units, and what of it can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import RegionError
from ...limits import PIXELS_PER_LATENT
from ..box import Box, WidthHeight
from .by_hand import ByHand
from .entry import Entry, Numbers
from .said import Said

_MOST_FRACTION = 1.5
_TOO_FAR = 1.25
_SCALES = {"0..1000": (1000.0, 1000.0), "percent": (100.0, 100.0), "fractions": (1.0, 1.0)}


@dataclass(frozen=True)
class Understood:
    """How a group of entries was read: order and units, and width and height in pixels of what pixels refer to."""

    order: str
    units: str
    size: WidthHeight

    @property
    def scale(self) -> WidthHeight:
        return _SCALES.get(self.units, self.size)

    @property
    def said(self) -> Said:
        """The units, in words."""
        width, height = (f"{side:g}" for side in self.size)
        return {
            "pixels": Said("pixels of {width} x {height}", width=width, height=height),
            "percent": Said("percent of the picture"),
            "0..1000": Said("0 to 1000"),
        }.get(self.units) or Said("fractions of the picture")


def corners(values: Numbers, order: str) -> Numbers:
    """Four numbers in this order as x0, y0, x1, y1."""
    a, b, c, d = values
    return {
        "xyxy": (a, b, c, d),
        "xywh": (a, b, a + c, b + d),
        "yxyx": (b, a, d, c),
        "cxcywh": (a - c / 2, b - d / 2, a + c / 2, b + d / 2),
        "xxyy": (a, c, b, d),
        "yyxx": (c, a, d, b),
    }[order]


def read_group(entries: Sequence[Entry], canvas: WidthHeight, by_hand: ByHand) -> Understood:
    """How entries of one dialect are read, in a picture of `canvas` pixels.

    Raises RegionError where pixels cannot be meant of a picture of that size.
    """
    first = entries[0]
    source = by_hand.size if by_hand.size and any(by_hand.size) else None
    size = tuple(next(s[axis] for s in (source, first.size, canvas) if s and s[axis] >= 1) for axis in (0, 1))
    order = _order(entries, by_hand.order, size if by_hand.units != "fractions" else (1.0, 1.0))
    boxes = [corners(e.values, _order_of(e, order, by_hand.order)) for e in entries]
    most = max(abs(n) for box in boxes for n in box)
    reach = max(boxes, key=lambda b: max(b[2] / size[0], b[3] / size[1]))
    within = reach[2] <= size[0] * 1.01 and reach[3] <= size[1] * 1.01
    if by_hand.units != "auto":
        return Understood(order, by_hand.units, size)
    chosen = first.units
    if not first.sure:
        if chosen != "percent" and most <= _MOST_FRACTION:
            chosen = "fractions"
        elif chosen == "fit":
            chosen = "pixels" if within or most > 1000 else "0..1000"
        elif chosen in ("auto", "fractions") or (chosen == "0..1000" and most > 1010):
            chosen = "pixels"
        far = (reach[2] > size[0] * _TOO_FAR or reach[3] > size[1] * _TOO_FAR) and first.size is None and source is None
        if chosen == "pixels" and (
            far or (any(b[0] >= size[0] or b[1] >= size[1] for b in boxes) and first.size is None)
        ):
            farthest = next(e for e, b in zip(entries, boxes, strict=True) if b == reach)
            raise RegionError(
                f"Box {farthest.written} does not fit into a picture of {size[0]:g} x {size[1]:g} pixels: give the "
                "size of the picture that the boxes were made on, or set units (0..1000?)."
            )
    return Understood(order, chosen, size)


def _order(entries: Sequence[Entry], set_order: str, size: WidthHeight) -> str:
    """The order of lists of four: as set, as the dialect has it, or corner and size where corners are impossible."""
    if set_order != "auto":
        return set_order
    order = entries[0].order
    if order != "xyxy" or entries[0].named or len(entries) < 2:
        return order
    impossible = sum(e.values[2] <= e.values[0] or e.values[3] <= e.values[1] for e in entries)
    fractions = all(abs(n) <= _MOST_FRACTION for e in entries for n in e.values)
    width, height = (1.0, 1.0) if fractions else size
    fit = all(
        e.values[0] + e.values[2] <= width * 1.01 and e.values[1] + e.values[3] <= height * 1.01 and min(e.values) >= 0
        for e in entries
    )
    least = 1 if entries[0].dialect == "texts beside boxes" else len(entries) // 2 + 1
    return "xywh" if impossible >= least and fit else order


def _order_of(entry: Entry, order: str, set_order: str) -> str:
    """The order of one entry: keys that name their numbers only let a corner become a centre."""
    if not entry.named:
        return order
    if entry.order in ("xywh", "cxcywh") and set_order in ("xywh", "cxcywh"):
        return set_order
    return entry.order


def box_in_picture(
    entry: Entry, reading: Understood, set_order: str, canvas: WidthHeight
) -> tuple[Box | None, Said | None]:
    """(box in fractions, what is to be said of it); None where it is no box inside the picture, with the reason.
    set_order: the one that is set by hand, or "auto".
    """
    order = _order_of(entry, reading.order, set_order)
    x0, y0, x1, y1 = corners(entry.values, order)
    for low, high, axis in ((x0, x1, "x"), (y0, y1, "y")):
        if high <= low:
            if order in ("xywh", "cxcywh"):
                none = "box {box} has no width" if axis == "x" else "box {box} has no height"
                return None, Said(none, box=entry.written)
            turned = Said("box {box} has {axis}1 <= {axis}0", box=entry.written, axis=axis)
            if order != "xyxy" or entry.named:
                return None, turned
            return None, Said("{problem}; if it is corner and size, set layout to xywh", problem=turned)
    width, height = reading.scale
    box = (x0 / width, y0 / height, x1 / width, y1 / height)
    cut = tuple(min(max(v, 0.0), 1.0) for v in box)
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        outside = "box {box} lies outside the picture ({units}): check units and size"
        return None, Said(outside, box=entry.written, units=reading.said)
    said = None
    if any(abs(a - b) > 1e-3 for a, b in zip(cut, box, strict=True)):
        beyond = "box {box} reaches beyond the picture ({units}) and was cut at its edge"
        said = Said(beyond, box=entry.written, units=reading.said)
    cell = PIXELS_PER_LATENT / canvas[0], PIXELS_PER_LATENT / canvas[1]
    if cut[2] - cut[0] < cell[0] * 0.999 or cut[3] - cut[1] < cell[1] * 0.999:
        small = "box {box} is smaller than one latent cell ({side} x {side} pixels): check units"
        said = Said(small, box=entry.written, side=PIXELS_PER_LATENT)
    return cut, said
