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


@dataclass(eq=False)
class Kept:
    """Of one sampling run whose fusers run in every `every`-th step: what they added to each block then, by the rows
    of the call.
    """

    every: int
    _time: float | None = None
    _step: int = -1
    _added: dict[Hashable, Added] = field(default_factory=dict)
    _seen: set[Hashable] = field(default_factory=set)
    _mixed: set[Hashable] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __deepcopy__(self, memo: dict) -> Kept:
        return self

    def of(self, time: float, rows: Hashable) -> tuple[Added | None, bool]:
        """(what was or is to be kept of these rows, whether it is added again). time: the UNet timestep; another one is
        the next step. Rows that come twice in a step, such as tiles of which nobody says where they are, keep nothing.
        """
        with self._lock:
            if time != self._time:
                self._time, self._step, self._seen = time, self._step + 1, set()
                if self._step % self.every == 0:
                    self._added = {}
            if rows in self._seen:
                self._mixed.add(rows)
            self._seen.add(rows)
            if rows in self._mixed:
                return None, False
            known = self._added.get(rows)
            again = known is not None and self._step % self.every > 0
            return (known if again else self._added.setdefault(rows, {})), again


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
