"""The demo's world in the rooms of a benchmark: its scenes are layouts, its models draw."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from deig_core.demo.files import GUIDANCE

from ..demo.render import render
from ..demo.world import SIZE, Placed, Scene, Thing
from .generate import Drawn, Job
from .layout import Instance, Layout

if TYPE_CHECKING:
    from deig_core.model.adapter import DeigAdapter

_PARTS = tuple(part.name for part in fields(Thing))


def layout_of(scene: Scene) -> Layout:
    """Its id is the scene's seed; an instance's tags are its attributes and their number."""
    instances = tuple(
        Instance(
            tuple(side / SIZE for side in placed.box),
            placed.thing.describe(),
            placed.thing.shape,
            {"level": str(placed.thing.attributes)}
            | {name: value for name in _PARTS if (value := getattr(placed.thing, name))},
        )
        for placed in scene.things
    )
    return Layout(str(scene.seed), "demo", scene.caption(), instances, SIZE, SIZE, {"file": "research.demo.world"})


def scene_of(layout: Layout) -> Scene:
    """The scene that `layout_of` had."""
    return Scene(
        tuple(
            Placed(Thing(**{name: i.tags.get(name) for name in _PARTS}), tuple(round(SIZE * v) for v in i.box))
            for i in layout.instances
        ),
        int(layout.id),
    )


class Renderer:
    """A `generate.Sampler` that paints what was asked for: what the oracle must find right."""

    def settings(self) -> Mapping[str, Any]:
        return {"demo": "rendered truth"}

    def draw(self, jobs: Sequence[Job]) -> Iterator[Drawn]:
        for job in jobs:
            yield Drawn(job, _png(render(scene_of(job.layout))))


class DemoSampler:
    """A `generate.Sampler`: one of the demo's models, as `research.demo.evaluate` draws its row of the table.

    weights: a folder of the demo's. variant: of `research.demo.evaluate.variants`. steps: of the sampler. A picture's
    noise depends on the job's seed and the scene.
    """

    def __init__(self, weights: Path, variant: tuple[DeigAdapter, str, Mapping[str, Any]], steps: int):
        from ..demo import models
        from ..demo.generate import Models
        from ..demo.loop import device

        self._adapter, encoder, self._how = variant
        self._steps = steps
        self._models = Models(
            models.unet(weights).to(device()),
            models.autoencoder(weights).to(device()),
            models.text_encoder(weights, encoder),
        )

    def settings(self) -> Mapping[str, Any]:
        how = {name: getattr(value, "__name__", value) for name, value in self._how.items()}
        parts = {
            "unet": self._models.unet,
            "autoencoder": self._models.autoencoder,
            "text encoder": self._models.encoder.model,
            "adapter": self._adapter,
        }
        weights = {name: _sha256(part.state_dict()) for name, part in parts.items()}
        # Another device, or number of threads, sums in another order.
        where = {"device": next(self._adapter.parameters()).device.type, "threads": torch.get_num_threads()}
        return {"demo": {"weights": weights, "steps": self._steps, "guidance": GUIDANCE, **where, **how}}

    def draw(self, jobs: Sequence[Job]) -> Iterator[Drawn]:
        from ..demo.generate import BATCH, generate

        for noise, group in groupby(jobs, key=lambda job: job.noise):
            same = list(group)
            for start in range(0, len(same), BATCH):
                part = same[start : start + BATCH]
                scenes = [scene_of(job.layout) for job in part]
                found = generate(self._models, self._adapter, scenes, seed=noise, steps=self._steps, **self._how)
                for job, picture in zip(part, found, strict=True):
                    yield Drawn(job, _png(picture))


def _sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _png(picture: np.ndarray) -> bytes:
    """float32 [H, W, 3] in 0..1 as a file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
