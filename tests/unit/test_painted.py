"""Painted masks: what a document keeps of them, and what becomes of it over the whole picture."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.layout.masks import shared_membership
from deig_core.regions.document import RegionDocument, parse
from deig_core.regions.painted import MAX_GRID, decode, encode, mask_bounds, over_picture

SHARED = json.loads((Path(__file__).parents[1] / "data" / "document.json").read_text(encoding="utf-8"))


def document(box, mask, **more):
    return {"version": 2, "width": 512, "height": 512, "regions": [{"box": box, "mask": mask}], **more}


@st.composite
def masks(draw, most=24):
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    cells = torch.tensor(draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width)))
    cells[draw(st.integers(0, height * width - 1))] = True
    return cells.reshape(height, width)


@pytest.mark.parametrize("case", SHARED["masks"], ids=lambda case: case["name"])
def test_the_masks_that_the_editor_writes(case):
    mask = decode(case["mask"], "Region 1")
    if "rows" in case:
        assert ["".join(".#"[c] for c in row) for row in mask.int().tolist()] == case["rows"]
    assert encode(mask) == {**case["mask"], "runs": case.get("shorter", case["mask"]["runs"])}


@pytest.mark.parametrize("mask", SHARED["bad_masks"], ids=str)
def test_what_is_no_mask_is_refused_with_the_regions_name(mask):
    with pytest.raises(RegionError, match="Region 1"):
        parse(document([0, 0, 1, 1], mask))


@given(masks())
def test_encoding_loses_nothing(mask):
    kept = encode(mask)
    assert torch.equal(decode(json.loads(json.dumps(kept)), "mask"), mask)
    assert len(kept["runs"]) <= mask.numel() + 1


def test_a_mask_finer_than_the_grid_is_kept_coarser_and_loses_no_part():
    mask = torch.zeros(3 * MAX_GRID, 2, dtype=torch.bool)
    mask[700, 1] = True
    kept = decode(encode(mask), "mask")
    assert kept.shape == (MAX_GRID, 2)
    assert kept.nonzero().tolist() == [[700 // 3, 1]]


@given(masks(), st.floats(0, 0.8), st.floats(0, 0.8), st.integers(8, 96), st.integers(8, 96))
def test_over_the_picture_each_pixel_is_the_cell_at_its_middle(mask, x0, y0, width, height):
    box = (x0, y0, x0 + 0.2, y0 + 0.2)
    whole = over_picture(mask, box, width, height)
    assert whole.shape == (height, width) and whole.any()
    if whole.sum() == 1:  # a mask between two middles has one pixel all the same
        return
    for row, column in whole.nonzero().tolist():
        y, x = (row + 0.5) / height, (column + 0.5) / width
        assert box[0] <= x < box[2] and box[1] <= y < box[3]
        assert mask[int((y - y0) / (box[3] - y0) * mask.shape[0]), int((x - x0) / (box[2] - x0) * mask.shape[1])]


def test_a_large_picture_costs_no_more_than_a_small_one():
    assert over_picture(torch.ones(2, 2, dtype=torch.bool), (0, 0, 1, 1), 16384, 8192).shape == (512, 1024)


def test_a_document_with_a_mask_has_version_2_and_comes_back_as_it_was():
    mask = {"width": 4, "height": 4, "runs": [0, 4, 2, 2, 2, 2, 2, 2]}
    first = parse(document([0.25, 0.25, 0.75, 0.75], mask))
    (region,) = first.regions
    assert region.box == mask_bounds(region.mask) == (0.25, 0.25, 0.75, 0.75)
    written = first.to_dict()
    assert written["version"] == 2
    (again,) = parse(written).regions
    assert torch.equal(again.mask, region.mask)
    assert RegionDocument(512, 512).to_dict()["version"] == 1


def test_the_method_fills_the_painted_cells_alone():
    lower_left = {"width": 2, "height": 2, "runs": [2, 1, 1]}
    regions = parse(document([0.5, 0.5, 1, 1], lower_left)).regions
    words = shared_membership(regions, (64, 64), (64, 64)).reshape(64, 64)
    expected = torch.zeros(64, 64, dtype=torch.int64)
    expected[48:, 32:48] = 1
    assert torch.equal(words, expected)
