"""One region drawn anew: its mask, and that nothing outside of it changes."""

import json

import pytest
import torch
from graph import CELLS, PIXELS

BOXES = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.25, 1.0, 0.75]]


def document(graph):
    described = [{"box": box, "description": f"thing {i}"} for i, box in enumerate(BOXES)]
    text = json.dumps({"version": 1, "width": PIXELS, "height": PIXELS, "regions": described})
    return graph.node("DEIGRegions", regions=text)[0]


@pytest.mark.parametrize("grow", [0, 8])
def test_the_mask_is_the_box_and_what_it_grows_by(graph, grow):
    (mask,) = graph.node("DEIGRegionMask", regions=document(graph), region=2, grow=grow)
    assert mask.shape == (1, PIXELS, PIXELS)
    inside = mask[0, 32 - grow : 96 + grow, 64 - grow :]
    assert inside.min() == 1 and mask.sum() == inside.numel()


def test_only_that_region_is_drawn_anew(graph):
    texts, model = graph.encode(document(graph)), graph.apply()
    first = graph.sample(model, *texts)
    (mask,) = graph.node("DEIGRegionMask", regions=document(graph), region=2, grow=0)
    (masked,) = graph.node("SetLatentNoiseMask", samples={"samples": first}, mask=mask)
    again = graph.sample(model, *texts, latent=masked, seed=2)
    half = CELLS // 2
    changed = (again - first).abs()[..., CELLS // 4 : 3 * CELLS // 4, half:]
    assert changed.max() > 1e-2
    rest = (again - first).abs()
    rest[..., CELLS // 4 : 3 * CELLS // 4, half:] = 0
    assert rest.max() < 1e-5


def test_a_region_that_is_not_there(graph):
    with pytest.raises(ValueError, match=r"there is no region 3 among 2: choose a number up to 2\.$"):
        graph.node("DEIGRegionMask", regions=document(graph), region=3, grow=0)
    with pytest.raises(ValueError, match=r"draw a box first\.$"):
        graph.node("DEIGRegionMask", regions=graph.regions([]), region=1, grow=0)


@pytest.mark.parametrize("grow", [0, 5])
def test_a_region_with_a_mask_is_its_mask_and_not_the_box_around_it(graph, grow):
    """A triangle, which every node gives alike."""
    drawn = torch.ones(64, 64).tril()[None]
    regions = graph.node("DEIGRegionsFromMasks", masks=drawn, descriptions="a sail")[0]
    (mask,) = graph.node("DEIGRegionMask", regions=regions, region=1, grow=grow)
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    assert torch.equal(mask[0], (columns <= rows + 2 * grow).float())
    if not grow:
        assert torch.equal(mask, graph.node("DEIGRegionsToBoxes", regions=regions)[2])


def moving(graph, *keys, box=(0, 0, 0.25, 0.25)):
    region = {"box": list(box), "description": "a cat", "keyframes": [{"frame": f, "box": list(b)} for f, b in keys]}
    return graph.regions([region, {"box": [0, 0.5, 0.5, 1], "description": "a wall"}])


def columns(mask):
    """First and last column that is white, for each frame."""
    return [(int(c.nonzero().min()), int(c.nonzero().max())) if c.any() else None for c in mask.any(1)]


def test_a_region_that_moves_has_a_mask_for_each_frame(graph):
    """From beyond the picture's left edge to its right half; the document's own box is of no frame."""
    regions = moving(graph, (0, (-0.5, 0, -0.25, 0.25)), (3, (0.25, 0, 0.5, 0.25)))
    (mask,) = graph.node("DEIGRegionMask", regions=regions, region=1, grow=0)
    quarter = PIXELS // 4
    path = [None, None, (0, quarter - 1), (quarter, 2 * quarter - 1)]
    assert mask.shape == (4, PIXELS, PIXELS) and columns(mask) == path
    (longer,) = graph.node("DEIGRegionMask", regions=regions, region=1, grow=0, frames=6)
    assert columns(longer) == [*path, path[-1], path[-1]], "after the last key nothing changes"
    assert len(graph.node("DEIGRegionMask", regions=regions, region=2, grow=0, frames=6)[0]) == 1


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([(0, (1.2, 0, 1.5, 0.5)), (3, (2, 0, 2.3, 0.5))], "in none of 4 frames in the picture"),
        ([(0, (0, 0, 0.5, 0.5)), (5000, (0.5, 0, 1, 0.5))], "set frames"),
    ],
)
def test_a_region_of_which_no_mask_can_be_made(graph, keys, words):
    with pytest.raises(ValueError, match=words):
        graph.node("DEIGRegionMask", regions=moving(graph, *keys), region=1, grow=0)


def test_boxes_of_regions_that_move_are_of_one_frame(graph):
    regions = moving(graph, (0, (0.5, 0.5, 1, 1)), (2, (1.5, 0.5, 2, 1)))
    quarter = PIXELS // 4
    for frame, left in ((0, 2 * quarter), (2, None)):
        made = graph.output("DEIGRegionsToBoxes", regions=regions, frame=frame)
        (boxes,), _, masks, texts = made.args
        notes = " ".join(made.ui["deig_notes"])
        assert f"(1) are given as they are in frame {frame}" in notes
        if left is None:
            assert texts == "a wall" and "Region 1 has no pixel in the picture" in notes
        else:
            assert boxes[0]["x"] == left and columns(masks)[0] == (left, PIXELS - 1) and texts == "a cat\na wall"
