"""python -m research.training.prepare: encode pictures and texts once. Run it again to go on, or after the data has
grown.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch
from tqdm import tqdm

from deig_core.diffusers_unet.load import encode, load_autoencoder
from deig_core.errors import DeigError
from deig_core.text.encoder import MAX_TOKENS, TextEncoder, load_text_encoder

from .cached import cache_pictures, cache_texts, texts_of
from .pictures import read_pictures
from .skipped import remember, without_skipped
from .store import Store, fingerprint

log = logging.getLogger("deig")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.training.prepare", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="JSON lines: file_name, width, height, caption, instances"
    )
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    parser.add_argument(
        "--autoencoder", type=Path, required=True, help="SD 1.x checkpoint, VAE file, or diffusers folder"
    )
    parser.add_argument(
        "--text-encoder",
        type=Path,
        required=True,
        help="Flan-T5-XL: a Hugging Face folder, or a file with the tokenizer beside it",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        required=True,
        help="folder for what is encoded: 0.5 MB a text and 64 kB a picture at full size",
    )
    parser.add_argument(
        "--side", type=int, default=512, help="pixels of the square that is cut from a picture's middle (default: 512)"
    )
    parser.add_argument("--batch", type=int, default=8, help="pictures encoded together (default: 8)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    try:
        _prepare(options)
    except (DeigError, OSError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    return 0


@torch.no_grad()
def _prepare(options: argparse.Namespace) -> None:
    if options.side % 64:
        raise DeigError(f"--side {options.side} is no multiple of 64, the size of the UNet's coarsest cell.")
    pictures = read_pictures(options.data)
    latents = Store(options.cache, "latents", fingerprint(options.autoencoder))
    features = Store(options.cache, "features", fingerprint(options.text_encoder))
    skipped = cache_pictures(
        latents,
        pictures,
        options.pictures,
        _latents(options.autoencoder, options.device),
        options.side,
        batch=options.batch,
        progress=_bar("pictures"),
    )
    if said := remember(options.cache, skipped, pictures):
        print(f"prepare: {said}", file=sys.stderr)
    pictures, _ = without_skipped(options.cache, pictures)
    cache_texts(
        features,
        texts_of(pictures, options.side),
        _features(options.text_encoder, options.device),
        progress=_bar("texts"),
    )


# Loaded when first asked: a run that finds everything encoded needs neither.
def _latents(path: Path, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    autoencoder = cache(lambda: load_autoencoder(path).to(device))
    return lambda pictures: encode(autoencoder(), pictures.to(device))


def _features(path: Path, device: str) -> Callable[[Sequence[str]], torch.Tensor]:
    @cache
    def encoder() -> TextEncoder:
        loaded = load_text_encoder(path, dtype=torch.bfloat16 if device != "cpu" else torch.float32)
        loaded.model.to(device)
        return loaded

    def features(texts: Sequence[str]) -> torch.Tensor:
        for text in texts:
            if (tokens := encoder().look(text)).count > MAX_TOKENS:
                log.warning("%d tokens, of which %d are read: %s...", tokens.count, MAX_TOKENS, text[:60])
        return torch.stack([found.tensor for found in encoder().encode(texts)])

    return features


def _bar(name: str) -> Callable[[int, int], None]:
    bar = tqdm(desc=name, unit=name[:-1])

    def update(done: int, of: int) -> None:
        bar.total = of
        bar.update(done - bar.n)

    return update


if __name__ == "__main__":
    sys.exit(main())
