"""The one reader of foreign boxes: what other nodes, tools and models call boxes, as regions."""

from .by_hand import ORDERS, UNITS, ByHand
from .dialects import DIALECTS
from .frames import read_frames
from .reading import Reading, read

__all__ = ["DIALECTS", "ORDERS", "UNITS", "ByHand", "Reading", "read", "read_frames"]
