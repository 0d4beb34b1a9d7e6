"""DEIG Regions from Frames: what detectors and trackers give for a batch of pictures."""

import json

import pytest
import torch
from graph import PIXELS

INPUTS = {"width": 128, "height": 64, "descriptions": "", "tolerance": 0.5, "at_least": 2}


def found(x, label="cat"):
    """A detection as core has it, a BOUNDING_BOX in pixels."""
    return {"x": x, "y": 16, "width": 32, "height": 32, "label": label, "score": 0.9}


def read(graph, **more):
    return graph.node("DEIGRegionsFromFrames", **{**INPUTS, **more})


def test_a_detectors_frames(graph):
    frames = [[found(8 * f), *([found(90, "bird")] if f == 2 else [])] for f in range(5)]
    document, width, height, count = read(graph, boxes=frames)
    assert (width, height, count) == (128, 64, 5)
    (cat,) = document.regions
    assert cat.description == "cat" and [k.frame for k in cat.keyframes] == [0, 4]
    assert cat.at(2).box == (16 / 128, 0.25, 48 / 128, 0.75)
    both = read(graph, boxes=json.dumps(frames), at_least=1, descriptions="a black cat")[0]
    assert [r.description for r in both.regions] == ["a black cat", "bird"]
    bird = both.regions[1]
    assert [bird.at(f).box[0] < bird.at(f).box[2] for f in range(5)] == [False, False, True, False, False]


def test_each_picture_of_a_batch_has_its_frame(graph, runs):
    document = read(graph, boxes=[[found(8 * f)] for f in range(4)], width=PIXELS, height=PIXELS)[0]
    graph.sample(graph.apply(), *graph.encode(document), steps=1, batch=4)
    (group,) = [g for g in runs[0] if g.text.layout.regions]
    assert group.frames == (0, 1, 2, 3)


def test_masks_and_tracks_of_sam(graph):
    masks = torch.zeros(4, 64, 128)
    for frame in range(4):
        masks[frame, 16:48, 8 * frame : 8 * frame + 32] = 1
    (region,) = read(graph, masks=masks, descriptions="a fish")[0].regions
    assert region.description == "a fish" and region.at(3).box == (24 / 128, 0.25, 56 / 128, 0.75)
    bits = masks.view(4, 1, 64, 16, 8).to(torch.uint8) * torch.tensor([1 << i for i in range(8)], dtype=torch.uint8)
    track = {"packed_masks": bits.sum(-1).to(torch.uint8), "orig_size": (64, 128), "n_frames": 4}
    (tracked,) = read(graph, track=track, descriptions="a fish")[0].regions
    assert tracked.keyframes == region.keyframes


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "connect one of them"),
        ({"boxes": [[found(0)]], "masks": torch.ones(1, 8, 8)}, "connect one of them"),
        ({"boxes": [found(0), found(8)]}, "boxes of one picture are for"),
        ({"boxes": "[[0, 0, 8, 8]]"}, "boxes of one picture are for"),
        ({"boxes": "no boxes"}, "boxes of one picture are for"),
        ({"boxes": [[found(0)], [], []]}, "Nothing is seen in 2 or more of the 3 frames"),
        ({"boxes": [[found(0)], [[0, 0, "a", 1]]]}, "Frame 1"),
        ({"boxes": [[found(0)]] * 2, "descriptions": "a\nb"}, "2 descriptions and 1 things"),
        ({"masks": torch.zeros(2, 8, 8)}, "Nothing is seen"),
        ({"track": {"packed_masks": None, "n_frames": 3}}, "Nothing is seen in 2 or more of the 3 frames"),
        ({"track": [1]}, "track_data"),
    ],
)
def test_what_cannot_be_followed_is_said(graph, inputs, words):
    with pytest.raises(ValueError, match=words):
        read(graph, **inputs)
