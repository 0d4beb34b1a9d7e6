"""Values of other nodes as plain ones: mappings, lists, texts, numbers, truth, None. Bounded and without surprises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

from ...errors import RegionError
from .entry import Record
from .limits import MOST_DEEP, too_deep

MOST_VALUES, MOST_NUMBERS = 500_000, 400_000
_PIXELS = ("image", "mask", "cropped_image", "cropped_mask", "control_net_wrapper")


def plain(value: Any) -> Any:
    """`value` as plain Python values: tensors and arrays are lists, named tuples mappings without their pictures.

    Raises RegionError for what is none of these, and for more than 40 levels or 500,000 values.
    """
    return _Copy().of(value, 0)


class _Copy:
    def __init__(self):
        self.left = MOST_VALUES

    def of(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0:
            raise RegionError(f"The boxes hold more than {MOST_VALUES} values; give only those of one picture.")
        if value is None or isinstance(value, (str, bool)):
            return value
        if isinstance(value, int):
            return int(value) if abs(value) < 10**300 else math.inf
        if isinstance(value, float):
            return float(value)
        if depth > MOST_DEEP:
            raise too_deep()
        if isinstance(value, (dict, Mapping)):
            return Record({self._key(k): self.of(v, depth + 1) for k, v in value.items()})
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {k: self.of(v, depth + 1) for k, v in zip(value._fields, value, strict=True) if k not in _PIXELS}
        if isinstance(value, (list, Sequence, set, frozenset)) and not isinstance(
            value, (bytes, bytearray, memoryview)
        ):
            return [self.of(v, depth + 1) for v in value]
        if hasattr(value, "canvas_size") and hasattr(value, "format"):  # torchvision's boxes
            height, width = value.canvas_size
            order = getattr(value.format, "name", str(value.format))
            said = {"format": order, "image_width": width, "image_height": height}
            return {"boxes": self._array(value, depth + 1), **self.of(said, depth)}
        if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a table of pandas
            return self.of(value.to_dict("list"), depth)
        if hasattr(value, "tolist"):
            return self._array(value, depth)
        if hasattr(value, "xyxy") or hasattr(value, "boxes"):  # results of detectors
            parts = ("xyxy", "boxes", "names", "cls", "class_id", "data")
            return {k: self.of(getattr(value, k), depth + 1) for k in parts if getattr(value, k, None) is not None}
        if isinstance(value, (Real, Decimal)):
            return float(value)
        raise RegionError(
            f"Boxes must be a list of boxes, or JSON text of one; {type(value).__name__} is neither: connect a node "
            "that gives boxes."
        )

    def _array(self, value: Any, depth: int) -> Any:
        shape = [int(n) for n in getattr(value, "shape", ())]
        if math.prod(shape) > MOST_NUMBERS:
            raise RegionError(
                f"An array of the shape {shape} is no list of boxes; expected [count, 4]: connect masks to DEIG "
                "Regions from Masks."
            )
        try:
            listed = value.tolist()
        except Exception as error:  # arrays of other libraries may raise anything: meta, sparse, quantised, masked
            raise RegionError(
                f"The array of boxes ({type(value).__name__}) cannot be read as numbers ({type(error).__name__}); "
                "give an ordinary one of the shape [count, 4]."
            ) from None
        if hasattr(listed, "tolist"):
            raise RegionError(f"The array of boxes ({type(value).__name__}) cannot be read as numbers.")
        return self.of(listed, depth)

    def _key(self, key: Any) -> Any:
        if isinstance(key, (str, int)):
            return key
        return str(key)[:60]
