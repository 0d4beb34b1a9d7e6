"""Boxes of every frame as regions that move: nothing is further from its box than allowed, nothing shows when gone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.regions.keyframes import box_at
from deig_core.regions.tracks import MISSED, Track, chosen, keyframes, link, longest, moving_regions, of_masks, unpacked


def at(x, y=0.2, side=0.2):
    return x, y, x + side, y + side


@settings(max_examples=150)
@given(
    st.dictionaries(st.integers(0, 30), st.tuples(st.floats(0, 0.7), st.floats(0, 0.7)), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.01, 0.2]),
)
def test_keys_stay_within_the_tolerance_and_hide_what_is_not_there(corners, tolerance):
    boxes = {frame: at(*corner) for frame, corner in corners.items()}
    keys = keyframes(boxes, 31, tolerance)
    assert [key.frame for key in keys] == sorted({key.frame for key in keys})
    for frame in range(31):
        box = box_at(keys, frame)
        if frame in boxes:
            assert max(abs(a - b) for a, b in zip(box, boxes[frame], strict=True)) <= tolerance + 1e-9
        shows = box[0] < box[2]
        assert shows == (min(boxes) <= frame <= max(boxes))


def test_a_straight_way_needs_two_keys():
    boxes = {frame: at(0.02 * frame) for frame in range(20)}
    assert [key.frame for key in keyframes(boxes, 20, 1e-6)] == [0, 19]


def test_things_keep_their_names_and_places():
    cat, dog = ([at(0.01 * f, y) for f in range(12)] for y in (0.1, 0.15))
    frames = [
        [("cat", c), ("dog", d)] if f % 2 else [("dog", d), ("cat", c)]
        for f, (c, d) in enumerate(zip(cat, dog, strict=True))
    ]
    tracks = {track.name: track for track in link(frames)}
    assert tracks["cat"].boxes == dict(enumerate(cat)) and tracks["dog"].boxes == dict(enumerate(dog))


def test_two_of_one_name_are_told_apart_by_place():
    left, right = ([at(x + 0.005 * f) for f in range(9)] for x in (0.0, 0.6))
    tracks = link([[("cat", b), ("cat", a)] for a, b in zip(left, right, strict=True)])
    assert sorted(t.boxes[8][0] for t in tracks) == pytest.approx([0.04, 0.64])


def test_one_that_is_missed_for_a_while_is_the_same_and_for_longer_another():
    def frames(missed):
        return [[("cat", at(0.1))], *[[]] * missed, [("cat", at(0.1))]]

    assert [sorted(t.boxes) for t in link(frames(MISSED))] == [[0, MISSED + 1]]
    assert [sorted(t.boxes) for t in link(frames(MISSED + 1))] == [[0], [MISSED + 2]]
    assert len(link([[("cat", at(0.0))], [("cat", at(0.7))]])) == 2, "a thing does not jump"


def test_descriptions_replace_names_and_the_longest_are_kept():
    tracks = [Track("cat", {0: at(0)}), Track("dog", {0: at(0), 1: at(0)}), Track("cow", {3: at(0)})]
    assert [t.name for t in longest(tracks, 2)] == ["cat", "dog"]
    assert chosen(tracks, 1, 2) == (longest(tracks, 2), 0, 1) and chosen(tracks, 2, 2) == ([tracks[1]], 2, 0)
    regions = moving_regions(tracks, 4, ["", "a brown dog"])
    assert [r.description for r in regions] == ["cat", "a brown dog", "cow"] and regions[0].color != regions[1].color
    with pytest.raises(RegionError, match="4 descriptions and 3 things"):
        moving_regions(tracks, 4, ["a"] * 4)


def test_masks():
    masks = torch.zeros(3, 8, 16, dtype=torch.bool)
    masks[1, 2:4, 8:12] = True
    (track,) = of_masks(masks)
    assert track.boxes == {1: (0.5, 0.25, 0.75, 0.5)} and of_masks(masks[:1]) == []
    bits = masks.view(3, 8, 2, 8).to(torch.uint8) * torch.tensor([1 << i for i in range(8)], dtype=torch.uint8)
    assert torch.equal(unpacked(bits.sum(-1).to(torch.uint8)), masks)
