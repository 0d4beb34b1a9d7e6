"""Fusers that run in some steps, and whose change is made again in the others, as DEIG Reuse Steps has it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch

from deig_core.diffusers_unet.attach import FuserLike
from deig_core.model.fuser import LevelInstances

from ..demo.evaluate import FIRST_SEED, judged
from ..demo.generate import STEPS
from ..demo.report import measured
from ..demo.report import table as measures
from ..demo.scorer import Classifier
from ..demo.world import SIZE, draw_scene
from .curves import Point, Table, costs
from .paint import Changed, Painter, document


class Reuse:
    """Fusers that run in every `every`-th step. It counts the steps by the gates that are asked for in each."""

    def __init__(self, every: int):
        self.every, self.step = every, -1

    def scale(self, timestep: float) -> float:
        """The gates' scale, 1; begins the next step."""
        self.step += 1
        return 1.0

    def around(self, fuse: FuserLike) -> FuserLike:
        """`fuse` in the steps in which it runs; in the others x [B, HW, C] plus what it added last, if that was to an x
        of this shape.
        """
        last = None

        def fused(x: torch.Tensor, instances: Sequence[LevelInstances], scale: float) -> torch.Tensor:
            nonlocal last
            if self.step % self.every and last is not None and last.shape == x.shape:
                return x + last
            found = fuse(x, instances, scale)
            last = found - x
            return found

        return fused


def table(painter: Painter, classifier: Classifier, layouts: int, seed: int) -> Table:
    """A row for each `every` of `Reuse`, of `layouts` pictures. seed: of their noise."""
    scenes = [draw_scene(FIRST_SEED + i) for i in range(layouts)]
    documents = [document(scene, SIZE) for scene in scenes]
    found, points = {}, []
    for name, every in (("in each step", 1), ("in every 2nd", 2), ("in every 3rd", 3), ("in every 4th", 4)):
        reuse = Reuse(every)
        began = time.process_time()
        pictures = painter.drawn(documents, scenes, seed, Changed(reuse.scale, reuse.around))
        seconds = (time.process_time() - began) / len(scenes)
        found[name] = measured(judged(classifier, pictures, scenes))
        share = math.ceil(STEPS / every) / STEPS
        points.append(Point("fusers in some of the steps", name, share, seconds, found[name]["all"]))
    return Table(f"{len(scenes)} layouts, seed {seed}\n\n{measures(found)}\n\n{costs(points)}", points)
