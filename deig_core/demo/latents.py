"""Training scenes as latents, encoded once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from .autoencoder import DemoAutoencoder
from .loop import device
from .render import render
from .world import draw_scene

SHARD = 2000
log = logging.getLogger("deig.demo")


def pictures(seeds: Sequence[int]) -> np.ndarray:
    """uint8 [n, SIZE, SIZE, 3]"""
    return np.stack([np.rint(255 * render(draw_scene(seed))).astype(np.uint8) for seed in seeds])


@torch.no_grad()
def encode(model: DemoAutoencoder, images: np.ndarray, where: torch.device) -> torch.Tensor:
    """float16 [n, 4, h, w]"""
    batch = torch.from_numpy(images).to(where).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
    with torch.autocast(where.type, torch.bfloat16, enabled=where.type != "cpu"):
        return model.encode(batch).to(torch.float16).cpu().contiguous()


def scene_latents(model: DemoAutoencoder, folder: Path, count: int, workers: int) -> torch.Tensor:
    """float16 [count, 4, 16, 16]: scenes of seeds 0, 1, ...; shards that `folder` holds are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    where = device()
    model = model.to(where, memory_format=torch.channels_last)
    starts = range(0, count, SHARD)
    files = [folder / f"scenes_{start:07d}.safetensors" for start in starts]
    missing = [i for i, file in enumerate(files) if not file.is_file()]
    chunks = [range(starts[i] + k, starts[i] + k + 100) for i in missing for k in range(0, SHARD, 100)]
    with ProcessPoolExecutor(workers) as pool:
        made = pool.map(pictures, chunks)
        for i in missing:
            shard = torch.cat([encode(model, next(made), where) for _ in range(SHARD // 100)])
            aside = files[i].with_suffix(".partial")
            save_file({"latents": shard}, aside)
            aside.replace(files[i])
            log.info("latents %d/%d", starts[i] + SHARD, len(files) * SHARD)
    return torch.cat([load_file(file)["latents"] for file in files])[:count]
