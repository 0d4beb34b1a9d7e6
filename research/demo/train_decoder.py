"""Last stage: the decoder goes on, on what the sampler gives it. The encoder stays, so that base and adapter fit.

What a sampler ends with is no exact encoding of any picture. But a layout says what its picture is, all but the
backdrop: so the decoder learns from the latents that the sampler draws of a layout, and from the layout's picture over
the backdrop that it drew. What is in a box still comes from the latents alone.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo import files

from ..training.noise import generator
from ..training.store import fingerprint
from ..training.trainee import Trainee
from . import models
from .autoencoder import DemoAutoencoder
from .generate import Models, draw
from .loop import device, run_stage
from .render import render
from .world import SIZE, Scene, draw_scene, in_boxes

DECODER_STEPS, SAMPLED_SCENES = 700, 1024
FIRST_SEED = 20_000_000  # of layouts that are sampled: the scorer's, which base and adapter have not seen
STEPS = 10  # of the sampler
AT_ONCE = 64  # layouts that are sampled together
SAMPLED, ENCODED = 5, 3  # pictures a step
NOISE = 0.15  # on encodings, at most
MARGIN, WEIGHT = 2, 3.0  # pixels of a box and so many around it count so much
log = logging.getLogger("deig.demo")


def backdrop(picture: np.ndarray, scene: Scene) -> np.ndarray:
    """The plane through what `picture`, float32 [SIZE, SIZE, 3], shows beside the things of `scene`: such are the
    world's backdrops.
    """
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    plane, beside = np.stack([np.ones_like(x), x, y], -1), ~in_boxes(scene, 2 * MARGIN)
    return (plane @ np.linalg.lstsq(plane[beside], picture[beside], rcond=None)[0]).astype(np.float32)


def sampled(
    weights: Path, folder: Path, count: int, until: float = math.inf
) -> tuple[list[Scene], torch.Tensor, torch.Tensor] | None:
    """Scenes, latents float32 [count, 4, h, w] that the models in `weights` draw of them, and backdrops uint8
    [count, SIZE, SIZE, 3] that these show; batches in `folder` of the same models are not drawn again.
    None where time.monotonic() was `until` before all were drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made_with = fingerprint(weights / files.UNET) + fingerprint(weights / files.ADAPTER)
    assembled = Models(
        models.unet(weights).to(device()), models.autoencoder(weights).to(device()), models.text_encoder(weights)
    )
    adapter = load_adapter(read_published(weights / files.ADAPTER), dtype=torch.float32)
    trainee = Trainee(assembled.unet, adapter).to(device()).eval()
    scenes, parts = [draw_scene(FIRST_SEED + i) for i in range(count)], []
    for start in range(0, count, AT_ONCE):
        path, part = folder / f"sampled_{start:06d}.safetensors", scenes[start : start + AT_ONCE]
        if not (path.is_file() and _told(path) == (made_with, len(part))):
            if time.monotonic() >= until:
                return None
            _write(path, assembled, trainee, part, made_with)
            log.info("sampled %d/%d", start + len(part), count)
        parts.append(load_file(path))
    return scenes, *(torch.cat([part[name] for part in parts]) for name in ("latents", "backdrops"))


def _told(path: Path) -> tuple[str, int]:
    with safe_open(path, "pt") as batch:
        return batch.metadata().get("made_with", ""), batch.get_slice("latents").get_shape()[0]


@torch.no_grad()
def _write(path: Path, assembled: Models, trainee: Trainee, scenes: Sequence[Scene], made_with: str) -> None:
    latents = draw(assembled, trainee, scenes, steps=STEPS)
    pictures = assembled.autoencoder.decode(latents).permute(0, 2, 3, 1).float().cpu().numpy()
    backdrops = np.stack([backdrop(p, s) for p, s in zip(pictures, scenes, strict=True)])
    shown = torch.from_numpy(np.rint(255 * backdrops.clip(0, 1)).astype(np.uint8))
    aside = path.with_suffix(".partial")
    save_file({"latents": latents.cpu(), "backdrops": shown}, aside, {"made_with": made_with})
    aside.replace(path)


def train_decoder(
    weights: Path,
    scenes: Sequence[Scene],
    latents: torch.Tensor,
    folder: Path,
    *,
    steps: int = DECODER_STEPS,
    count: int = SAMPLED_SCENES,
    seed: int = 0,
    until: float = math.inf,
) -> tuple[DemoAutoencoder, bool]:
    """(autoencoder whose decoder has averaged weights, whether all steps are done). latents: float16 [n, 4, h, w] of
    the n scenes, encoded; count: how many others are sampled.
    """
    where = device()
    model = models.autoencoder(weights).to(where, memory_format=torch.channels_last)
    made = sampled(weights, folder / "sampled", count, until)
    if made is None:
        return model, False
    drawn, from_sampler, backdrops = made
    decoder = model.taesd_decoder.requires_grad_(True).train()

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        first = torch.randint(0, len(drawn), (SAMPLED,), generator=lot).tolist()
        second = torch.randint(0, len(scenes), (ENCODED,), generator=lot).tolist()
        encoded, strength = latents[second].float(), NOISE * torch.rand(ENCODED, 1, 1, 1, generator=lot)
        given = torch.cat([from_sampler[first], encoded + strength * torch.randn(encoded.shape, generator=lot)])
        asked = [(drawn[i], backdrops[i].numpy().astype(np.float32) / 255) for i in first]
        asked += [(scenes[i], None) for i in second]
        wanted = torch.from_numpy(np.stack([render(scene, over) for scene, over in asked])).permute(0, 3, 1, 2)
        counts = torch.from_numpy(np.stack([in_boxes(scene, MARGIN) for scene, _ in asked]))[:, None] * (WEIGHT - 1) + 1
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
            error = decoder(given.to(where, memory_format=torch.channels_last)).float() - wanted.to(where)
        return (counts.to(where) * (error.abs() + 4 * error.square())).mean() / counts.mean()

    done = run_stage(
        "decoder",
        decoder,
        loss,
        folder,
        steps=steps,
        peak=7e-4,
        until=until,
        averaging=0.995,
        save_every=50,
    )
    return model.eval().requires_grad_(False), done
