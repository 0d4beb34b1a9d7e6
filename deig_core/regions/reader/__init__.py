"""The one reader of foreign boxes: what other nodes, tools and models call boxes, as regions."""

from .dialects import DIALECTS
from .entry import LAYOUTS, UNITS
from .frames import read_frames
from .reading import Reading, read

__all__ = ["DIALECTS", "LAYOUTS", "UNITS", "Reading", "read", "read_frames"]
