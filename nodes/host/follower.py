"""How regions follow tiles: a ControlNet that adds nothing, whose hint is a map of coordinates.

Every tool that denoises a picture in parts cuts the hints of ControlNets with it, whether it does so inside a sampling
run (for each call) or starts one for each part. What is left of the map says which part of the picture each row is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace

import torch
from comfy.controlnet import ControlBase, ControlNet

from ...deig_core.errors import DeigError
from ...deig_core.layout.coordinates import WHOLE, Place, coordinate_map, read_places
from .keys import TILES

MAP_SIDE = 2048
"""Pixels of the map that tools cut: 32 MB, one for all; a part's edges are known to 1/2048 of the picture."""

APART = (
    "The conditionings of this sampler say that they are different parts of the picture: let both sides go through one "
    "DEIG Follow Tiles, just before the node that cuts the picture."
)


@lru_cache(maxsize=1)
def _map() -> torch.Tensor:
    return coordinate_map(MAP_SIDE, MAP_SIDE)


class Follower(ControlNet):
    """Of the class ControlNet, because some tools cut no other hints than that class's; without a network."""

    def __init__(self) -> None:
        super().__init__(None)
        self.cond_hint_original = _map()
        # What the tools ask for before they cut: coordinates need float32 and no GPU.
        self.device, self.manual_cast_dtype = torch.device("cpu"), torch.float32
        self.control_model = SimpleNamespace(dtype=torch.float32)
        self.places: list[Place] = []
        self._kept: torch.Tensor | None = None

    def start(self, latent: tuple[int, int]) -> None:
        """A sampling run begins, whose latent has this (height, width): read which part of the picture each of its rows
        is, and lay out a map of the run's own for those who cut inside it.
        """
        self.places = read_places(self.cond_hint_original if self.cond_hint is None else self.cond_hint)
        # Of the latent's own proportions: a hint of others is cut to them by the host.
        self._kept, self.cond_hint = self.cond_hint_original, None
        self.cond_hint_original = coordinate_map(*(side * self.compression_ratio for side in latent))

    def stop(self) -> None:
        self.cond_hint_original, self._kept, self.cond_hint = self._kept, None, None

    def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        """Nothing for the UNet; for DEIG, which part of the run's latent each row of x_noisy is, where it was cut."""
        before = self.previous_controlnet
        control = before and before.get_control(x_noisy, t, cond, batched_number, transformer_options)
        transformer_options[TILES] = None if self.cond_hint is None else read_places(self.cond_hint)
        return control

    def copy(self) -> Follower:
        follower = Follower()
        self.copy_to(follower)
        return follower

    def get_models(self) -> list:
        return ControlBase.get_models(self)

    def deepclone_multigpu(self, load_device, autoregister=False) -> Follower:
        clone = copy.copy(self)
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone


def following(positive: list, negative: list) -> tuple[list, list]:
    """The two CONDITIONINGs with a follower after the ControlNets of each entry: one for all that have the same, so
    that both sides of guidance stay in one batch.
    """
    shared: dict[ControlBase | None, Follower] = {}
    # The host gives ControlNets of the positive side to a negative side that has none, if they say so.
    lent = [
        values["control"] for _, values in positive if values.get("control_apply_to_uncond") and "control" in values
    ]
    if any("control" in values for _, values in negative):
        lent = []

    def follow(conditioning: list, otherwise: ControlBase | None) -> list:
        followed = []
        for tensor, values in conditioning:
            before = values.get("control") or otherwise
            if not any(isinstance(control, Follower) for control in _chain(before)):
                if before not in shared:
                    shared[before] = Follower()
                    shared[before].set_previous_controlnet(before)
                values = {**values, "control": shared[before], "control_apply_to_uncond": False}
            followed.append([tensor, values])
        return followed

    return follow(positive, None), follow(negative, lent[0] if lent else None)


@contextmanager
def followed(conds: dict[str, list[dict]], latent: tuple[int, int]) -> Iterator[tuple[Place, ...] | None]:
    """During a sampling run whose latent has this (height, width): yields which part of the picture each picture of its
    batch is, or one place for all; () where that is the whole picture, None where nobody says.

    conds: the run's own entries by side, in which followers that were copied become one again. Raises DeigError where
    they say different things.
    """
    entries = [entry for side in conds.values() for entry in side]
    found = {id(c): c for entry in entries for c in _chain(entry.get("control")) if isinstance(c, Follower)}.values()
    started: list[Follower] = []
    try:
        for follower in found:
            follower.start(latent)
            started.append(follower)
        if any(follower.places != started[0].places for follower in started):
            raise DeigError(APART)
        alone = [follower for follower in started if follower.previous_controlnet is None]
        for entry in entries:
            if entry.get("control") in alone:
                entry["control"] = alone[0]
        places = tuple(started[0].places) if started else None
        yield places if places is None or set(places) != {WHOLE} else ()
    finally:
        for follower in started:
            follower.stop()


def _chain(control: ControlBase | None) -> Iterator[ControlBase]:
    while control is not None:
        yield control
        control = control.previous_controlnet
