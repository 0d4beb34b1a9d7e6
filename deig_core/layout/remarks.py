"""What will not become of regions what was meant: as the editor says it in their rows (web/editor/notes.js), and what
only a look at the pixels of all of them shows.
"""

from __future__ import annotations

from ..regions.document import FRONT, Region, RegionDocument
from ..regions.rules import NO_TEXT
from .masks import PIXELS_PER_LATENT, box_pixels
from .overlap import left_of

MOSTLY = 0.8  # of each other that two boxes cover before their texts are mixed
LOOKED_AT = 512  # pixels a side of the picture in which what lies behind others is looked for


def remarks(document: RegionDocument) -> list[str]:
    """Sentences about enabled regions that are left out, hardly show, or lie in the same place. Texts are looked at
    where they are read (text/tokens.py).
    """
    said = []
    enabled = [(n, r) for n, r in enumerate(document.regions, 1) if r.enabled]
    for n, region in enabled:
        if region.strength == 0 and not region.strengths:
            said.append(f"Region {n} has strength 0 and is left out.")
        elif not region.description.strip():
            said.append(NO_TEXT.format(n))
        if (cells := _cells(region, document)) < 2:
            few = "one cell of the latent" if cells < 1 else "two cells of the latent"
            said.append(f"Region {n} is narrower than {few} ({PIXELS_PER_LATENT} pixels each): it can hardly show.")
    for i, (n, region) in enumerate(enabled):
        for other, second in enabled[i + 1 :]:
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
    """Cells of the latent that the shorter side of a box takes."""
    pixels = box_pixels(region.box, document.width, document.height)
    return 0 if pixels is None else min(pixels[2] - pixels[0], pixels[3] - pixels[1]) / PIXELS_PER_LATENT


def _same_place(a: Region, b: Region) -> bool:
    if a.mask is not None or b.mask is not None:
        return False
    across = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    down = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    areas = [(r.box[2] - r.box[0]) * (r.box[3] - r.box[1]) for r in (a, b)]
    return across > 0 and down > 0 and across * down > MOSTLY * max(areas)
