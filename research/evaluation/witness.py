"""What every model that looks at pictures takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image

from .layout import Instance, Layout
from .pictures import crop


@dataclass(frozen=True)
class Sight:
    """One instance to be looked at. picture: makes the layout's picture, RGB, of the layout's size."""

    layout: Layout
    index: int
    picture: Callable[[], Image.Image]

    @property
    def instance(self) -> Instance:
        return self.layout.instances[self.index]

    def crop(self) -> Image.Image:
        """The given box, without a margin."""
        return crop(self.picture(), self.instance.box)

    @property
    def box(self) -> list[float]:
        """In pixels of the picture."""
        width, height = self.layout.width, self.layout.height
        return [v * side for v, side in zip(self.instance.box, (width, height, width, height), strict=True)]


@dataclass(frozen=True)
class Failure:
    """Why a model has no word on an instance; kept as its evidence."""

    error: str


NOT_FINITE = Failure("the model's numbers are not finite (NaN)")
Word = Mapping[str, Any] | Failure


class Witness(Protocol):
    """kind: of its evidence (`values.KINDS`). by: its short name, for files and tables. at_once: pictures that `look`
    gets at once; what it says of one must not depend on the others.
    """

    kind: str
    by: str
    at_once: int

    def fingerprint(self) -> Mapping[str, Any]:
        """All that decides its word, thresholds none."""

    def look(self, sights: Sequence[Sight]) -> list[Word]:
        """One word a sight, in their order. Raises DeigError where nothing can be looked at at all."""


def decimals(value: float) -> float:
    """Six decimals: what is kept of a model's numbers."""
    return round(float(value), 6)
