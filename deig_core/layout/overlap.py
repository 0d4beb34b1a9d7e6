"""Whose cells are those that regions share: of all of them, or of the one in front (docs/method.md section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..regions.document import FRONT, Region
from .masks import PIXELS_PER_LATENT, Size, bit_of, mask_cells, region_pixels, shared_membership

Silent = tuple[int, Region]  # how many of the regions that have a text come before it in the document; the region


def in_front(regions: Sequence[Region], overlap: str) -> list[list[int]]:
    """For each region the places of those that take from it what they share with it.

    A region behind gives way to all that are not; where the front one owns what regions share, one also gives way to
    the later ones of its own kind.
    """
    later = overlap == FRONT
    return [
        [
            j
            for j, other in enumerate(regions)
            if (r.behind and not other.behind) or (later and j > i and other.behind == r.behind)
        ]
        for i, r in enumerate(regions)
    ]


def left_of(regions: Sequence[Region], overlap: str, width: int, height: int) -> dict[int, torch.Tensor]:
    """What the regions in front leave of those that lie behind some: by its place, pixels bool [height, width] of a
    picture of that size. A region of which nothing is taken is left out.
    """
    front = in_front(regions, overlap)
    whole = {i: region_pixels(regions[i], width, height) for i in {*(j for f in front for j in f)}}
    left = {}
    for i, others in enumerate(front):
        if not others:
            continue
        own = whole[i] if i in whole else region_pixels(regions[i], width, height)
        taken = torch.stack([whole[j] for j in others]).any(0)
        if (own & taken).any():
            left[i] = own & ~taken
    return left


def membership(
    regions: Sequence[Region], overlap: str, latent: Size, grid: Size, silent: Sequence[Silent] = ()
) -> torch.Tensor:
    """`shared_membership` where some regions lie in front of others: one that gives way owns the cells of the pixels
    that are left of it, as if they were painted. silent: regions that take what is theirs without a bit of their own.
    """
    words = shared_membership(regions, latent, grid)
    everyone = [(r, 1, region) for r, region in enumerate(regions)]
    everyone = sorted([*everyone, *((before, 0, region) for before, region in silent)], key=lambda one: one[:2])
    height, width = (side * PIXELS_PER_LATENT for side in latent)
    for place, pixels in left_of([region for *_, region in everyone], overlap, width, height).items():
        r, speaks, _ = everyone[place]
        if not speaks:
            continue
        cells = mask_cells(pixels, latent, grid).flatten()
        words = torch.where(cells, words | bit_of(r), words & ~bit_of(r))
    return words
