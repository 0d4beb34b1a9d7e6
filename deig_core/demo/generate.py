"""Pictures of layouts, in batches, through the modules and the sampler that the graph uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from ..adapter import DeigAdapter
from ..grounding import Extractor, GroundedCall, GroundedText, Layout, Run, Window, ground
from ..regions import Region
from ..text_encoder import TextEncoder
from ..training.attach import attach
from ..training.noise import generator
from .autoencoder import DemoAutoencoder
from .sampling import sample
from .world import SIZE, Placed, Scene

LATENT = SIZE // 8
STEPS, GUIDANCE = 20, 4.0
Describe = Callable[[Placed], str]
Change = Callable[[GroundedCall], GroundedCall]


@dataclass(frozen=True, eq=False)
class Models:
    """Everything but the adapter."""

    unet: UNet2DConditionModel
    autoencoder: DemoAutoencoder
    encoder: TextEncoder


def described(placed: Placed) -> str:
    return placed.thing.describe()


def grounded(encoder: TextEncoder, scene: Scene, describe: Describe, *, boxes: bool = True) -> GroundedText:
    """What the conditional side says: the caption, and each instance in its box."""
    things = scene.things if boxes else ()
    regions = tuple(Region(str(i), tuple(box), describe(p)) for i, (p, box) in enumerate(zip(things, scene.boxes().tolist(), strict=False)))
    prompt, *texts = encoder.encode([scene.caption(), *(r.description for r in regions)])
    return GroundedText(prompt, Layout(regions), tuple(texts))


@torch.no_grad()
def generate(
    models: Models, adapter: DeigAdapter, scenes: Sequence[Scene], *, boxes: bool = True, gates: bool = True, describe: Describe = described,
    change: Change = lambda call: call, extractor: Callable[[DeigAdapter, frozenset[str]], Extractor] | None = None,
    seed: int = 0, steps: int = STEPS, guidance: float = GUIDANCE, batch: int = 64,
) -> np.ndarray:
    """float32 [n, SIZE, SIZE, 3] in 0..1; the noise of scene i depends on `seed` and the scene alone.

    boxes: False leaves the instances out; gates: False leaves the fusers out (the base alone).
    change, extractor: what an ablation does to a prepared call, or uses in place of the IDE (it is told the keys of the prompts).
    """
    where = next(models.unet.parameters()).device
    attached = attach(models.unet, adapter)
    window = Window.whole((LATENT, LATENT))
    empty = GroundedText(models.encoder.encode([""])[0], Layout(()), ())
    found = []
    for start in range(0, len(scenes), batch):
        part = scenes[start:start + batch]
        noise = torch.stack([torch.randn(4, LATENT, LATENT, generator=generator(seed, scene.seed)) for scene in part]).to(where)
        texts = [grounded(models.encoder, scene, describe, boxes=boxes) for scene in part]
        runs = [Run(1, text, window) for text in texts] + [Run(len(part), empty, window)]
        prompts = frozenset(run.text.prompt.key for run in runs)
        extract = extractor(adapter, prompts) if extractor else Extractor(adapter)

        def predict(x: torch.Tensor, t: int, runs=runs, extract=extract) -> torch.Tensor:
            call = change(ground(extract, runs, [float(t)] * (2 * x.shape[0]), where))
            context = torch.cat([c.expand(run.rows, -1, -1) for c, run in zip(call.context(), runs, strict=True)])
            wanted, unwanted = attached(torch.cat([x, x]), t, context, call if gates else None).chunk(2)
            return unwanted + guidance * (wanted - unwanted)

        found.append(models.autoencoder.decode(sample(predict, noise, steps)).clamp(0, 1).permute(0, 2, 3, 1).float().cpu())
    return torch.cat(found).numpy()
