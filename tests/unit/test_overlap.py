"""Whose cells are those that regions share: checked against painting the regions over each other, back to front."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import DeigError, RegionError
from deig_core.layout.layout import Layout
from deig_core.layout.masks import region_pixels, shared_membership
from deig_core.layout.notes import region_notes
from deig_core.layout.overlap import membership
from deig_core.layout.window import Window
from deig_core.regions.document import Region, RegionDocument, parse
from deig_core.regions.keyframes import Keyframe
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText, ground_texts, joined

CPU = torch.device("cpu")
LATENT = (6, 9)


@st.composite
def regions(draw):
    def side():
        low, high = sorted(draw(st.lists(st.integers(0, 24), min_size=2, max_size=2, unique=True)))
        return low / 24, high / 24

    found = []
    for i in range(draw(st.integers(1, 5))):
        (x0, x1), (y0, y1) = side(), side()
        region = Region(f"r{i}", (x0, y0, x1, y1), behind=draw(st.booleans()))
        if draw(st.integers(0, 3)) == 0:
            cells = draw(st.lists(st.booleans(), min_size=35, max_size=35))
            mask = torch.tensor(cells).reshape(5, 7)
            region = region.with_mask(mask) if mask.any() else region
        found.append(region)
    return found


def painted(regions, overlap):
    """Pixels that each region has once those in front are painted over it."""
    height, width = (8 * side for side in LATENT)
    pixels = [region_pixels(r, width, height) for r in regions]
    order = sorted(range(len(regions)), key=lambda i: (not regions[i].behind, i if overlap == "front" else 0))
    for place, i in enumerate(order):
        for j in order[place + 1 :]:
            if overlap == "front" or regions[i].behind != regions[j].behind:
                pixels[i] = pixels[i] & ~region_pixels(regions[j], width, height)
    return pixels


@settings(max_examples=150)
@given(regions(), st.sampled_from(["shared", "front"]), st.sampled_from([(6, 9), (3, 5), (2, 3), (1, 2)]))
def test_each_has_the_cells_of_what_is_left_of_it(found, overlap, grid):
    words = membership(found, overlap, LATENT, grid).view(grid)
    for r, (region, pixels) in enumerate(zip(found, painted(found, overlap), strict=True)):
        whole = region_pixels(region, 8 * LATENT[1], 8 * LATENT[0])
        own = replace(region, mask=pixels) if (whole & ~pixels).any() else region
        alone = shared_membership([own], LATENT, grid).view(grid)
        assert torch.equal((words >> r) & 1, alone)


@settings(max_examples=60)
@given(regions())
def test_what_does_not_overlap_or_is_shared_is_as_trained(found):
    plain = [replace(r, behind=False) for r in found]
    assert torch.equal(membership(plain, "shared", LATENT, LATENT), shared_membership(plain, LATENT, LATENT))
    alone = plain[:1]
    assert torch.equal(membership(alone, "front", LATENT, (3, 5)), shared_membership(alone, LATENT, (3, 5)))


def test_the_last_region_of_64_in_front_and_behind():
    found = [Region(f"r{i}", (0, 0, 1, 1)) for i in range(64)]
    assert set(membership(found, "front", (2, 2), (2, 2)).tolist()) == {-(1 << 63)}
    found[63] = replace(found[63], behind=True)
    assert set(membership(found, "shared", (2, 2), (2, 2)).tolist()) == {(1 << 63) - 1}


def test_a_window_shows_its_piece_of_what_is_left():
    layout = Layout((Region("a", (0.1, 0.1, 0.9, 0.9)), Region("b", (0.3, 0.3, 0.7, 0.6))), (), "front")
    whole = layout.members((8, 8), (8, 8), CPU).view(8, 8)
    part = layout.visible(Window((8, 8), (2, 1), (4, 5)))
    assert torch.equal(part.members((4, 5), (4, 5), CPU).view(4, 5), whole[2:6, 1:6])


def test_a_region_that_is_not_there_yet_takes_nothing():
    late = Region("b", (0, 0, 0.5, 1), start=0.5)
    layout, window = Layout((Region("a", (0, 0, 1, 1)), late), (), "front"), Window.whole((2, 2))
    assert layout.visible(window, 951.0).members((2, 2), (2, 2), CPU).tolist() == [[1, 1, 1, 1]]
    assert layout.visible(window, 101.0).members((2, 2), (2, 2), CPU).tolist() == [[2, 1, 2, 1]]


def spoken_bits(words, speaking):
    """The words of a membership of which only some regions are left."""
    return sum((((words >> r) & 1) << bit for bit, r in enumerate(speaking)), torch.zeros_like(words))


def without_a_text(found, speaking):
    """The layout of the regions that speak, with the others silent."""
    silent = tuple((sum(r < i for r in speaking), region) for i, region in enumerate(found) if i not in speaking)
    return Layout(tuple(found[r] for r in speaking), tuple(speaking), "front", silent)


@settings(max_examples=60)
@given(regions(), st.data())
def test_a_region_without_a_text_takes_its_cells_all_the_same(found, data):
    speaking = sorted(data.draw(st.sets(st.sampled_from(range(len(found))), min_size=1)))
    layout, everyone = without_a_text(found, speaking), Layout(tuple(found), (), "front")
    for window in (Window.whole(LATENT), Window(LATENT, (1, 2), (3, 4))):
        part, whole = layout.visible(window), everyone.visible(window)
        shown = [whole.indices.index(speaking[i]) for i in part.indices]
        words = whole.members(window.size, window.size, CPU)
        assert torch.equal(part.members(window.size, window.size, CPU), spoken_bits(words, shown))


def test_a_region_without_a_text_moves_and_comes_and_goes():
    wall = Region("a", (0, 0, 1, 1))
    moving = Region("b", (0, 0, 0.5, 1), keyframes=(Keyframe(0, (0, 0, 0.5, 1)), Keyframe(1, (0.5, 0, 1, 1))))
    layout, window = without_a_text([wall, moving], [0]), Window.whole((2, 2))
    assert layout.moves
    words = [layout.at(f).visible(window).members((2, 2), (2, 2), CPU).tolist() for f in (0, 1)]
    assert words == [[[0, 1, 0, 1]], [[1, 0, 1, 0]]]
    late = without_a_text([wall, Region("b", (0, 0, 0.5, 1), start=0.5)], [0])
    assert late.timed
    words = [late.visible(window, time).members((2, 2), (2, 2), CPU).tolist() for time in (951.0, 101.0)]
    assert words == [[[1, 1, 1, 1]], [[0, 1, 0, 1]]]


def test_what_is_behind_says_its_negative_text_not_in_front_of_itself():
    """Where the front region shows a star, "no star" of the wall behind it would take it away."""
    texts = [{"description": "a wall", "negative": "a star"}, {"description": "a star", "box": [0, 0, 0.5, 1]}]
    source = {"version": 1, "width": 64, "height": 64, "regions": [{"box": [0, 0, 1, 1], **text} for text in texts]}
    found = {}
    for overlap in ("shared", "front"):
        document = parse({**source, "overlap": overlap})
        sides = ground_texts(document, "", "", lambda texts: [TextFeatures.of(torch.zeros(1, 2)) for _ in texts])
        found[overlap] = sides.negative.layout.members((2, 2), (2, 2), CPU).tolist()
        found[f"{overlap}, joined"] = joined([sides.negative] * 2).layout.members((2, 2), (2, 2), CPU).tolist()
    shared, front = ({name: found[name] for name in (o, f"{o}, joined")} for o in ("shared", "front"))
    assert shared == {"shared": [[1, 1, 1, 1]], "shared, joined": [[3, 3, 3, 3]]}
    assert front == {"front": [[0, 1, 0, 1]], "front, joined": [[0, 2, 0, 2]]}


def test_documents():
    source = {"version": 1, "width": 64, "height": 64, "overlap": "front"}
    source["regions"] = [{"box": [0, 0, 1, 1], "behind": True}]
    read = parse(source)
    assert (read.overlap, read.regions[0].behind) == ("front", True)
    assert parse(read.to_dict()).to_dict() == read.to_dict() and read.to_dict()["overlap"] == "front"
    plain = parse({**source, "overlap": "shared", "regions": [{"box": [0, 0, 1, 1]}]}).to_dict()
    assert "overlap" not in plain and "behind" not in plain["regions"][0]
    for changed in ({"overlap": "back"}, {"overlap": None}, {"overlap": []}):
        with pytest.raises(RegionError, match=r'"overlap" is .*; it must be "shared" or "front"'):
            parse({**source, **changed})
    with pytest.raises(RegionError, match='Region 1: "behind" must be true or false'):
        parse({**source, "regions": [{"box": [0, 0, 1, 1], "behind": 1}]})


def test_joined_texts_agree_on_what_overlaps():
    def text(overlap, *regions):
        features = TextFeatures.of(torch.zeros(1, 2))
        return GroundedText(features, Layout(regions, (), overlap), (features,) * len(regions))

    region = Region("a", (0, 0, 1, 1))
    assert joined([text("front", region), text("shared"), text("front", region)]).layout.overlap == "front"
    with pytest.raises(DeigError, match="overlap"):
        joined([text("front", region), text("shared", region)])


def test_a_region_of_which_nothing_is_left_is_said():
    def said(overlap, **more):
        boxes = [(0, 0, 0.4, 0.4), (0, 0, 0.3, 0.4), (0.2, 0, 0.5, 1)]
        found = [Region(f"r{i}", box, "a cat", **(more if i == 2 else {})) for i, box in enumerate(boxes)]
        return region_notes(RegionDocument(512, 512, tuple(found), overlap=overlap))

    assert said("shared") == [] and said("front", behind=True) == []
    assert said("front") == ["Region 1 lies wholly behind others and cannot show."]
    assert said("front", enabled=False) == []
