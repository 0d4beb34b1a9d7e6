"""Regions worked out for the sizes and devices that a sampling run meets, each once."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..regions.document import SHARED, Region
from .masks import Size
from .overlap import membership
from .window import Window, crop

_KEPT = 256  # frames, parts, sizes and devices that a layout remembers; 43 KB each for the cells of a 64 x 64 latent


@dataclass(eq=False)
class Layout:
    """Regions in their order, with what was worked out of them for the sizes and devices seen so far.

    indices: where these regions stand in the document or layout that they were taken from; () where they are all of it.
    What a window shows in two places, because it wraps, stands there twice.
    overlap: whose cells are those that regions share, one of `OVERLAPS`.
    """

    regions: tuple[Region, ...]
    indices: tuple[int, ...] = ()
    overlap: str = SHARED
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __deepcopy__(self, memo: dict) -> Layout:
        return self  # nothing of it changes but what it remembers

    def __reduce__(self):
        return Layout, (self.regions, self.indices, self.overlap)

    @property
    def moves(self) -> bool:
        """Whether the regions are elsewhere in another frame."""
        return any(region.keyframes for region in self.regions)

    def at(self, frame: int) -> Layout:
        """The regions where they are at a frame."""
        if not self.moves:
            return self
        return self._once(
            ("frame", frame), lambda: Layout(tuple(r.at(frame) for r in self.regions), self.indices, self.overlap)
        )

    @property
    def timed(self) -> bool:
        """Whether some regions are there in a part of the noise schedule only, or change their strength over it."""
        return any((region.start, region.end) != (0.0, 1.0) or region.strengths for region in self.regions)

    def visible(self, window: Window, timestep: float | None = None) -> Layout:
        """The regions that have a pixel in `window`, expressed in it; given a timestep, those that are there then, as
        strong as they are then.
        """
        strengths = None
        if timestep is not None and self.timed:
            strengths = tuple(region.strength_at(timestep) for region in self.regions)
        return self._once((window, strengths), lambda: self._crop(window, strengths))

    def _crop(self, window: Window, strengths: tuple[float, ...] | None) -> Layout:
        pieces = window.pieces()
        regions = list(enumerate(self.regions))
        if strengths is not None:
            regions = [(i, replace(region, strength=strengths[i])) for i, region in regions if strengths[i]]
        kept = [(i, r) for i, region in regions for piece in pieces if (r := crop(region, piece))]
        return Layout(tuple(r for _, r in kept), tuple(i for i, _ in kept), self.overlap)

    def members(self, latent: Size, grid: Size, device: torch.device) -> torch.Tensor:
        """Membership words int64 [1, h * w]."""
        return self._once(
            (latent, grid, device), lambda: membership(self.regions, self.overlap, latent, grid).to(device)[None]
        )

    def boxes(self, device: torch.device) -> torch.Tensor:
        """Boxes float32 [1, R, 4]."""
        return self._once(
            ("boxes", device), lambda: torch.tensor([[r.box for r in self.regions]], dtype=torch.float32, device=device)
        )

    def bias(self, device: torch.device) -> torch.Tensor | None:
        """log(strength) float32 [1, R], or None where every strength is 1."""
        strengths = [r.strength for r in self.regions]
        if all(s == 1 for s in strengths):
            return None
        # The logarithm of any float fits float32; the strength itself may not.
        logs = [math.log(s) if s > 0 else -math.inf for s in strengths]
        return self._once(("bias", device), lambda: torch.tensor([logs], dtype=torch.float32, device=device))

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._known:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[key] = make()
            return self._known[key]
