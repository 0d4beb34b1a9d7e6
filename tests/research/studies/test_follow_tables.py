"""The studies of overlap, small things and the schedule: what they draw is what their tables say."""

import pytest
import torch
from PIL import Image

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")

from deig_core.call import RowGroup, ground
from deig_core.demo import files
from deig_core.layout.window import Window
from deig_core.model.extractor import Extractor
from research.demo.generate import LATENT
from research.demo.render import render
from research.demo.scorer import Classifier, iou, judge
from research.demo.world import SIZE, Placed, Scene, Thing
from research.intervals import Estimate
from research.studies import __main__ as studies
from research.studies import follow
from research.studies.curves import Point, Table, costs
from research.studies.overlap import BANDS, Owned, by_cells, pair, shared_pixels
from research.studies.paint import Asked, Painter, document, whole
from research.studies.reuse import Reuse
from research.studies.small import SIDES, THINGS, refined, small_scene


@pytest.fixture(scope="module")
def classifier():
    found = Classifier()
    found.load_state_dict(files.read(files.SCORER))
    return found


@pytest.fixture(scope="module")
def painter():
    return Painter()


def test_pairs_overlap_as_much_as_they_say(classifier):
    for number, low in enumerate(BANDS[:2]):  # pairs that overlap more and can be read are long to find
        scene = pair(number, classifier)
        assert low <= iou(*(placed.box for placed in scene.things)) <= low + 0.1
        assert shared_pixels(render(scene), scene) in (1.0, None)
    assert pair(1, classifier) == scene


def test_small_things_are_small_and_the_scorer_reads_them(classifier):
    scene = small_scene(0, classifier)
    sides = [b - a for p in scene.things for a, b in (p.box[::2], p.box[1::2])]
    assert len(scene.things) == THINGS and SIDES[0] <= min(sides) and max(sides) <= SIDES[1]
    assert all(verdict.passes() for verdict in judge(classifier, render(scene), scene))


def test_denoising_all_of_nothing_again_is_a_picture(painter, classifier):
    """From empty latents, in all steps and everywhere: what the sampler makes."""
    scene = small_scene(0, classifier)
    asked = [Asked(painter.said(document(scene, SIZE)), painter.noise(0, scene, LATENT), whole(LATENT))]
    nothing = torch.zeros(1, 4, LATENT, LATENT)
    again = painter.again(asked, nothing, 1.0, torch.ones(1, 1, 1, 1), steps=3)
    torch.testing.assert_close(again, painter.latents(asked, steps=3), rtol=1e-4, atol=1e-4)
    kept = painter.again(asked, again, 0.5, torch.zeros(1, 1, 1, 1), steps=2)
    torch.testing.assert_close(kept, again, rtol=1e-4, atol=1e-4)


def test_refining_changes_the_things_and_nothing_else(painter, classifier, monkeypatch):
    scene = small_scene(0, classifier)
    regions, plain = document(scene, SIZE), render(scene)[None]
    monkeypatch.setattr(Painter, "again", lambda self, asked, before, *_: torch.zeros_like(before))
    new = refined(painter, plain, [regions], [scene], 0)[0]
    far = torch.ones(SIZE, SIZE, dtype=torch.bool)
    for x0, y0, x1, y1 in (placed.box for placed in scene.things):
        assert abs(new[y0:y1, x0:x1] - plain[0, y0:y1, x0:x1]).max() > 0.05
        far[max(0, y0 - 8) : y1 + 8, max(0, x0 - 8) : x1 + 8] = False
    assert (new[far.numpy()] == plain[0][far.numpy()]).all()


def test_the_command_names_its_studies(capsys):
    assert studies.main([]) == 2 and studies.main(["other"]) == 2
    assert "follow,tokens" in capsys.readouterr().err
    for wrong in (["--layouts", "0"], ["--only", "gates", "--plot", "curves.png"]):
        with pytest.raises(SystemExit):
            follow.main(wrong)


def test_time_and_what_is_right_are_drawn_as_curves(monkeypatch, capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `evaluation`)")
    points = [Point("a curve", f"until {share}", share, share, Estimate(share, 0.0, 1.0)) for share in (1, 0.5)]
    assert [round(1.44 * point.cost, 2) for point in points] == [1.44, 1.22]
    monkeypatch.setattr(follow, "Painter", lambda weights: None)
    for name in ("gates", "reuse"):
        monkeypatch.setitem(follow.TABLES, name, lambda *_: Table(costs(points), points))
    path = tmp_path / "curves.png"
    assert follow.main(["--only", "gates", "reuse", "--jobs", "1", "--plot", str(path)]) == 0
    assert capsys.readouterr().out.count("until 0.5 0.85") == 2
    with Image.open(path) as picture:
        assert picture.format == "PNG"


def test_a_study_says_whose_cells_a_call_s_are(painter):
    boxes = (16, 16, 80, 80), (48, 48, 112, 112)
    scene = Scene(
        tuple(Placed(Thing("star", colour), box) for colour, box in zip(("red", "blue"), boxes, strict=True)), 0
    )
    sides, part = painter.said(document(scene, SIZE)), Window.whole((LATENT, LATENT))
    groups = [RowGroup(1, side, part) for side in (sides.positive, sides.nothing)]
    call = ground(Extractor(painter.adapter), groups, [500.0, 500.0], torch.device("cpu"))
    before, nothing = call.instances((LATENT, LATENT), torch.device("cpu"))
    found, still_nothing = Owned(by_cells, call).instances((LATENT, LATENT), torch.device("cpu"))
    assert still_nothing is nothing and found.tokens is before.tokens
    cells = before.members.reshape(LATENT, LATENT)
    assert (cells[6:10, 6:10] == 3).all() and set(cells.unique().tolist()) == {0, 1, 2, 3}
    assert torch.equal(found.members, torch.where(before.members == 3, 2, before.members))


def test_what_was_added_is_added_again_between_the_steps_that_run():
    ran = []
    reuse = Reuse(2)
    fuser, other = (reuse.around(lambda x, instances, scale: ran.append(scale) or x + scale) for _ in range(2))
    found = []
    for step in range(4):
        reuse.scale(0.0)
        found.append(fuser(torch.zeros(1), [], step + 1.0).item())
    assert ran == [1, 3] and found == [1, 1, 3, 3]
    assert fuser(torch.zeros(2), [], 9.0).tolist() == [9, 9], "another size is no step before"
    assert other(torch.zeros(1), [], 5.0).item() == 5, "another block is no step before"
