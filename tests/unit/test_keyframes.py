"""Regions over time: keyframes, boxes between them, frames as rows of a batch; shares of the schedule."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.call import RowGroup, ground
from deig_core.errors import RegionError
from deig_core.layout.layout import Layout
from deig_core.layout.masks import box_pixels
from deig_core.layout.window import Window, crop_document
from deig_core.model.config import DeigConfig
from deig_core.model.extractor import Extractor
from deig_core.model.untrained import untrained_adapter
from deig_core.regions.document import Region, RegionDocument, parse
from deig_core.regions.keyframes import Keyframe, StrengthKey, box_at
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText

CPU = torch.device("cpu")
MOVING = [{"frame": 8, "box": [0.5, 0.5, 1.5, 1.0]}, {"frame": 0, "box": [0.0, 0.0, 0.5, 0.5]}]


def document(keyframes, **values):
    region = {"box": [0, 0, 0.5, 0.5], "keyframes": keyframes, **values}
    return json.dumps({"version": 1, "width": 512, "height": 512, "regions": [region]})


@st.composite
def keys(draw):
    frames = sorted(draw(st.sets(st.integers(0, 30), min_size=1, max_size=4)))
    spans = [[sorted((draw(st.floats(-1, 2)), draw(st.floats(-1, 2)))) for _ in range(2)] for _ in frames]
    return tuple(Keyframe(f, (x[0], y[0], x[1] + 0.05, y[1] + 0.05)) for f, (x, y) in zip(frames, spans, strict=True))


class TestDocuments:
    def test_they_survive_a_round_trip_in_the_order_of_their_frames(self):
        read = parse(document(MOVING, note="kept"))
        assert [key.frame for key in read.regions[0].keyframes] == [0, 8]
        again = parse(read.to_json())
        assert again.regions[0].keyframes == read.regions[0].keyframes and again.regions[0].extra == {"note": "kept"}
        assert "keyframes" not in read.regions[0].at(0).extra

    @pytest.mark.parametrize(("keyframes", "message"), [
        ([], "a list of 1 to 4096"),
        ({"frame": 0}, "a list of 1 to 4096"),
        ([{"box": [0, 0, 1, 1]}], 'a whole "frame"'),
        ([{"frame": 1.5, "box": [0, 0, 1, 1]}], 'a whole "frame"'),
        ([{"frame": -1, "box": [0, 0, 1, 1]}], 'a whole "frame"'),
        ([7], 'a whole "frame"'),
        ([{"frame": 3, "box": [0, 0, 1]}], "keyframe 3 must be four numbers"),
        ([{"frame": 3, "box": [0, 0, 1, True]}], "keyframe 3 must be four numbers"),
        ([{"frame": 3, "box": [0, 0, 1, 1e99]}], "keyframe 3 must be four numbers"),
        ([{"frame": 3, "box": [0, 0, 1, 10**400]}], "keyframe 3 must be four numbers"),
        ([{"frame": 3, "box": [0.5, 0, 0.5, 1]}], "keyframe 3 has x1 <= x0"),
        ([*MOVING, MOVING[0]], "frame 8 twice"),
    ])  # fmt: skip
    def test_what_is_no_keyframe_is_refused_by_name(self, keyframes, message):
        with pytest.raises(RegionError, match=message) as error:
            parse(document(keyframes))
        assert str(error.value).startswith("Region 1: ") and str(error.value).endswith(".")

    def test_a_mask_does_not_move(self):
        (region,) = parse(document(MOVING)).regions
        with pytest.raises(RegionError, match="keyframes and a mask"):
            region.with_mask(torch.ones(8, 8, dtype=torch.bool))


class TestBoxes:
    def test_straight_between_and_still_outside(self):
        found = [
            box_at((Keyframe(2, (0.0, 0.0, 0.2, 0.2)), Keyframe(6, (0.4, 0.8, 0.6, 1.0))), f) for f in range(0, 9, 2)
        ]
        assert found[0] == found[1] == (0.0, 0.0, 0.2, 0.2) and found[3] == found[4] == (0.4, 0.8, 0.6, 1.0)
        assert found[2] == pytest.approx((0.2, 0.4, 0.4, 0.6))

    @settings(max_examples=60)
    @given(keys(), st.integers(0, 32), st.tuples(*[st.integers(0, 40)] * 2), st.tuples(*[st.integers(8, 40)] * 2))
    def test_cutting_and_moving_are_one_in_either_order(self, moving, frame, offset, size):
        """Inside of the picture; beyond it, what moves goes on."""
        whole = RegionDocument(80, 80, (Region("a", (0, 0, 1, 1), keyframes=moving),))
        still = RegionDocument(80, 80, (Region("a", box_at(moving, frame)),))
        cut = [r.at(frame) for r in crop_document(whole, *offset, *size).regions]
        found = [box_pixels(r.box, *size) for r in cut] or [None]
        expected = [box_pixels(r.box, *size) for r in crop_document(still, *offset, *size).regions] or [None]
        if None in (*found, *expected):  # what is left is at most a pixel wide
            (shown,) = [b for b in (*found, *expected) if b] or [(0, 0, 0, 0)]
            assert min(shown[2] - shown[0], shown[3] - shown[1]) <= 1
        else:
            assert max(abs(a - b) for a, b in zip(found[0], expected[0], strict=True)) <= 1


def test_rows_of_a_batch_are_frames():
    """And what does not move, or is not there in a frame, is as in a batch of that frame alone."""
    sizes = {"layers": 1, "heads": 2, "time_channels": 8, "time_dim": 16, "hidden": 16, "position_hidden": 16}
    adapter = untrained_adapter(DeigConfig(text_dim=8, width=16, tokens=2, **sizes), 0)
    texts = [TextFeatures.of(torch.randn(4, 8, generator=torch.Generator().manual_seed(i))) for i in range(3)]
    moving = (Keyframe(0, (0.0, 0.0, 0.5, 0.5)), Keyframe(2, (1.0, 0.5, 1.5, 1.0)))
    leaving = (Keyframe(2, (0.2, 0.2, 0.7, 0.9)), Keyframe(3, (1.2, 0.2, 1.7, 0.9)))
    regions = (
        Region("a", (0, 0, 0.5, 0.5), keyframes=moving, strength=0.5),
        Region("b", (0.2, 0.2, 0.7, 0.9), keyframes=leaving),
    )
    text = GroundedText(texts[0], Layout(regions), tuple(texts[1:]))
    window = Window.whole((8, 8))
    group = RowGroup(4, text, window, frames=(0, 1, 2, 3))
    (together,) = ground(Extractor(adapter), [group], [5.0] * 4, CPU).groups
    assert [layout.indices for layout in together.layouts] == [(0, 1), (0, 1), (1,), ()]
    assert not together.members((8, 8), CPU)[3].any()
    assert together.layouts[1] is text.layout.at(1).visible(window), "remembered"
    for frame in range(3):  # in the fourth there is nothing
        layout = Layout(tuple(r.at(frame) for r in regions))
        (alone,) = ground(
            Extractor(adapter), [RowGroup(1, GroundedText(texts[0], layout, text.descriptions), window)], [5.0], CPU
        ).groups
        count = alone.tokens.shape[1]
        assert torch.allclose(together.tokens[frame, :count], alone.tokens[0], atol=1e-6)
        assert torch.equal(together.members((8, 8), CPU)[frame], alone.members((8, 8), CPU)[0])
        bias = torch.zeros(1, len(layout.visible(window).regions)) if alone.bias is None else alone.bias
        assert torch.equal(together.bias[frame, : bias.shape[1]], bias[0])


def test_what_stands_still_shares_everything():
    layout = Layout((Region("a", (0, 0, 1, 1)),))
    group = RowGroup(3, GroundedText(None, layout, ()), Window.whole((8, 8)), frames=(0, 1, 2))
    assert group.layouts() == (layout.visible(Window.whole((8, 8))),)


def test_a_region_is_there_in_its_share_of_the_schedule_alone():
    """At the other timesteps all is as without it."""
    early, late = (Region(n, (0, 0, 1, 1), start=s, end=e) for n, s, e in (("a", 0.0, 0.5), ("b", 0.5, 1.0)))
    layout, window = Layout((early, Region("c", (0, 0, 1, 1)), late)), Window.whole((8, 8))
    assert layout.visible(window, 901.0).indices == (0, 1) and layout.visible(window, 101.0).indices == (1, 2)
    assert layout.visible(window, 501.0).indices == (0, 1), "the step that completes half is early's last"
    assert layout.visible(window).indices == (0, 1, 2)
    group = RowGroup(2, GroundedText(None, layout, ()), window)
    assert [seen.indices for seen in group.layouts([901.0, 101.0])] == [(0, 1), (1, 2)]
    assert len(RowGroup(2, GroundedText(None, Layout((layout.regions[1],)), ()), window).layouts([901.0, 101.0])) == 1


def test_shares_in_a_document():
    def read(**values):
        region = {"box": [0, 0, 1, 1], **values}
        return parse({"version": 1, "width": 64, "height": 64, "regions": [region]})

    assert parse(read(start=0.25, end=0.75).to_json()).regions[0].start == 0.25
    assert not {"start", "end", "keyframes"} & set(read().to_dict()["regions"][0])
    for values, message in (
        ({"start": -0.1}, '"start" is -0.1; a share'),
        ({"end": 1.5}, '"end" is 1.5; a share'),
        ({"start": "x"}, '"start" must be a finite number'),
        ({"start": 0.5, "end": 0.5}, "never there"),
    ):
        with pytest.raises(RegionError, match=message):
            read(**values)


def test_a_strength_over_the_schedule():
    keys = [{"at": 0.75, "strength": 2}, {"at": 0.25, "strength": 1.0}]
    document = {"version": 1, "width": 8, "height": 8, "regions": [{"box": [0, 0, 1, 1], "strengths": keys}]}
    (region,) = parse(document).regions
    assert parse(document).to_dict()["regions"][0]["strengths"] == keys[::-1]
    # A step at timestep t completes 1 - (t - 1) / 1000 of the schedule.
    strengths = [region.strength_at(1 + 1000 * (1 - share)) for share in (0.05, 0.25, 0.5, 0.75, 1.0)]
    assert strengths == pytest.approx([1, 1, 1.5, 2, 2])
    layout, window = Layout((region, Region("plain", (0, 0, 1, 1)))), Window.whole((8, 8))
    assert layout.visible(window, 501.0).bias(CPU)[0].tolist() == pytest.approx([math.log(1.5), 0])
    assert layout.visible(window).bias(CPU) is None, "asked without a time, as a reader without this key has it"


def test_a_strength_that_changes_leaves_all_else_known():
    """Membership and boxes are not worked out in every step because the strength differs in each."""
    fading = Region("a", (0, 0, 0.5, 1), strengths=(StrengthKey(0.0, 1.0), StrengthKey(1.0, 0.5)))
    layout, window = Layout((fading, Region("b", (0.5, 0, 1, 1)))), Window.whole((8, 8))
    early, late = (layout.visible(window, timestep) for timestep in (701.0, 301.0))
    assert early.members((8, 8), (4, 4), CPU) is late.members((8, 8), (4, 4), CPU)
    assert early.boxes(CPU) is late.boxes(CPU)
    assert early.bias(CPU)[0].tolist() == pytest.approx([math.log(0.85), 0])
    assert late.bias(CPU)[0].tolist() == pytest.approx([math.log(0.65), 0])


def test_off_over_the_schedule_is_exactly_off():
    keys = [{"at": 0.5, "strength": 1}, {"at": 0.6, "strength": 0}]
    document = {"version": 1, "width": 8, "height": 8, "regions": [{"box": [0, 0, 1, 1], "strengths": keys}]}
    (region,) = parse({**document, "regions": [{**document["regions"][0], "end": 0.55}]}).regions
    layout, window = Layout((region,)), Window.whole((8, 8))
    assert [len(layout.visible(window, t).regions) for t in (601.0, 461.0, 441.0, 101.0)] == [1, 1, 0, 0]
    (region,) = parse(document).regions
    assert [len(Layout((region,)).visible(window, t).regions) for t in (441.0, 401.0, 101.0)] == [1, 0, 0]
    assert (
        region.visible
        and not parse({**document, "regions": [{"box": [0, 0, 1, 1], "strengths": [{"at": 0, "strength": 0}]}]})
        .regions[0]
        .visible
    )


@pytest.mark.parametrize(
    ("strengths", "words"),
    [
        ([], "must be a list of 1 to"),
        ({"at": 0, "strength": 1}, "must be a list of 1 to"),
        ([{"at": 1.5, "strength": 1}], "a share of the schedule"),
        ([{"at": 0.5, "strength": -1}], "a share of the schedule"),
        ([{"at": True, "strength": 1}], "a share of the schedule"),
        ([{"at": 0.5, "strength": 10**400}], "a share of the schedule"),
        ([[0.5, 1]], "a share of the schedule"),
        ([{"at": 0.5, "strength": 1}, {"at": 0.5, "strength": 2}], "at 0.5 twice"),
    ],
)
def test_strengths_that_are_none(strengths, words):
    with pytest.raises(RegionError, match=words):
        parse({"version": 1, "width": 8, "height": 8, "regions": [{"box": [0, 0, 1, 1], "strengths": strengths}]})
