"""Pictures and texts encoded once, as the trainer reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from deig_core.errors import DeigError

from .batch import Example
from .image_files import read_rgb
from .pictures import Picture, cropped
from .store import Store, digest


def text_key(text: str) -> bytes:
    """What a `Store` keeps a text's features under."""
    return digest("text", text)


def picture_key(picture: Picture, side: int) -> bytes:
    """What a `Store` keeps the latents of a picture under, cut to a square of `side` pixels."""
    return digest("picture", picture.file_name, picture.width, picture.height, side)


def texts_of(pictures: Sequence[Picture], side: int) -> list[str]:
    """Every text that training will ask for, each once; the empty one is the unconditional side of guidance."""
    return list(dict.fromkeys(["", *(t for p in pictures for t in (p.caption, *cropped(p, side)[1]))]))


class CachedPictures:
    """A source of examples. The store holds latents float16 [2, 4, h, w]: the picture and its mirror image."""

    def __init__(self, pictures: Sequence[Picture], latents: Store, side: int):
        self._pictures, self._latents, self._side = pictures, latents, side

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, i: int) -> Example:
        picture = self._pictures[i]
        boxes, descriptions = cropped(picture, self._side)
        latent, mirror = self._latents[picture_key(picture, self._side)]
        return Example(latent, picture.caption, descriptions, boxes, mirror=mirror)


class CachedFeatures:
    """Texts -> features [n, L, text_dim], as stored. Safe in the processes that read examples."""

    in_workers = True

    def __init__(self, store: Store):
        self._store = store

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        known = {text: self._store[text_key(text)] for text in dict.fromkeys(texts)}
        return torch.stack([known[text] for text in texts])


def cache_texts(
    store: Store,
    texts: Sequence[str],
    features: Callable[[Sequence[str]], torch.Tensor],
    *,
    shard: int = 1024,
    batch: int = 32,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Encode what `store` lacks, `shard` texts to a file, as bfloat16: all positions, pads included (docs/method.md
    section 2).
    """
    keys = [text_key(t) for t in texts]
    todo = store.missing(keys)
    for start in range(0, len(todo), shard):
        part, found = todo[start : start + shard], {}
        for turn in range(0, len(part), batch):
            few = part[turn : turn + batch]
            progress(start + turn, len(todo))
            found.update(zip((keys[i] for i in few), features([texts[i] for i in few]).to(torch.bfloat16), strict=True))
        store.add(found)
    progress(len(todo), len(todo))


def cache_pictures(
    store: Store,
    pictures: Sequence[Picture],
    folder: Path,
    encode: Callable[[torch.Tensor], torch.Tensor],
    side: int,
    *,
    shard: int = 2048,
    batch: int = 8,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, str]:
    """Encode what `store` lacks. encode: pictures float32 [n, 3, side, side] in 0..1 -> latents [n, 4, h, w].

    Returns the pictures that cannot be used, by their file's name, and why.
    """
    keys = [picture_key(p, side) for p in pictures]
    todo, skipped = store.missing(keys), {}
    for start in range(0, len(todo), shard):
        part, found = todo[start : start + shard], {}
        for turn in range(0, len(part), batch):
            few = part[turn : turn + batch]
            progress(start + turn, len(todo))
            squares: dict[int, torch.Tensor] = {}
            for i in few:
                try:
                    squares[i] = read_square(folder / pictures[i].file_name, side, pictures[i])
                except DeigError as error:
                    skipped[pictures[i].file_name] = str(error)
            if not squares:
                continue
            seen = torch.stack(list(squares.values()))
            latents = torch.stack([encode(seen), encode(seen.flip(-1))], 1).to("cpu", torch.float16)
            found.update(zip((keys[i] for i in squares), latents, strict=True))
        if found:
            store.add(found)
    progress(len(todo), len(todo))
    return skipped


def read_square(path: Path, side: int, picture: Picture | None = None) -> torch.Tensor:
    """The square in a picture's middle, float32 [3, side, side] in 0..1.

    Raises DeigError that says why a picture cannot be used.
    """
    import numpy as np
    from PIL import Image

    image = read_rgb(path, (picture.width, picture.height) if picture else None)
    size = min(image.size)
    left, top = (image.width - size) / 2, (image.height - size) / 2
    square = image.resize((side, side), Image.Resampling.LANCZOS, (left, top, left + size, top + size), reducing_gap=3)
    return torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1).float() / 255
