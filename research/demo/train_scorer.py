"""The scorer's classifier, from rendered crops alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from deig_core.regions.tracks import iou

from ..training.noise import generator
from .loop import device, run_stage
from .render import render
from .scorer import ANSWERS, Classifier, cut, labels
from .world import SIZE, draw_scene

FIRST_SEED = 20_000_000
SCENES = 16  # a step


def samples(step: int, lot: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops [N, 3, CROP, CROP] and labels int64 [N, heads]: jittered objects, and places where nothing is."""
    crops, wanted = [], []
    for i in range(SCENES):
        scene = draw_scene(FIRST_SEED + step * SCENES + i)
        picture = torch.from_numpy(np.ascontiguousarray(render(scene).transpose(2, 0, 1)))
        picture = _worn(picture, lot)
        for placed in scene.things:
            x0, y0, x1, y1 = placed.box
            shift = (torch.randn(4, generator=lot) * 0.04).tolist()
            w, h = x1 - x0, y1 - y0
            crops.append(cut(picture, (x0 + shift[0] * w, y0 + shift[1] * h, x1 + shift[2] * w, y1 + shift[3] * h)))
            wanted.append(labels(placed.thing))
        side = int(torch.randint(30, 70, (), generator=lot))
        x, y = torch.randint(0, SIZE - side, (2,), generator=lot).tolist()
        empty = (x, y, x + side, y + side)
        if all(iou(empty, p.box) < 0.04 for p in scene.things):
            crops.append(cut(picture, empty))
            wanted.append(labels(None))
    return torch.stack(crops), torch.tensor(wanted)


def _worn(picture: torch.Tensor, lot: torch.Generator) -> torch.Tensor:
    """Blurred, noisy, a little off in colour: a decoder's pictures are not as sharp as a renderer's."""
    width = float(torch.rand((), generator=lot)) * 1.3 + 1e-3
    kernel = torch.exp(-0.5 * (torch.arange(-3, 4) / width) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, 7)
    picture = F.conv2d(F.pad(picture[None], (3, 3, 3, 3), mode="replicate"), kernel, groups=3)
    picture = F.conv2d(picture, kernel.transpose(2, 3), groups=3)[0]
    gain = 1 + 0.06 * torch.randn(3, 1, 1, generator=lot)
    noise = 0.04 * float(torch.rand((), generator=lot)) * torch.randn(picture.shape, generator=lot)
    return (picture * gain + noise).clamp(0, 1)


def train_scorer(folder: Path, *, steps: int = 2500, seed: int = 0, until: float = math.inf) -> tuple[Classifier, bool]:
    """(classifier with averaged weights, whether all steps are done)."""
    torch.manual_seed(seed)
    where = device()
    model = Classifier().to(where)

    def loss(step: int) -> torch.Tensor:
        crops, wanted = samples(step, generator(seed, step))
        logits = model(crops.to(where))
        return sum(F.cross_entropy(logits[name], wanted[:, i].to(where)) for i, name in enumerate(ANSWERS))

    done = run_stage("scorer", model, loss, folder, steps=steps, peak=3e-3, until=until, averaging=0.998)
    return model.eval().cpu(), done
