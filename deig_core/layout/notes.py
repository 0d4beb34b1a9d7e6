"""Regions that will not be drawn as they were meant. The editor says the same in their rows (web/editor/notes.js; both
keep the cases "notes" of tests/data/document.json); what only the pixels of all regions show is said here alone.
"""

from __future__ import annotations

from itertools import combinations

from ..regions.box import Box
from ..regions.document import FRONT, Region, RegionDocument
from ..regions.keyframes import some_boxes
from ..regions.rules import NO_TEXT, counting
from .masks import PIXELS_PER_LATENT, box_pixels
from .overlap import left_of

MOSTLY = 0.8  # of each other that two boxes cover before their texts are mixed
LOOKED_AT = 512  # pixels a side of the picture in which what lies behind others is looked for


def region_notes(document: RegionDocument) -> list[str]:
    """Sentences about enabled regions that are left out, hardly show, or lie in the same place. Texts are looked at
    where they are read (text/tokens.py).
    """
    said = []
    enabled = [(n, r) for n, r in enumerate(document.regions, 1) if r.enabled]
    for n, region in enabled:
        if not region.visible:
            said.append(f"Region {n} has strength 0 and is left out.")
        if not region.description.strip():
            said.append(NO_TEXT.format(n))
        cells = _cells(region, document)
        if region.keyframes and not cells:
            said.append(f"Region {n} is in the picture in no frame: move one of its keyframes into it.")
        elif cells < 2:
            few = "one cell of the latent" if cells < 1 else "two cells of the latent"
            said.append(f"Region {n} is narrower than {few} ({PIXELS_PER_LATENT} pixels each): it can hardly show.")
    taking_part = [(i + 1, document.regions[i]) for i in counting(document)]
    for (n, region), (other, second) in combinations(taking_part, 2):
        if document.overlap != FRONT and region.behind == second.behind and _same_place(region, second):
            said.append(f"Regions {n} and {other} cover each other: their texts get mixed.")
    said += [f"Region {n} lies wholly behind others and cannot show." for n in _hidden(enabled, document)]
    return said


def _hidden(enabled: list[tuple[int, Region]], document: RegionDocument) -> list[int]:
    """Numbers of the regions of which those in front leave nothing. Regions that move may show in some frame."""
    still = [(n, region) for n, region in enabled if region.visible and not region.keyframes]
    sides = (min(side, LOOKED_AT) for side in (document.width, document.height))
    left = left_of([region for _, region in still], document.overlap, *sides)
    return [still[i][0] for i, pixels in left.items() if not pixels.any()]


def _cells(region: Region, document: RegionDocument) -> float:
    """Cells of the latent that the shorter side of a box takes; of a region that moves, where that is largest."""
    boxes = some_boxes(region.keyframes) or [region.box]
    found = [box_pixels(box, document.width, document.height) for box in boxes]
    return max(min(p[2] - p[0], p[3] - p[1]) if p else 0 for p in found) / PIXELS_PER_LATENT


def _same_place(a: Region, b: Region) -> bool:
    """Whether they cover each other in each frame where one of them has a key and something of either is seen."""
    if a.mask is not None or b.mask is not None:
        return False
    seen = False
    for frame in sorted({key.frame for key in (*a.keyframes, *b.keyframes)}) or [0]:
        boxes = a.at(frame).box, b.at(frame).box
        if any(map(_area, boxes)):
            if not _cover(*boxes):
                return False
            seen = True
    return seen


def _cover(a: Box, b: Box) -> bool:
    across, down = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    return across > 0 and down > 0 and across * down > MOSTLY * max(_area(a), _area(b))


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
