"""A picture of 256 x 256 of the demo's world, denoised in tiles of 128 x 128, with regions that follow the tiles and
without.

Tiles overlap by half and their predictions are averaged at each step: alike (MultiDiffusion), or with weights that fall
towards their edges (Mixture of Diffusers). Every thing is smaller than the
overlap, so that some tile shows it whole. The prompt is that of the whole picture in each of them, as in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from deig_core.layout.window import Window
from deig_core.regions.tracks import iou

from ..demo.evaluate import FIRST_SEED, judged
from ..demo.generate import LATENT
from ..demo.report import measured
from ..demo.report import table as measures
from ..demo.scorer import ANSWERS, Classifier, Verdict, cut, find_objects
from ..demo.world import GAP, SIZE, Placed, Scene, draw_scene
from .curves import Measured, Table
from .paint import Asked, Painter, document, whole

LARGE = 2 * SIZE
SCENES, THINGS = 3, 3  # small pictures whose things are in a large one, and things in each
VARIANCE = 0.01  # of Mixture of Diffusers' weights, in tiles
CUT = tuple(Window((2 * LATENT,) * 2, (y, x), (LATENT,) * 2) for y in (0, 8, 16) for x in (0, 8, 16))


def small_scenes(number: int) -> list[Scene]:
    """SCENES scenes of SIZE x SIZE pixels with THINGS things each, which no other number has."""
    return [draw_scene(FIRST_SEED + SCENES * number + i, THINGS) for i in range(SCENES)]


def large_scene(number: int) -> Scene:
    """The things of `small_scenes`, in the sizes that they have there, at other places by lot."""
    lot = np.random.default_rng((0xF0110, number))
    placed: list[Placed] = []
    for thing in (p for scene in small_scenes(number) for p in scene.things):
        width, height = thing.box[2] - thing.box[0], thing.box[3] - thing.box[1]
        while True:
            x, y = int(lot.integers(2, LARGE - width - 1)), int(lot.integers(2, LARGE - height - 1))
            box = (x, y, x + width, y + height)
            if all(
                box[0] >= b[2] + GAP or b[0] >= box[2] + GAP or box[1] >= b[3] + GAP or b[1] >= box[3] + GAP
                for b in (p.box for p in placed)
            ):
                placed.append(Placed(thing.thing, box))
                break
    return Scene(tuple(placed), number)


@torch.no_grad()
def judge_large(classifier: Classifier, picture: np.ndarray, scene: Scene) -> list[Verdict]:
    """`scorer.judge` of a picture of another size: each thing in a part of SIZE x SIZE pixels around it."""
    picture = np.rint(255 * picture).astype(np.uint8).astype(np.float32) / 255
    found, crops = find_objects(picture), []
    for placed in scene.things:
        x, y = (min(max((placed.box[a] + placed.box[a + 2] - SIZE) // 2, 0), LARGE - SIZE) for a in (0, 1))
        part = torch.from_numpy(np.ascontiguousarray(picture[y : y + SIZE, x : x + SIZE].transpose(2, 0, 1)))
        crops.append(cut(part, tuple(c - o for c, o in zip(placed.box, (x, y, x, y), strict=True))))
    answers = {name: logits.argmax(1).tolist() for name, logits in classifier(torch.stack(crops)).items()}
    return [
        Verdict(
            placed,
            max((iou(placed.box, box) for box in found), default=0.0),
            {name: ANSWERS[name][answers[name][i]] for name in ANSWERS},
        )
        for i, placed in enumerate(scene.things)
    ]


def falling(side: int) -> torch.Tensor:
    """Weights of a tile's cells [side, side]: largest in its middle."""
    away = (torch.arange(side) + 0.5) / side - 0.5
    along = torch.exp(-(away**2) / (2 * VARIANCE))
    return along[:, None] * along


SMALL = "128 x 128, the same things"
_FOLLOWED = [(part, part) for part in CUT]
_SQUEEZED = [(part, Window.whole((LATENT,) * 2)) for part in CUT]
ROWS = {
    "tiles that regions follow, weighted": (_FOLLOWED, falling(LATENT)),
    "tiles that regions follow": (_FOLLOWED, 1.0),
    "tiles, each shows the whole layout": (_SQUEEZED, 1.0),
    "256 x 256 in one piece": (whole(2 * LATENT), 1.0),
    SMALL: None,
}
"""Parts and weights of the large pictures of each row, as `Asked` has them; the longest first."""


def row(painter: Painter, classifier: Classifier, layouts: int, seed: int, name: str) -> Measured:
    """One of `ROWS`."""
    if name == SMALL:
        small = [scene for n in range(layouts) for scene in small_scenes(n)]
        pictures = painter.drawn([document(scene, SIZE) for scene in small], small, seed)
        return measured(judged(classifier, pictures, small))
    parts, weights = ROWS[name]
    verdicts = []
    for scene in map(large_scene, range(layouts)):
        said, noise = painter.said(document(scene, LARGE)), painter.noise(seed, scene, 2 * LATENT)
        asked = Asked(said, noise, parts, weights)
        verdicts.append(judge_large(classifier, painter.pictures(painter.latents([asked]))[0], scene))
    return measured(verdicts)


def table(rows: Mapping[str, Measured], layouts: int, seed: int) -> Table:
    """Of all `ROWS`."""
    found = {name: rows[name] for name in reversed(ROWS)}
    return Table(f"{layouts} layouts, {layouts * SCENES * THINGS} things, seed {seed}\n\n{measures(found)}")
