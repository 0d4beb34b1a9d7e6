"""What the fusers added in one step, added again in the next ones: cheaper, and nearly the same."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher

from .keys import REUSE, TILES, animated_rows, context_window

Added = dict[tuple[str, int, int], torch.Tensor]

PARTS = (
    "DEIG Reuse Steps reused nothing of rows that came several times in a step, and nobody says which part of the "
    "picture each of them is: where a node cuts the picture, put DEIG Follow Tiles before it."
)
NOTHING = (
    "DEIG Reuse Steps had nothing to reuse in this run: no step had the gates, regions and sizes of the one before it, "
    "such as while decay fades them out."
)


@dataclass(eq=False)
class Kept:
    """Of one sampling run whose fusers run in every `every`-th step: what they added to each block then, by the rows
    of the call.

    A step is the sampler's: it ends where another timestep comes, or where the sampler asks again for rows that it has
    had at this one, as heun does. shape: of what the run denoises, [pictures, C, h, w] in latent cells.
    """

    every: int
    shape: tuple[int, ...]
    _asked: int = 0
    _time: float | None = None
    _step: int = -1
    _reused: bool = False
    _added: dict[Hashable, Added] = field(default_factory=dict)
    _seen: dict[Hashable, int] = field(default_factory=dict)
    _mixed: set[Hashable] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __deepcopy__(self, memo: dict) -> Kept:
        return self

    def asked(self, shape: tuple[int, ...]) -> None:
        """The sampler asks once more, for something of this shape. Where that is the run's, rows that come now are the
        same pictures as for its last question; else they may be parts of them, one after another.
        """
        with self._lock:
            self._asked += shape == self.shape

    def of(self, time: float, rows: Hashable) -> tuple[Added | None, bool]:
        """(what was or is to be kept of these rows, whether it is added again). time: the UNet timestep. Rows that come
        twice for one question, such as tiles of which nobody says where they are, keep nothing.
        """
        with self._lock:
            if time != self._time or self._seen.get(rows, self._asked) != self._asked:
                self._time, self._step, self._seen = time, self._step + 1, {}
                if self._step % self.every == 0:
                    self._added = {}
            if rows in self._seen:
                self._mixed.add(rows)
            self._seen[rows] = self._asked
            if rows in self._mixed:
                return None, False
            known = self._added.get(rows)
            again = known is not None and self._step % self.every > 0
            self._reused |= again
            return (known if again else self._added.setdefault(rows, {})), again

    def notes(self) -> list[str]:
        """What there is to say when the run is over."""
        if self._mixed:
            return [PARTS]
        return [NOTHING] if self._step > 0 and not self._reused else []


def reusing(model: ModelPatcher, every: int) -> ModelPatcher:
    """A clone of a model with DEIG whose fusers run in every `every`-th step."""
    patched = model.clone()
    patched.model_options["transformer_options"][REUSE] = every
    return patched


def rows_of(options: Mapping[str, Any], x: torch.Tensor, scale: float, there: Hashable) -> Hashable:
    """What makes two calls the same but for their timestep: entries, places, frames, sizes, the gates' scale, and which
    regions are `there`.
    """
    window = context_window(options)
    return (
        tuple(x.shape),
        scale,
        there,
        tuple(options.get("uuids", ())),
        tuple(options.get("cond_or_uncond", ())),
        tuple(options.get(TILES) or ()),
        tuple(getattr(window, "index_list", ())),
        tuple(animated_rows(options)),
    )
