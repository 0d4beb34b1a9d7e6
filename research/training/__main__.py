"""python -m research.training: train an adapter on what `research.training.prepare` has encoded. Run it again to go
on.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.diffusers_unet.attach import attach
from deig_core.diffusers_unet.load import decode, load_autoencoder, load_unet
from deig_core.diffusers_unet.sample import sample
from deig_core.errors import DeigError
from deig_core.layout.layout import Layout
from deig_core.model.adapter import DeigAdapter
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText

from .cached import CachedFeatures, CachedPictures
from .config import add_arguments, from_arguments
from .noise import generator
from .pictures import read_pictures
from .skipped import changed_since, without_skipped
from .start import new_adapter, start_from_gligen
from .store import Store
from .train import train

SAMPLES = 8
log = logging.getLogger("deig")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="JSON lines, the same as for prepare")
    parser.add_argument("--cache", type=Path, required=True, help="folder that prepare has filled")
    parser.add_argument(
        "--base", type=Path, required=True, help="SD 1.x checkpoint or diffusers folder; it stays as it is"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for states, curves and adapter.safetensors")
    parser.add_argument(
        "--gligen", type=Path, help="GLIGEN text-box file to start fusers and position net from, as the paper did"
    )
    parser.add_argument(
        "--start",
        type=Path,
        help="DEIG weights to start from instead: the published model.pth, or an adapter.safetensors",
    )
    parser.add_argument("--autoencoder", type=Path, help="for sample pictures in TensorBoard (default: none are made)")
    parser.add_argument("--side", type=int, default=512, help="the same as for prepare (default: 512)")
    parser.add_argument("--tokens", type=int, default=16, help="T, learned queries of the IDE (default: 16)")
    parser.add_argument("--layers", type=int, default=6, help="of the IDE (default: 6)")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _train(options)
    except (DeigError, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    return 0


def _train(options: argparse.Namespace) -> None:
    config = from_arguments(options)
    pictures, said = without_skipped(options.cache, read_pictures(options.data))
    for sentence in (said, changed_since(options.out, pictures)):
        if sentence:
            log.warning("%s", sentence)
    source = CachedPictures(pictures, Store(options.cache, "latents"), options.side)
    features = CachedFeatures(Store(options.cache, "features"))
    unet = load_unet(options.base)
    torch.manual_seed(config.seed)
    if options.start:
        adapter = load_adapter(read_published(options.start), dtype=torch.float32)
    else:
        adapter = new_adapter(unet, features([""]).shape[-1], tokens=options.tokens, layers=options.layers)
        if options.gligen:
            start_from_gligen(adapter, options.gligen)
    sampler = None
    if options.autoencoder:
        sampler = sampler_of(unet, load_autoencoder(options.autoencoder), source, features)
    train(config, source, features, unet, adapter, options.out, sampler=sampler)


def sampler_of(
    unet: UNet2DConditionModel,
    autoencoder: AutoencoderKL | AutoencoderTiny,
    source: CachedPictures,
    features: CachedFeatures,
    *,
    count: int = SAMPLES,
    steps: int = 20,
) -> Callable[[DeigAdapter], torch.Tensor]:
    """adapter -> uint8 [n, H, W, 3]: the layouts of the first examples, always from the same noise."""
    examples = [source[i] for i in range(min(count, len(source)))]
    empty = GroundedText(TextFeatures.of(features([""])[0]), Layout(()), ())

    def pictures(adapter: DeigAdapter) -> torch.Tensor:
        where = unet.device
        autoencoder.to(where)
        made = []
        for i, example in enumerate(examples):
            prompt, *texts = (TextFeatures.of(f) for f in features([example.caption, *example.descriptions]))
            layout = Layout(tuple(Region(str(k), box) for k, box in enumerate(example.boxes)))
            noise = torch.randn(1, *example.latent.shape, generator=generator(3, i)).to(where, unet.dtype)
            latents = sample(
                attach(unet, adapter), adapter, GroundedText(prompt, layout, tuple(texts)), empty, noise, steps=steps
            )
            made.append(decode(autoencoder, latents.float())[0])
        return (torch.stack(made).detach() * 255).round().byte().permute(0, 2, 3, 1).cpu()

    return pictures


if __name__ == "__main__":
    sys.exit(main())
