"""Regions from the boxes of other nodes, tools and models, with descriptions that are given beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .checks import checked_text
from .colors import palette_color
from .document import Region, check_count
from .reader import Reading, read
from .reader.by_hand import NOTHING_SET, ByHand
from .reader.placing import WHOLE_IMAGE


def read_boxes(
    source: Any, width: int, height: int, by_hand: ByHand = NOTHING_SET, *, descriptions: Sequence[str] = ()
) -> Reading:
    """`reader.read`, with `descriptions` instead of the boxes' own texts where they are not empty, in the order of the
    boxes as they were given: that of a box which is left out goes with it. Texts beyond the last box get a box of the
    whole picture. Raises RegionError as `read` does.
    """
    reading = read(source, width, height, by_hand)
    texts = [checked_text(text, f"Region {i + 1}", "description") for i, text in enumerate(descriptions)]
    regions = [
        replace(r, description=texts[n - 1]) if n <= len(texts) and texts[n - 1] else r
        for r, n in zip(reading.document.regions, reading.numbers, strict=True)
    ]
    more = texts[reading.entries :]
    check_count(len(regions) + len(more))
    notes = [
        f"Description {n} belongs to a box that was left out."
        for n, text in enumerate(texts[: reading.entries], 1)
        if text and n not in reading.numbers
    ]
    if more:
        notes.append(f"{len(more)} of the descriptions have no box of their own and got the whole picture.")
    for i, text in enumerate(more, reading.entries):
        taken = {r.id for r in regions}
        free = next(name for n in range(i + 1, i + len(taken) + 2) if (name := f"r{n}") not in taken)
        regions.append(Region(free, WHOLE_IMAGE, text, color=palette_color(i + 1)))
    document = replace(reading.document, regions=tuple(regions))
    return replace(reading, document=document, notes=(*reading.notes, *notes))
