"""Fusers that run in some steps, and whose change is made again in the others, as DEIG Reuse Steps has it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from unittest import mock

import torch

from deig_core.diffusers_unet import attach

from ..demo.evaluate import FIRST_SEED, judged
from ..demo.generate import STEPS
from ..demo.report import measured
from ..demo.report import table as measures
from ..demo.scorer import Classifier
from ..demo.world import SIZE, draw_scene
from .curves import Point, Table, costs
from .paint import Painter, document


class Reuse:
    """Stands in the place of a slot's `forward`, and counts the steps by the gates that are asked for each."""

    def __init__(self, every: int, forward: Callable):
        self.every, self.forward, self.step = every, forward, -1
        self.added: dict[object, torch.Tensor] = {}

    def scale(self, timestep: float) -> float:
        self.step += 1
        return 1.0

    def __call__(self, slot: object, x: torch.Tensor, placed: object) -> torch.Tensor:
        last = self.added.get(slot)
        if self.step % self.every and last is not None and last.shape == x.shape:
            return x + last
        fused = self.forward(slot, x, placed)
        self.added[slot] = fused - x
        return fused


def table(painter: Painter, classifier: Classifier, layouts: int, seed: int) -> Table:
    scenes = [draw_scene(FIRST_SEED + i) for i in range(layouts)]
    documents = [document(scene, SIZE) for scene in scenes]
    found, points = {}, []
    for name, every in (("in each step", 1), ("in every 2nd", 2), ("in every 3rd", 3), ("in every 4th", 4)):
        reuse = Reuse(every, attach._Slot.forward)
        began = time.process_time()
        with mock.patch.object(attach._Slot, "forward", lambda *arguments, reuse=reuse: reuse(*arguments)):
            pictures = painter.drawn(documents, scenes, seed, reuse.scale)
        seconds = (time.process_time() - began) / len(scenes)
        found[name] = measured(judged(classifier, pictures, scenes))
        share = math.ceil(STEPS / every) / STEPS
        points.append(Point("fusers in some of the steps", name, share, seconds, found[name]["all"]))
    return Table(f"{len(scenes)} layouts, seed {seed}\n\n{measures(found)}\n\n{costs(points)}", points)
