"""The part that is cropped to: however it is said, it is the same part."""

from collections import namedtuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.layout.chosen_part import EMPTY, PixelPart, crop_to_chosen
from deig_core.layout.window import crop_document
from deig_core.regions.document import MAX_SIDE, Region, RegionDocument

ANY = PixelPart(0, 0, 8, 8)
Seg = namedtuple("Seg", "crop_region")


@st.composite
def parts(draw, width, height):
    """Parts of at least 8 pixels a side within a picture."""
    left, top = (draw(st.integers(0, side - 8)) for side in (width, height))
    return PixelPart(left, top, draw(st.integers(8, width - left)), draw(st.integers(8, height - top)))


sides = st.integers(8, 120)
documents = st.builds(
    lambda width, height, x, y: RegionDocument(width, height, (Region("r1", (x, y, x + 0.25, y + 0.25), "a dog"),)),
    *(sides, sides, st.floats(0, 0.75), st.floats(0, 0.75)),
)


def edges(part):
    return part.left, part.top, part.left + part.width, part.top + part.height


@given(st.data(), st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE))
def test_fractions_of_whole_pixels_are_those_pixels_again(data, width, height):
    x0, y0 = (data.draw(st.integers(0, side - 1)) for side in (width, height))
    x1, y1 = (data.draw(st.integers(low + 1, side)) for low, side in ((x0, width), (y0, height)))
    box = (x0 / width, y0 / height, x1 / width, y1 / height)
    assert edges(PixelPart.of_box(box, width, height)) == (x0, y0, x1, y1)


@given(st.data(), documents, st.integers(1, 3), st.integers(0, 20))
def test_numbers_mask_box_and_seg_say_the_same_part(data, document, times, pad):
    part = data.draw(parts(document.width, document.height))
    x0, y0, x1, y1 = edges(part)
    whole = (document.height * times, document.width * times)
    mask = torch.zeros(1, *whole)
    mask[:, y0 * times : y1 * times, x0 * times : x1 * times] = 0.5
    box = {"x": x0, "y": y0, "width": part.width, "height": part.height}
    seg = Seg([c * times for c in edges(part)])
    expected = crop_to_chosen(document, part, pad=pad)
    for said in ({"mask": mask}, {"mask": mask[0]}, {"box": [[box]]}, {"box": (whole, [seg])}):
        found = crop_to_chosen(document, ANY, pad=pad, **said)
        assert found.part == expected.part == part.padded(pad)
        assert found.document.to_dict() == expected.document.to_dict()


@given(st.data(), documents, st.integers(0, 20), st.sampled_from([1.0, 1.5, 2.0]))
def test_the_document_is_that_of_the_padded_part_and_one_without_a_region_is_said(data, document, pad, scale):
    part = data.draw(parts(document.width, document.height))
    found = crop_to_chosen(document, part, pad=pad, scale=scale)
    at = found.part.left, found.part.top, found.part.width, found.part.height
    assert found.document.to_dict() == crop_document(document, *at, scale).to_dict()
    assert found.notes == (() if found.document.regions else (EMPTY,))
    nothing = RegionDocument(document.width, document.height)
    assert crop_to_chosen(nothing, part).notes == (), "as many as there were"


@given(documents, st.integers(0, 50), st.integers(0, 50))
def test_padding_adds_up(document, first, second):
    part = PixelPart(0, 0, document.width, document.height)
    assert part.padded(first).padded(second) == part.padded(first + second)
    assert part.padded(first).padded(-first) == part


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mask": torch.ones(2, 8, 8)}, "got 2 masks"),
        ({"mask": torch.full((1, 8, 8), 0.4)}, "mask is empty"),
        ({"box": [[0, 0, 8, 8], [8, 8, 16, 16]]}, "got 2 boxes"),
        ({"box": ((64, 64), [])}, "got 0 boxes"),
        ({"box": [[0, 0, 8, 8]], "mask": torch.ones(1, 8, 8)}, "a mask and a box"),
        ({"box": ["a cat"]}, "a text without a place"),
        ({"scale": 0.05}, "makes a picture of 0 x 0"),
    ],
)
def test_what_is_not_one_part_is_refused(said, message):
    with pytest.raises(RegionError, match=message):
        crop_to_chosen(RegionDocument(64, 64), ANY, **said)


def test_how_a_box_was_read_is_said():
    found = crop_to_chosen(RegionDocument(64, 64), ANY, box=[[-8, 0, 32, 64]])
    assert found.part == PixelPart(0, 0, 32, 64) and found.notes[0].startswith("Read as lists of four")
    assert "was cut" in found.notes[1]
