"""Regions worked out for the sizes and devices that a sampling run meets, each once."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..regions.document import SHARED, Region
from .masks import Size
from .overlap import Silent, membership
from .window import Window, crop

_KEPT = 256  # frames, parts, sizes and devices that a layout remembers; 43 KB each for the cells of a 64 x 64 latent


@dataclass(eq=False)
class Layout:
    """Regions in their order, with what was worked out of them for the sizes and devices seen so far.

    indices: where these regions stand in the document or layout that they were taken from; () where they are all of it.
    What a window shows in two places, because it wraps, stands there twice.
    overlap: whose cells are those that regions share, one of `OVERLAPS`.
    silent: regions that have no text here, and take from those behind them what is theirs all the same.
    """

    regions: tuple[Region, ...]
    indices: tuple[int, ...] = ()
    overlap: str = SHARED
    silent: tuple[Silent, ...] = ()
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __deepcopy__(self, memo: dict) -> Layout:
        return self  # nothing of it changes but what it remembers

    def __reduce__(self):
        return Layout, (self.regions, self.indices, self.overlap, self.silent)

    @property
    def moves(self) -> bool:
        """Whether the regions are elsewhere in another frame."""
        return any(region.keyframes for region in self._everyone)

    def at(self, frame: int) -> Layout:
        """The regions where they are at a frame."""
        if not self.moves:
            return self

        def make() -> Layout:
            silent = tuple((before, r.at(frame)) for before, r in self.silent)
            return Layout(tuple(r.at(frame) for r in self.regions), self.indices, self.overlap, silent)

        return self._once(("frame", frame), make)

    @property
    def timed(self) -> bool:
        """Whether some regions are there in a part of the noise schedule only, or change their strength over it."""
        return any((region.start, region.end) != (0.0, 1.0) or region.strengths for region in self._everyone)

    def there(self, timestep: float) -> tuple[bool, ...]:
        """Which regions are there at a UNet timestep 0..999, the silent ones after the others."""
        return tuple(bool(region.strength_at(timestep)) for region in self._everyone)

    @property
    def _everyone(self) -> tuple[Region, ...]:
        return (*self.regions, *(region for _, region in self.silent))

    def visible(self, window: Window, timestep: float | None = None) -> Layout:
        """The regions that have a pixel in `window`, expressed in it; given a timestep, those that are there then, as
        strong as they are then.
        """
        if timestep is None or not self.timed:
            return self._once((window, None), lambda: self._crop(window, None))
        there = self.there(timestep)
        shown = self._once((window, there), lambda: self._crop(window, there))
        return shown._as_strong_as([self.regions[i].strength_at(timestep) for i in shown.indices])

    def _as_strong_as(self, strengths: Sequence[float]) -> Layout:
        """These regions with other strengths; what is known of their places is known of both."""
        regions = tuple(replace(r, strength=s) for r, s in zip(self.regions, strengths, strict=True))
        return Layout(regions, self.indices, self.overlap, self.silent, self._known, self._lock)

    def _crop(self, window: Window, there: tuple[bool, ...] | None) -> Layout:
        pieces, count = window.pieces(), len(self.regions)
        everyone = [(i, region) for i, region in enumerate(self._everyone) if there is None or there[i]]
        shown = [(i, r) for i, region in everyone for piece in pieces if (r := crop(region, piece))]
        kept = [(i, r) for i, r in shown if i < count]
        silent = [(self.silent[i - count][0], r) for i, r in shown if i >= count]
        silent = tuple((sum(i < before for i, _ in kept), r) for before, r in silent)
        return Layout(tuple(r for _, r in kept), tuple(i for i, _ in kept), self.overlap, silent)

    def members(self, latent: Size, grid: Size, device: torch.device) -> torch.Tensor:
        """Membership words int64 [1, h * w]."""
        return self._once(
            (latent, grid, device),
            lambda: membership(self.regions, self.overlap, latent, grid, self.silent).to(device)[None],
        )

    def boxes(self, device: torch.device) -> torch.Tensor:
        """Boxes float32 [1, R, 4]."""

        def make() -> torch.Tensor:
            return torch.tensor([r.box for r in self.regions], dtype=torch.float32, device=device).reshape(1, -1, 4)

        return self._once(("boxes", device), make)

    def bias(self, device: torch.device) -> torch.Tensor | None:
        """log(strength) float32 [1, R], or None where every strength is 1."""
        strengths = [r.strength for r in self.regions]
        if all(s == 1 for s in strengths):
            return None
        # The logarithm of any float fits float32; the strength itself may not.
        logs = tuple(math.log(s) if s > 0 else -math.inf for s in strengths)
        return self._once(("bias", logs, device), lambda: torch.tensor([logs], dtype=torch.float32, device=device))

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._known:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[key] = make()
            return self._known[key]
