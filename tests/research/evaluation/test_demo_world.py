"""The demo's world through the rooms of a benchmark: the figures of its own evaluation, and what must move them."""

import io
import random
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from deig_core.demo import files
from research.demo.evaluate import FIRST_SEED, TRUTH, evaluated, judged
from research.demo.render import render
from research.demo.report import measured
from research.demo.scorer import Classifier
from research.demo.world import Scene, draw_scene
from research.evaluation import __main__ as command
from research.evaluation.commands.demo import differences
from research.evaluation.demo import Renderer, layout_of, scene_of
from research.evaluation.generate import Drawn, generate
from research.evaluation.look import look
from research.evaluation.score import score
from research.evaluation.witnesses.oracle import Finder, Judge

SCENES = [draw_scene(FIRST_SEED + i) for i in range(24)]
LAYOUTS = [layout_of(scene) for scene in SCENES]


class Pictures:
    """A sampler that hands out given pictures, float32 [n, H, W, 3], by layout."""

    def __init__(self, pictures):
        self._pictures = dict(zip((layout.id for layout in LAYOUTS), pictures, strict=True))

    def settings(self):
        return {"pictures": "given"}

    def draw(self, jobs):
        for job in jobs:
            file = io.BytesIO()
            Image.fromarray(np.rint(255 * self._pictures[job.layout.id]).astype(np.uint8)).save(file, "PNG")
            yield Drawn(job, file.getvalue())


def scored(folder, sampler=None, layouts=LAYOUTS):
    """The row of all rooms: pictures, evidence, verdicts, table."""
    if sampler:
        generate(layouts, folder, sampler, [0])
    look(layouts, folder / "0", [Finder(), Judge()], say=lambda text: None)
    (row,) = score(layouts, [folder]).rows
    return row


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    return folder, scored(folder, Renderer())


def test_a_scene_is_a_layout_and_back():
    assert [scene_of(layout) for layout in LAYOUTS] == SCENES
    assert [i.tags["level"] for i in LAYOUTS[0].instances] == [str(p.thing.attributes) for p in SCENES[0].things]


def test_half_drawn_pictures_get_the_very_figures_of_the_demos_own_evaluation(tmp_path):
    """Rendered truth, faded and moved by lot: verdicts of every kind."""
    lot = np.random.default_rng(0)
    pictures = []
    for scene in SCENES:
        picture = render(scene)
        faded = picture + lot.uniform(0, 0.8) * (0.54 - picture)
        pictures.append(np.roll(faded, int(lot.integers(0, 14)), axis=1).astype(np.float32))
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER))
    own = measured(judged(classifier, np.stack(pictures), SCENES))
    row = scored(tmp_path, Pictures(pictures))
    assert {name: tuple(estimate) for name, estimate in row.estimates.items()} == own
    assert 0.1 < own["all"][0] < 0.9, "a case in which all is right or wrong would prove little"


def test_rendered_truth_is_right(truth):
    _, row = truth
    assert row.estimates["all"].value >= 0.98 and row.estimates["mIoU"].value > 0.95
    assert row.counts["missing"] == row.counts["unjudged"] == 0


def test_shuffled_descriptions_are_right_by_chance_alone(tmp_path):
    things = [placed.thing for scene in SCENES for placed in scene.things]
    random.Random(1).shuffle(things)
    others = iter(things)
    pictures = [
        render(Scene(tuple(replace(p, thing=next(others)) for p in scene.things), scene.seed)) for scene in SCENES
    ]
    row = scored(tmp_path, Pictures(pictures))
    assert row.estimates["all"].value < 0.1 and row.estimates["mIoU"].value > 0.9
    assert row.estimates["colour"].value < 0.4


def test_blank_pictures_are_nothing(tmp_path):
    blank = np.full((128, 128, 3), 0.54, dtype=np.float32)
    row = scored(tmp_path, Pictures([blank] * len(LAYOUTS)))
    assert row.estimates["all"].value == row.estimates["mIoU"].value == 0


def test_missing_pictures_fail_and_are_counted(truth, tmp_path):
    folder, whole = truth
    (tmp_path / "0").mkdir()
    for layout in LAYOUTS[::2]:
        name = f"{layout.id}.png"
        (tmp_path / "0" / name).write_bytes((folder / "0" / name).read_bytes())
    row = scored(tmp_path)
    there = sum(len(layout.instances) for layout in LAYOUTS[::2])
    every = sum(len(layout.instances) for layout in LAYOUTS)
    assert row.counts["missing"] == len(LAYOUTS) - len(LAYOUTS[::2])
    assert row.counts["instances"] == every and row.counts["unjudged"] == every - there
    assert row.estimates["all"].value <= there / every
    assert row.estimates["all"].value == pytest.approx(whole.estimates["all"].value * there / every, abs=0.02)
    assert set(row.estimates) == set(whole.estimates)
    assert row.estimates["colour"].value <= there / every


def test_a_mirrored_world_has_the_same_places_and_colours(truth, tmp_path):
    folder, whole = truth
    mirrored = [
        replace(
            layout,
            instances=tuple(replace(i, box=(1 - i.box[2], i.box[1], 1 - i.box[0], i.box[3])) for i in layout.instances),
        )
        for layout in LAYOUTS
    ]
    (tmp_path / "0").mkdir()
    for layout in LAYOUTS:
        with Image.open(folder / "0" / f"{layout.id}.png") as picture:
            picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "0" / f"{layout.id}.png")
    row = scored(tmp_path, layouts=mirrored)
    assert row.estimates["mIoU"].value == pytest.approx(whole.estimates["mIoU"].value, abs=0.01)
    assert row.estimates["colour"].value == pytest.approx(whole.estimates["colour"].value, abs=0.02)


def test_the_command_shows_table_and_failures_and_has_the_demos_own_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)
    run = ["demo", str(tmp_path / "out"), "--layouts=2", "--steps=2", f"--trained={tmp_path}"]
    assert command.main(run) == 0
    said = capsys.readouterr().out
    assert "has the very same figures" in said and "| rendered truth |" in said and "| DEIG |" in said
    page = (tmp_path / "out" / "failures" / "index.html").read_text()
    assert "base (DEIG&#x27;s gates shut)" in page and LAYOUTS[0].instances[0].text in page


def test_a_figure_that_differs_is_named(truth):
    folder, _ = truth
    scores = score(LAYOUTS, [folder])
    scores = replace(scores, rows=[replace(scores.rows[0], name=TRUTH)])
    own = evaluated(files.WEIGHTS, layouts=len(LAYOUTS), only=["no such row"])
    assert differences(scores, own) == []
    own[TRUTH]["all"] = (0.5, *own[TRUTH]["all"][1:])
    (said,) = differences(scores, own)
    assert said.startswith("rendered truth, all: (0.5, ")
    assert differences(scores, {})[0].startswith("rendered truth, mIoU: None instead of (")


def test_a_library_that_is_missing_is_named(tmp_path, capsys, monkeypatch):
    for name in [n for n in sys.modules if n.startswith(("research.demo.", "research.evaluation.demo", "diffusers"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    assert command.main(["demo", str(tmp_path)]) == 1
    assert "demo: diffusers is not installed, and the demo's models need it" in capsys.readouterr().err
