"""`python -m research.studies.follow`: a picture of 256 x 256 of the demo's world, denoised in tiles of 128 x 128, with
regions that follow the tiles and without.

Tiles overlap by half and their predictions are averaged at each step (MultiDiffusion). Every thing is smaller than the
overlap, so that some tile shows it whole. The prompt is that of the whole picture in each of them, as in the graph.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from deig_core.call import RowGroup, ground
from deig_core.demo import files
from deig_core.diffusers_unet.attach import attach
from deig_core.layout.window import Window
from deig_core.model.extractor import Extractor
from deig_core.regions.document import Region, RegionDocument
from deig_core.text.grounded import Sides, ground_texts

from ..demo import models
from ..demo.evaluate import FIRST_SEED, judged, load
from ..demo.generate import GUIDANCE, LATENT, STEPS, Models, generate
from ..demo.loop import device
from ..demo.report import measured, table
from ..demo.sampling import sample
from ..demo.scorer import ANSWERS, Classifier, Verdict, cut, find_objects, iou
from ..demo.world import GAP, SIZE, Placed, Scene, draw_scene
from ..training.noise import generator

LARGE = 2 * SIZE
SCENES, THINGS = 3, 3  # small pictures whose things are in a large one, and things in each
CUT = tuple(Window((2 * LATENT,) * 2, (y, x), (LATENT,) * 2) for y in (0, 8, 16) for x in (0, 8, 16))


def small_scenes(number: int) -> list[Scene]:
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


class Painter:
    """The demo's models with a way to denoise parts of a picture."""

    def __init__(self, weights: Path):
        self.adapter = load(weights / files.ADAPTER)
        unet, autoencoder = models.unet(weights).to(device()), models.autoencoder(weights).to(device())
        self.models = Models(unet, autoencoder, models.text_encoder(weights, files.TEXT))

    @torch.no_grad()
    def paint(self, scene: Scene, parts: Sequence[tuple[Window, Window]], seed: int) -> np.ndarray:
        """float32 [LARGE, LARGE, 3] in 0..1. parts: where each lies in the latent, and what it shows of the layout."""
        attached, extractor = attach(self.models.unet, self.adapter), Extractor(self.adapter)
        sides = self._said(scene)
        where = device()
        groups = [RowGroup(1, text, shown) for text in (sides.positive, sides.nothing) for _, shown in parts]

        def predict(x: torch.Tensor, t: int) -> torch.Tensor:
            cells = [
                np.s_[:, :, p.offset[0] : p.offset[0] + p.size[0], p.offset[1] : p.offset[1] + p.size[1]]
                for p, _ in parts
            ]
            call = ground(extractor, groups, [float(t)] * len(groups), where)
            rows = torch.cat([x[part] for part in cells] * 2)
            wanted, unwanted = attached(rows, t, torch.cat(call.context()), call).chunk(2)
            total, count = torch.zeros_like(x), torch.zeros_like(x)
            for part, predicted in zip(cells, unwanted + GUIDANCE * (wanted - unwanted), strict=True):
                total[part] += predicted
                count[part] += 1
            return total / count

        noise = torch.randn(1, 4, 2 * LATENT, 2 * LATENT, generator=generator(seed, scene.seed)).to(where)
        latents = sample(predict, noise, STEPS)
        return self.models.autoencoder.decode(latents).clamp(0, 1)[0].permute(1, 2, 0).float().cpu().numpy()

    def _said(self, scene: Scene) -> Sides:
        boxes = [tuple(c / LARGE for c in p.box) for p in scene.things]
        regions = [
            Region(f"r{i}", box, p.thing.describe()) for i, (box, p) in enumerate(zip(boxes, scene.things, strict=True))
        ]
        return ground_texts(RegionDocument(LARGE, LARGE, tuple(regions)), "", "", self.models.encoder.encode)


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


def rows(
    painter: Painter, classifier: Classifier, layouts: int, seed: int
) -> Iterator[tuple[str, list[list[Verdict]]]]:
    small = [scene for n in range(layouts) for scene in small_scenes(n)]
    pictures = generate(painter.models, painter.adapter, small, seed=seed)
    yield "128 x 128, the same things", judged(classifier, pictures, small)
    large = [large_scene(n) for n in range(layouts)]
    whole = Window.whole((2 * LATENT,) * 2)
    squeezed = Window.whole((LATENT,) * 2)
    for name, parts in (
        ("256 x 256 in one piece", [(whole, whole)]),
        ("tiles, each shows the whole layout", [(part, squeezed) for part in CUT]),
        ("tiles that regions follow", [(part, part) for part in CUT]),
    ):
        yield name, [judge_large(classifier, painter.paint(scene, parts, seed), scene) for scene in large]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.studies.follow", description=__doc__)
    parser.add_argument("--layouts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--weights", type=Path, default=files.WEIGHTS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER, options.weights))
    found = {}
    for name, verdicts in rows(Painter(options.weights), classifier, options.layouts, options.seed):
        found[name] = measured(verdicts)
        print(f"{name}: all attributes right in {found[name]['all'][0]:.3f}", flush=True)
    things = options.layouts * SCENES * THINGS
    print(f"\n{options.layouts} layouts, {things} things, seed {options.seed}, {STEPS} steps, guidance {GUIDANCE}\n")
    print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
