"""What regions are for other nodes: read again as boxes, elements and masks, they are where they were."""

from dataclasses import replace

import pytest
import torch
from boxes import boxes
from hypothesis import given
from hypothesis import strategies as st

from deig_core.layout.export import exported
from deig_core.layout.masks import box_pixels, region_pixels
from deig_core.regions.document import Region, RegionDocument
from deig_core.regions.from_masks import read_masks
from deig_core.regions.keyframes import Keyframe
from deig_core.regions.reader import read

TEXTS = ("", "a dog", "a\n red\t hoodie ", "10 20 30 40")


@st.composite
def regions(draw, number):
    keys = tuple(Keyframe(frame, draw(boxes())) for frame in draw(st.sampled_from([(), (0, 9), (3, 4)])))
    region = Region(f"r{number}", draw(boxes()), draw(st.sampled_from(TEXTS)), keyframes=keys)
    return replace(region, enabled=draw(st.booleans()), strength=draw(st.sampled_from([0.0, 0.5, 1.0])))


@st.composite
def documents(draw):
    sides = (draw(st.integers(8, 90)) for _ in range(2))
    return RegionDocument(*sides, tuple(draw(regions(i)) for i in range(draw(st.integers(0, 4)))))


@given(documents(), st.integers(0, 12))
def test_each_visible_region_with_a_pixel_is_given_in_every_form(document, frame):
    size = document.width, document.height
    out = exported(document, frame)
    given_out = [r.at(frame) for r in document.regions if r.visible and box_pixels(r.at(frame).box, *size)]
    assert len(out.boxes) == len(out.elements) == len(out.texts) == len(given_out)
    assert list(out.texts) == [" ".join(r.description.split()) for r in given_out]
    for one in (*out.boxes, *out.elements):
        assert (one["metadata"] if "metadata" in one else one)["desc"] in out.texts
    assert out.masks.dtype == torch.float32
    expected = [region_pixels(r, *size) for r in given_out] or [torch.zeros(size[::-1])]
    assert torch.equal(out.masks, torch.stack(expected).float())


@given(documents(), st.integers(0, 12))
def test_boxes_elements_and_masks_say_the_same_places(document, frame):
    size = document.width, document.height
    out = exported(document, frame)
    if not out.boxes:
        return
    places = [(b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in out.boxes]
    painted, _ = read_masks(out.masks)
    for found in (read([[*out.boxes]], *size).document, painted):
        assert [box_pixels(r.box, *size) for r in found.regions] == places
    for region, element in zip(painted.regions, out.elements, strict=True):
        x0, y0, x1, y1 = region.box
        pixel = 1000 / min(size)  # what rounding to pixels, and to thousandths, takes from an edge at most
        assert element["bbox"] == pytest.approx([1000 * c for c in (y0, x0, y1, x1)], abs=pixel / 2 + 0.5 + 1e-6)


@given(documents(), st.integers(0, 12))
def test_a_region_that_moves_is_given_as_one_that_stands_where_it_is_then(document, frame):
    """And it is said, of those that are visible."""
    stands = replace(document, regions=tuple(r.at(frame) for r in document.regions))
    out, still = exported(document, frame), exported(stands, frame)
    assert (out.boxes, out.elements, out.texts) == (still.boxes, still.elements, still.texts)
    moving = [str(n) for n, r in enumerate(document.regions, 1) if r.visible and r.keyframes]
    said = [f"Regions that move ({', '.join(moving)}) are given as they are in frame {frame}."] if moving else []
    assert out.notes == (*said, *still.notes)


def test_what_has_no_pixel_is_said_by_its_number():
    thin = Region("b", (0.5, 0, 0.501, 1), "a hair")
    out = exported(RegionDocument(64, 64, (Region("a", (0, 0, 0, 1), enabled=False), thin)))
    assert out.notes == ("Region 2 has no pixel in the picture and is not given.",)
    assert not out.boxes and out.masks.shape == (1, 64, 64) and not out.masks.any()
