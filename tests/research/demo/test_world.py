"""The demo's world can be drawn, described, told apart and judged."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="scipy is not installed (ComfyUI brings it)")
from research.demo.render import RGB, background, pattern_share, render
from research.demo.report import MEASURES, measured
from research.demo.scorer import ANSWERS, Verdict, find_objects, iou
from research.demo.world import GAP, SIZE, Placed, Scene, Thing, draw_scene, every_thing

seeds = st.integers(0, 2**31)


def apart(a, b):
    return a[0] >= b[2] + GAP or b[0] >= a[2] + GAP or a[1] >= b[3] + GAP or b[1] >= a[3] + GAP


@settings(max_examples=60)
@given(seeds, st.integers(1, 5))
def test_objects_lie_inside_the_picture_and_never_touch(seed, count):
    boxes = [p.box for p in draw_scene(seed, count).things]
    assert len(boxes) == count
    assert all(0 <= x0 < x1 <= SIZE and 0 <= y0 < y1 <= SIZE for x0, y0, x1, y1 in boxes)
    assert all(apart(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


@settings(max_examples=40)
@given(seeds)
def test_a_scene_is_a_function_of_its_seed(seed):
    assert draw_scene(seed) == draw_scene(seed)
    assert draw_scene(seed) != draw_scene(seed + 1)


def test_every_description_means_one_thing():
    things = every_thing()
    assert len({t.describe() for t in things}) == len(things) == 7440
    assert all(len({t.colour, t.second, t.outline} - {None}) == t.attributes for t in things)


def test_what_is_drawn_is_found_where_it_is():
    def found_as_drawn(scene):
        found = find_objects(render(scene))
        return len(found) == len(scene.things) and all(max(iou(p.box, f) for f in found) > 0.8 for p in scene.things)

    # About one scene in 700 has a thing that the background's own colour cuts in two.
    assert sum(found_as_drawn(draw_scene(seed)) for seed in range(120)) >= 119


@settings(max_examples=20)
@given(seeds)
def test_nothing_is_found_where_nothing_is(seed):
    assert find_objects(background(seed)) == []


@pytest.mark.parametrize("pattern", ["stripes", "dots", "checks"])
def test_the_second_colour_is_clearly_the_smaller_share(pattern):
    assert 0.2 < pattern_share(pattern).mean() < 0.3


def test_colours_are_well_apart():
    colours = np.array(list(RGB.values()))
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert distances[~np.eye(len(colours), dtype=bool)].min() > 0.4


def test_the_scorer_does_not_take_noise_for_an_object_of_the_layout():
    scene = draw_scene(5)
    noise = np.random.default_rng(0).random((SIZE, SIZE, 3)).astype(np.float32)
    assert all(max((iou(p.box, f) for f in find_objects(noise)), default=0) < 0.5 for p in scene.things)


def verdict(**changes):
    thing = Thing("star", "red", "dots", "blue", "white")
    found = {name: getattr(thing, name) for name in ANSWERS} | {k: v for k, v in changes.items() if k != "iou"}
    return Verdict(Placed(thing, (0, 0, 50, 50)), changes.get("iou", 0.9), found)


@pytest.mark.parametrize(
    "change",
    [{"iou": 0.49}, {"shape": "heart"}, {"colour": None}, {"pattern": None}, {"second": "green"}, {"outline": "black"}],
)
def test_one_thing_wrong_fails_the_instance(change):
    assert verdict().passes() and not verdict(**change).passes()


def test_an_attribute_nobody_asked_for_fails_too():
    plain = Thing("star", "red")
    found = {name: getattr(plain, name) for name in ANSWERS}
    assert Verdict(Placed(plain, (0, 0, 50, 50)), 1.0, found).passes()
    assert not Verdict(Placed(plain, (0, 0, 50, 50)), 1.0, found | {"outline": "blue"}).passes()


def test_the_table_counts_instances_and_its_interval_holds_the_value():
    scenes = [[verdict(), verdict(iou=0.1)], [verdict()], [verdict(shape="heart", iou=0.6)]]
    found = measured(scenes)
    assert found["all"][0] == pytest.approx(2 / 4) and found["mIoU"][0] == pytest.approx((0.9 + 0.1 + 0.9 + 0.6) / 4)
    assert found["shape"][0] == pytest.approx(3 / 4)
    assert all(low <= value <= high for value, low, high in found.values())
    assert found.keys() == MEASURES.keys()


def test_a_caption_names_every_object():
    scene = Scene(
        (
            Placed(Thing("star", "blue", "dots", "yellow", "white"), (0, 0, 60, 60)),
            Placed(Thing("circle", "red"), (70, 70, 110, 110)),
        ),
        0,
    )
    assert scene.caption() == "a blue star with yellow dots and a white outline, a red circle"
    assert torch.tensor(scene.boxes()).dtype == torch.float64
