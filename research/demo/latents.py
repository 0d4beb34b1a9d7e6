"""Training scenes and their latents, drawn and encoded once."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, fields
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from . import models
from .autoencoder import DemoAutoencoder
from .loop import device
from .render import render
from .world import Placed, Scene, Thing, draw_scene

SHARD, CHUNK = 2000, 100  # scenes in a file, and drawn and encoded at a time
log = logging.getLogger("deig.demo")


def drawn(seeds: Sequence[int]) -> tuple[list[Scene], np.ndarray]:
    """Scenes, and their pictures uint8 [n, SIZE, SIZE, 3]."""
    scenes = [draw_scene(seed) for seed in seeds]
    return scenes, np.stack([np.rint(255 * render(scene)).astype(np.uint8) for scene in scenes])


@torch.no_grad()
def encode(model: DemoAutoencoder, images: np.ndarray, where: torch.device) -> torch.Tensor:
    """float16 [n, 4, h, w]"""
    batch = (
        torch.from_numpy(images)
        .to(where)
        .permute(0, 3, 1, 2)
        .float()
        .div(255)
        .contiguous(memory_format=torch.channels_last)
    )
    with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
        return model.encode(batch).to(torch.float16).cpu().contiguous()


def training_scenes(weights: Path, folder: Path, count: int, workers: int) -> tuple[list[Scene], torch.Tensor]:
    """The scenes of seeds 0, 1, ... and their latents float16 [count, 4, 16, 16]; shards in `folder` of the same
    encoder are not made again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    where = device()
    model = models.autoencoder(weights).to(where, memory_format=torch.channels_last)
    made_with = _of_encoder(model)
    starts = range(0, count, SHARD)
    shards = [folder / f"drawn_{start:07d}.safetensors" for start in starts]
    missing = [
        i for i, shard in enumerate(shards) if not (shard.is_file() and _told(shard).get("made_with") == made_with)
    ]
    chunks = [range(starts[i] + k, starts[i] + k + CHUNK) for i in missing for k in range(0, SHARD, CHUNK)]
    with ProcessPoolExecutor(workers) as pool:
        made = pool.map(drawn, chunks)
        for i in missing:
            parts = [(scenes, encode(model, pictures, where)) for scenes, pictures in islice(made, SHARD // CHUNK)]
            _write(
                shards[i],
                [scene for scenes, _ in parts for scene in scenes],
                torch.cat([latents for _, latents in parts]),
                made_with,
            )
            log.info("latents %d/%d", starts[i] + SHARD, len(shards) * SHARD)
    parts = [_read(shard, start) for shard, start in zip(shards, starts, strict=True)]
    return [scene for scenes, _ in parts for scene in scenes][:count], torch.cat([latents for _, latents in parts])[
        :count
    ]


def _of_encoder(model: DemoAutoencoder) -> str:
    """A digest of the encoder's weights: a decoder may go on while its latents stay."""
    found = hashlib.sha256()
    for tensor in model.taesd_encoder.state_dict().values():
        found.update(tensor.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _told(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as shard:
        return shard.metadata() or {}


def _write(path: Path, scenes: Sequence[Scene], latents: torch.Tensor, made_with: str) -> None:
    # To draw a scene by lot takes as long as to paint it.
    things = [[[*astuple(p.thing), *p.box] for p in scene.things] for scene in scenes]
    aside = path.with_suffix(".partial")
    save_file({"latents": latents}, aside, {"scenes": json.dumps(things), "made_with": made_with})
    aside.replace(path)


def _read(path: Path, first_seed: int) -> tuple[list[Scene], torch.Tensor]:
    attributes = len(fields(Thing))
    scenes = [
        Scene(tuple(Placed(Thing(*row[:attributes]), tuple(row[attributes:])) for row in rows), seed)
        for seed, rows in enumerate(json.loads(_told(path)["scenes"]), first_seed)
    ]
    return scenes, load_file(path)["latents"]
