"""Training scenes and their latents, drawn and encoded once."""

from __future__ import annotations

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
from safetensors.torch import save_file

from .autoencoder import DemoAutoencoder
from .loop import device
from .render import render
from .world import Placed, Scene, Thing, draw_scene

SHARD = 2000
log = logging.getLogger("deig.demo")


def drawn(seeds: Sequence[int]) -> tuple[list[Scene], np.ndarray]:
    """Scenes, and their pictures uint8 [n, SIZE, SIZE, 3]."""
    scenes = [draw_scene(seed) for seed in seeds]
    return scenes, np.stack([np.rint(255 * render(scene)).astype(np.uint8) for scene in scenes])


@torch.no_grad()
def encode(model: DemoAutoencoder, images: np.ndarray, where: torch.device) -> torch.Tensor:
    """float16 [n, 4, h, w]"""
    batch = torch.from_numpy(images).to(where).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
    with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
        return model.encode(batch).to(torch.float16).cpu().contiguous()


def training_scenes(model: DemoAutoencoder, folder: Path, count: int, workers: int) -> tuple[list[Scene], torch.Tensor]:
    """The scenes of seeds 0, 1, ... and their latents float16 [count, 4, 16, 16]; shards that `folder` holds are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    where = device()
    model = model.to(where, memory_format=torch.channels_last)
    starts = range(0, count, SHARD)
    files = [folder / f"drawn_{start:07d}.safetensors" for start in starts]
    missing = [i for i, file in enumerate(files) if not file.is_file()]
    chunks = [range(starts[i] + k, starts[i] + k + 100) for i in missing for k in range(0, SHARD, 100)]
    with ProcessPoolExecutor(workers) as pool:
        made = pool.map(drawn, chunks)
        for i in missing:
            parts = [(scenes, encode(model, pictures, where)) for scenes, pictures in islice(made, SHARD // 100)]
            _write(files[i], [scene for scenes, _ in parts for scene in scenes], torch.cat([latents for _, latents in parts]))
            log.info("latents %d/%d", starts[i] + SHARD, len(files) * SHARD)
    shards = [_read(file, start) for file, start in zip(files, starts, strict=True)]
    return [scene for scenes, _ in shards for scene in scenes][:count], torch.cat([latents for _, latents in shards])[:count]


def _write(path: Path, scenes: Sequence[Scene], latents: torch.Tensor) -> None:
    # To draw a scene by lot takes as long as to paint it.
    told = [[[*astuple(p.thing), *p.box] for p in scene.things] for scene in scenes]
    aside = path.with_suffix(".partial")
    save_file({"latents": latents}, aside, {"scenes": json.dumps(told)})
    aside.replace(path)


def _read(path: Path, first_seed: int) -> tuple[list[Scene], torch.Tensor]:
    attributes = len(fields(Thing))
    with safe_open(path, "pt") as shard:
        told = json.loads(shard.metadata()["scenes"])
        scenes = [
            Scene(tuple(Placed(Thing(*row[:attributes]), tuple(row[attributes:])) for row in rows), seed)
            for seed, rows in enumerate(told, first_seed)
        ]
        return scenes, shard.get_tensor("latents")
