"""Pictures of layouts, in batches, through the trained modules and the graph's sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from deig_core.demo.files import GUIDANCE, STEPS
from deig_core.limits import PIXELS_PER_LATENT
from deig_core.model.adapter import DeigAdapter
from deig_core.text.encoder import TextEncoder

from ..training.batch import Example, collate
from ..training.noise import generator
from ..training.trainee import Trainee
from .autoencoder import DemoAutoencoder
from .sampling import sample
from .text import remembered_features
from .world import SIZE, Scene

LATENT = SIZE // PIXELS_PER_LATENT
BATCH = 32  # pictures drawn together; in batches of other sizes their last digits are others
DECODED = 4  # pictures decoded together: what a processor's cache has room for


@dataclass(frozen=True, eq=False)
class Models:
    """Everything but the adapter."""

    unet: UNet2DConditionModel
    autoencoder: DemoAutoencoder
    encoder: TextEncoder

    @cached_property
    def features(self) -> Callable[[Sequence[str]], torch.Tensor]:
        """Texts -> float32 [n, L, D], each encoded once."""
        return remembered_features(self.encoder)


def example(scene: Scene, latent: torch.Tensor, *, boxes: bool = True) -> Example:
    """What the conditional side says: the caption, and each instance in its box."""
    things = scene.things if boxes else ()
    return Example(
        latent,
        scene.caption(),
        tuple(p.thing.describe() for p in things),
        tuple(map(tuple, scene.boxes().tolist()))[: len(things)],
    )


@torch.no_grad()
def denoise(
    models: Models,
    model: Trainee,
    sides: Sequence[Example],
    noise: torch.Tensor,
    *,
    gates: bool = True,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
) -> torch.Tensor:
    """Latents [B, 4, h, w] from unit noise of the same shape, with the empty prompt without instances as the
    negative side.
    """
    both = collate([*sides, *(side.without_text() for side in sides)])
    texts = models.features(both.texts).to(noise)

    def predict(x: torch.Tensor, t: int) -> torch.Tensor:
        times = torch.full((2 * len(x),), t, device=x.device)
        context, call = model.ground(both, texts, times)
        wanted, unwanted = model.attached(torch.cat([x, x]), times, context, call if gates else None).chunk(2)
        return unwanted + guidance * (wanted - unwanted)

    return sample(predict, noise, steps)


def generate(
    models: Models,
    adapter: DeigAdapter,
    scenes: Sequence[Scene],
    *,
    boxes: bool = True,
    gates: bool = True,
    trainee: type[Trainee] = Trainee,
    seed: int = 0,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    batch: int = BATCH,
) -> np.ndarray:
    """float32 [n, SIZE, SIZE, 3] in 0..1; the noise of a scene depends on `seed` and the scene alone.

    boxes: False leaves the instances out; gates: False leaves the fusers out (the base alone). trainee: an ablation's
    way to its instances.
    """
    where = next(models.unet.parameters()).device
    model = trainee(models.unet, adapter).to(where).eval()

    @torch.no_grad()
    def drawn(start: int) -> torch.Tensor:
        part = scenes[start : start + batch]
        latents = draw(models, model, part, boxes=boxes, gates=gates, seed=seed, steps=steps, guidance=guidance)
        pictures = torch.cat([models.autoencoder.decode(few) for few in latents.split(DECODED)])
        return pictures.clamp(0, 1).permute(0, 2, 3, 1).float().cpu()

    return torch.cat(_spread(drawn, range(0, len(scenes), batch), where)).numpy()


def _spread(work: Callable[[int], torch.Tensor], parts: Sequence[int], where: torch.device) -> list[torch.Tensor]:
    """[work(part), ...]; on a CPU with one thread for each of several parts, which takes less time than all threads
    for one part after another.
    """
    threads = torch.get_num_threads()
    if where.type != "cpu" or min(threads, len(parts)) < 2:
        return list(map(work, parts))
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, parts))
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def draw(
    models: Models, model: Trainee, scenes: Sequence[Scene], *, boxes: bool = True, seed: int = 0, **how
) -> torch.Tensor:
    """Latents [n, 4, h, w] of scenes in one batch; the noise of a scene depends on `seed` and the scene alone.

    how: options of `denoise`.
    """
    noise = torch.stack([torch.randn(4, LATENT, LATENT, generator=generator(seed, scene.seed)) for scene in scenes])
    noise = noise.to(next(models.unet.parameters()).device)
    sides = [example(scene, latent, boxes=boxes) for scene, latent in zip(scenes, noise, strict=True)]
    return denoise(models, model, sides, noise, **how)
