"""The study of tiles: its pictures are what it says, and a thing is judged as in a small picture."""

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")

from deig_core.demo import files
from research.demo.render import background, render
from research.demo.scorer import Classifier, judge
from research.demo.world import GAP, Placed, Scene, draw_scene
from research.studies.tiles import CUT, LARGE, SIZE, judge_large, large_scene, small_scenes


def test_every_thing_stands_alone_and_whole_in_some_tile():
    for number in range(4):
        scene = large_scene(number)
        assert [p.thing for p in scene.things] == [p.thing for s in small_scenes(number) for p in s.things]
        for i, (x0, y0, x1, y1) in enumerate(p.box for p in scene.things):
            assert 0 <= x0 < x1 <= LARGE and 0 <= y0 < y1 <= LARGE
            tiles = [(8 * w.offset[1], 8 * w.offset[0]) for w in CUT]
            assert any(x <= x0 and x1 <= x + SIZE and y <= y0 and y1 <= y + SIZE for x, y in tiles)
            for a0, b0, a1, b1 in (p.box for p in scene.things[:i]):
                assert x0 >= a1 + GAP or a0 >= x1 + GAP or y0 >= b1 + GAP or b0 >= y1 + GAP


def test_a_thing_is_judged_as_in_a_small_picture():
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER))
    small = draw_scene(30_000_001, 3)
    picture = np.tile(background(small.seed), (2, 2, 1))
    picture[SIZE:, :SIZE] = render(small)
    moved = tuple(Placed(p.thing, (p.box[0], p.box[1] + SIZE, p.box[2], p.box[3] + SIZE)) for p in small.things)
    found = judge_large(classifier, picture, Scene(moved, 0))
    expected = judge(classifier, render(small), small)
    assert [v.found for v in found] == [v.found for v in expected] and all(v.passes() for v in expected)
    assert [v.iou for v in found] == pytest.approx([v.iou for v in expected], abs=0.02)
