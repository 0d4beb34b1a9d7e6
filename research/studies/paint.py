"""Pictures of the demo's world in parts of their own, through the pack's own way from regions to a UNet call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from deig_core.call import GroundedCall, RowGroup, ground
from deig_core.demo import files
from deig_core.diffusers_unet.attach import FuserLike, HasInstances, attach
from deig_core.layout.window import Window
from deig_core.model.extractor import Extractor
from deig_core.model.fuser import Fuser
from deig_core.regions.document import Region, RegionDocument
from deig_core.text.grounded import Sides, ground_texts

from ..demo import models
from ..demo.evaluate import load
from ..demo.generate import GUIDANCE, LATENT, STEPS
from ..demo.loop import device
from ..demo.sampling import Predict, sample, timesteps
from ..demo.world import Scene
from ..training.noise import alphas_cumprod, generator

Scale = Callable[[float], float]
Parts = Sequence[tuple[Window, Window]]
"""Where each part lies in the latent, and what it shows of the layout."""


BATCH = 32  # pictures drawn together


def always(timestep: float) -> float:
    """Gates as trained."""
    return 1.0


@dataclass(frozen=True)
class Changed:
    """What a study changes of the method. scale: of the gates at a timestep. around: of `attach`. seen: what the fusers
    are given in the place of a call.
    """

    scale: Scale = always
    around: Callable[[Fuser], FuserLike] = lambda fuser: fuser
    seen: Callable[[GroundedCall], HasInstances] = lambda call: call


UNCHANGED = Changed()


def document(scene: Scene, side: int, **more: object) -> RegionDocument:
    """The regions that ask for `scene`, in a square picture of `side` pixels."""
    boxes = [tuple(c / side for c in placed.box) for placed in scene.things]
    regions = [
        Region(f"r{i}", box, placed.thing.describe())
        for i, (box, placed) in enumerate(zip(boxes, scene.things, strict=True))
    ]
    return RegionDocument(side, side, tuple(regions), **more)


def whole(side: int) -> Parts:
    """A latent of side x side cells in one piece."""
    return [(Window.whole((side, side)),) * 2]


@dataclass(frozen=True, eq=False)
class Asked:
    """A picture to draw: what it says, its unit noise [4, h, w], its parts and how much each of a part's cells counts
    where parts overlap, [h, w].
    """

    sides: Sides
    noise: torch.Tensor
    parts: Parts
    weights: torch.Tensor | float = 1.0


class Painter:
    """The demo's models, denoising pictures in parts whose predictions are averaged."""

    def __init__(self, weights: Path = files.WEIGHTS):
        self.adapter = load(weights / files.ADAPTER)
        self.unet = models.unet(weights).to(device())
        self.autoencoder = models.autoencoder(weights).to(device())
        self.encoder = models.text_encoder(weights, files.TEXT)

    def said(self, regions: RegionDocument, prompt: str = "") -> Sides:
        """The document's texts encoded; an empty `prompt` is replaced as docs/method.md section 1 has it, and the
        negative one is empty.
        """
        return ground_texts(regions, prompt, "", self.encoder.encode)

    def noise(self, seed: int, scene: Scene, side: int) -> torch.Tensor:
        """Unit noise [4, side, side] in latent cells, of `seed` and the scene's own alone, on the CPU."""
        return torch.randn(4, side, side, generator=generator(seed, scene.seed))

    @torch.no_grad()
    def latents(self, asked: Sequence[Asked], changed: Changed = UNCHANGED, steps: int = STEPS) -> torch.Tensor:
        """Latents [n, 4, h, w] of pictures of one size, in one batch."""
        return sample(
            self._predict(asked, changed), torch.stack([picture.noise for picture in asked]).to(device()), steps
        )

    @torch.no_grad()
    def again(
        self, asked: Sequence[Asked], before: torch.Tensor, denoise: float, masks: torch.Tensor, steps: int = STEPS
    ) -> torch.Tensor:
        """The latents `before` [n, 4, h, w] denoised again as the host's sampler does it: the last `steps` of
        steps / denoise, and where masks [n, 1, h, w] are 0 what was there before.
        """
        predict, noise = self._predict(asked), torch.stack([picture.noise for picture in asked])
        visited = timesteps(int(steps / denoise))[-steps:]
        kept = alphas_cumprod()
        sigmas = [float(((1 - kept[t]) / kept[t]).sqrt()) for t in visited] + [0.0]
        x = before + sigmas[0] * noise
        for t, sigma, following in zip(visited, sigmas, sigmas[1:], strict=False):
            x = masks * x + (1 - masks) * (before + sigma * noise)
            clean = x - sigma * predict(x / (sigma**2 + 1) ** 0.5, t)
            clean = masks * clean + (1 - masks) * before
            x = clean + following / sigma * (x - clean)
        return x

    def _predict(self, asked: Sequence[Asked], changed: Changed = UNCHANGED) -> Predict:
        attached = attach(self.unet, self.adapter, changed.around)
        extractor, where = Extractor(self.adapter), device()
        cuts = [(i, part) for i, picture in enumerate(asked) for part, _ in picture.parts]
        groups = [
            RowGroup(1, text(picture.sides), shown)
            for text in (lambda sides: sides.positive, lambda sides: sides.nothing)
            for picture in asked
            for _, shown in picture.parts
        ]

        def predict(x: torch.Tensor, t: int) -> torch.Tensor:
            cells = [
                np.s_[i, :, p.offset[0] : p.offset[0] + p.size[0], p.offset[1] : p.offset[1] + p.size[1]]
                for i, p in cuts
            ]
            strength = changed.scale(float(t))
            call = ground(extractor, groups, [float(t)] * len(groups), where, instances=strength != 0)
            rows = torch.stack([x[part] for part in cells] * 2)
            wanted, unwanted = attached(rows, t, torch.cat(call.context()), changed.seen(call), scale=strength).chunk(2)
            total, count = torch.zeros_like(x), torch.zeros_like(x)
            for (i, _), part, predicted in zip(cuts, cells, unwanted + GUIDANCE * (wanted - unwanted), strict=True):
                total[part] += asked[i].weights * predicted
                count[part] += asked[i].weights
            return total / count

        return predict

    @torch.no_grad()
    def pictures(self, latents: torch.Tensor) -> np.ndarray:
        """float32 [n, H, W, 3] in 0..1."""
        return self.autoencoder.decode(latents).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()

    def drawn(
        self, documents: Sequence[RegionDocument], scenes: Sequence[Scene], seed: int, changed: Changed = UNCHANGED
    ) -> np.ndarray:
        """Pictures of these documents in the size that the model knows, float32 [n, SIZE, SIZE, 3]."""
        asked = [
            Asked(self.said(regions), self.noise(seed, scene, LATENT), whole(LATENT))
            for regions, scene in zip(documents, scenes, strict=True)
        ]
        batches = [asked[i : i + BATCH] for i in range(0, len(asked), BATCH)]
        return np.concatenate([self.pictures(self.latents(batch, changed)) for batch in batches])
