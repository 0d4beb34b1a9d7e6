"""What a user sets of how boxes are read, which counts for every form."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RegionError
from ..box import WidthHeight

ORDERS = ("auto", "xyxy", "xywh", "yxyx", "cxcywh")
"""Orders of four numbers that can be set by hand. The recognisers know two more: xxyy and yyxx, starts and ends."""
UNITS = ("auto", "pixels", "fractions", "0..1000", "percent")


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """order: of lists of four, one of ORDERS; units: one of UNITS; size: width and height in pixels of the picture that
    the boxes were made on, where a side of 0 is not set. "auto" and None leave it to the file, or to the rules of
    docs/formats.md. Raises RegionError for an order or units that there are not.
    """

    order: str = "auto"
    units: str = "auto"
    size: WidthHeight | None = None

    def __post_init__(self):
        if self.order not in ORDERS or self.units not in UNITS:  # a user knows the order as a node's input "layout"
            raise RegionError(f"layout must be one of {', '.join(ORDERS)}, and units one of {', '.join(UNITS)}.")


NOTHING_SET = ByHand()
