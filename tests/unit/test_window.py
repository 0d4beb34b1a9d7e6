"""Parts of a picture: crops of crops, parts that were resized, that reach beyond the picture or around its edge."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from boxes import boxes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.layout.layout import Layout
from deig_core.layout.masks import box_pixels
from deig_core.layout.window import Window, crop, crop_document
from deig_core.regions.document import Region, RegionDocument

CPU = torch.device("cpu")
PIXELS = json.loads((Path(__file__).parents[1] / "data" / "document.json").read_text(encoding="utf-8"))["pixels"]


@st.composite
def masks(draw):
    mask = torch.zeros(draw(st.integers(1, 40)), draw(st.integers(1, 40)), dtype=torch.bool)
    rows, columns = (sorted(draw(st.lists(st.integers(0, side), min_size=2, max_size=2))) for side in mask.shape)
    mask[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
    return mask if mask.any() else ~mask


@st.composite
def documents(draw):
    found = [Region(f"r{i}", draw(boxes()), f"thing {i}") for i in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        found.append(Region("m", (0, 0, 1, 1), "painted").with_mask(draw(masks())))
    return RegionDocument(draw(st.integers(8, 90)), draw(st.integers(8, 90)), tuple(found), {"kept": 1})


@st.composite
def parts(draw, width, height, beyond=0):
    """left, top, width, height of at least 8 pixels; up to `beyond` pixels outside."""
    left, top = (draw(st.integers(-beyond, side - 8)) for side in (width, height))
    return left, top, *(draw(st.integers(8, side + beyond - low)) for side, low in ((width, left), (height, top)))


def drawn(document):
    """What a document looks like: each region's pixels."""
    size = (document.width, document.height)
    return [
        (r.id, r.description, box_pixels(r.box, *size) if r.mask is None else r.mask.tolist()) for r in document.regions
    ]


@pytest.mark.parametrize("case", PIXELS, ids=lambda case: case["name"])
def test_the_whole_window_shows_what_has_a_pixel(case):
    width, height = case["size"]
    region = Region("r1", tuple(case["box"]), "a thing")
    kept = crop_document(RegionDocument(width, height, (region,)), 0, 0, width, height).regions
    assert kept == ((region,) if case["pixels"] else ())
    if width % 8 == height % 8 == 0:
        found = crop(region, Window.whole((height // 8, width // 8)))
        assert found == (region if case["pixels"] else None)


class TestDocuments:
    @given(documents())
    @example(RegionDocument(8, 8, (Region("r0", (0, 0, 1, 0.0625), "half a pixel"),)))
    def test_the_whole_is_the_document_itself(self, document):
        """Without what has no pixel, as in any other part."""
        whole = crop_document(document, 0, 0, document.width, document.height)
        assert drawn(whole) == [region for region in drawn(document) if region[2] is not None]
        assert (whole is document) == (len(whole.regions) == len(document.regions))

    @settings(max_examples=150)
    @given(st.data(), documents())
    def test_a_crop_of_a_crop_is_one_crop(self, data, document):
        first = data.draw(parts(document.width, document.height, beyond=20))
        second = data.draw(parts(*first[2:], beyond=20))
        twice = crop_document(crop_document(document, *first), *second)
        once = crop_document(document, first[0] + second[0], first[1] + second[1], *second[2:])
        # What the first crop left out or cut off is not there for a second one that reaches beyond it.
        inner = max(0, -second[0]), max(0, -second[1])
        size = [min(second[2 + a] + min(second[a], 0), first[2 + a] - max(second[a], 0)) for a in (0, 1)]
        if min(size) < 8:
            return
        assert drawn(crop_document(twice, *inner, *size)) == drawn(crop_document(once, *inner, *size))

    @settings(max_examples=60)
    @given(documents(), st.tuples(*[st.integers(1, 30)] * 4))
    def test_what_is_padded_and_cut_again_is_where_it_was(self, document, around):
        left, top, right, bottom = around
        padded = crop_document(document, -left, -top, document.width + left + right, document.height + top + bottom)
        assert (padded.width, padded.height) == (document.width + left + right, document.height + top + bottom)
        back = crop_document(padded, left, top, document.width, document.height)
        expected = [pixels for pixels in drawn(document) if pixels[2]]
        found = drawn(back)
        if document.regions[-1].mask is not None:  # comes back in the picture's own pixels
            expected[-1:] = drawn(crop_document(document, 0, 0, document.width + 1, document.height + 1))[-1:]
            expected[-1] = (*expected[-1][:2], [row[:-1] for row in expected[-1][2][:-1]])
        assert found == expected

    @pytest.mark.parametrize("scale", [0.5, 1.5, 2, 2.7])
    def test_a_scaled_crop_is_the_crop_in_other_pixels(self, scale):
        document = RegionDocument(400, 200, (Region("a", (0.25, 0.25, 0.5, 0.75), strength=0.5, extra={"k": 1}),))
        cut = crop_document(document, 50, 20, 200, 150, scale)
        assert (cut.width, cut.height) == (round(200 * scale), round(150 * scale))
        (region,) = cut.regions
        assert region.box == pytest.approx((0.25, 0.2, 0.75, 130 / 150), abs=0.01)
        assert (region.strength, region.extra) == (0.5, {"k": 1})

    def test_regions_outside_are_left_out_and_the_rest_stays(self):
        document = RegionDocument(100, 100, (Region("a", (0, 0, 0.3, 1)), Region("b", (0.5, 0, 1, 1))), {"title": "x"})
        cut = crop_document(document, 40, 0, 60, 100)
        assert [r.id for r in cut.regions] == ["b"] and cut.extra == {"title": "x"}

    @pytest.mark.parametrize("part", [(0, 0, 7, 100), (0, 0, 100, 3), (0, 0, 100, 100, 0.05), (0, 0, 10000, 9, 2)])
    def test_parts_that_make_no_picture_are_refused(self, part):
        with pytest.raises(RegionError, match=r"makes a picture of \d+ x \d+; 8 to 16384 pixels"):
            crop_document(RegionDocument(100, 100), *part)


class TestWindows:
    @settings(max_examples=100)
    @given(st.data(), boxes(), st.tuples(st.integers(2, 12), st.integers(2, 12)))
    def test_a_resized_part_shows_what_the_part_shows(self, data, box, full):
        """A tile of whole cells, denoised k times as large: each of its cells is k x k cells that belong alike."""
        size = tuple(data.draw(st.integers(1, side)) for side in full)
        offset = tuple(data.draw(st.integers(0, side - s)) for side, s in zip(full, size, strict=True))
        k = data.draw(st.integers(2, 3))
        snapped = tuple(round(c * f * 8) / (f * 8) for c, f in zip(box, full[::-1] * 2, strict=True))
        layout = Layout((Region("a", snapped),))
        small = layout.visible(Window(full, offset, size))
        large = layout.visible(Window(*(tuple(k * v for v in p) for p in (full, offset, size))))
        assert small.indices == large.indices
        if not small.indices:
            return
        cells = small.members(size, size, CPU).view(size)
        grown = large.members(tuple(k * s for s in size), tuple(k * s for s in size), CPU)
        grown = grown.view(size[0], k, size[1], k).transpose(1, 2).flatten(2)
        assert torch.equal(cells, grown.amax(-1))

    @settings(max_examples=100)
    @given(st.data(), boxes())
    def test_a_part_given_in_fractions_is_the_part(self, data, box):
        full, size = (12, 20), tuple(data.draw(st.integers(1, side)) for side in (12, 20))
        offset = tuple(data.draw(st.integers(0, side - s)) for side, s in zip(full, size, strict=True))
        exact = Window(full, offset, size)
        part = (offset[1] / 20, offset[0] / 12, (offset[1] + size[1]) / 20, (offset[0] + size[0]) / 12)
        found, expected = crop(Region("a", box), Window.of_box(part, size)), crop(Region("a", box), exact)
        pixels = [r and box_pixels(r.box, size[1] * 8, size[0] * 8) for r in (found, expected)]
        for a, b in zip(*(p or (0, 0, 0, 0) for p in pixels), strict=True):
            assert abs(a - b) <= 1 or None in pixels  # half a pixel may fall to either side

    @settings(max_examples=60)
    @given(st.data(), masks(), st.tuples(st.integers(1, 12), st.integers(1, 12)))
    def test_a_cut_mask_is_the_pooled_mask_cut(self, data, mask, full):
        size = tuple(data.draw(st.integers(1, side)) for side in full)
        offset = tuple(data.draw(st.integers(0, side - s)) for side, s in zip(full, size, strict=True))
        if size == full:
            return
        pooled = torch.nn.functional.adaptive_max_pool2d(mask[None].float(), [8 * side for side in full])[0] > 0
        (top, left), (height, width) = ((v * 8 for v in pair) for pair in (offset, size))
        expected = pooled[top : top + height, left : left + width]
        shown = crop(Region("m", (0, 0, 1, 1)).with_mask(mask), Window(full, offset, size))
        assert torch.equal(shown.mask, expected) if shown else not expected.any()

    @settings(max_examples=100)
    @given(st.data(), st.lists(boxes(), min_size=1, max_size=3))
    def test_a_part_that_wraps_shows_both_sides(self, data, found):
        """The cells of a tile of the rolled picture are those of the whole picture, rolled and cut."""
        full = (10, 14)
        size = tuple(data.draw(st.integers(1, side)) for side in full)
        offset = tuple(data.draw(st.integers(0, side - 1)) for side in full)
        layout = Layout(tuple(Region(f"r{i}", box) for i, box in enumerate(found)))
        seen = layout.visible(Window(full, offset, size, wraps=True))
        words, cells = seen.members(size, size, CPU).view(size), torch.zeros(size, dtype=torch.int64)
        for slot, index in enumerate(seen.indices):
            cells |= ((words >> slot) & 1) << index
        expected = layout.members(full, full, CPU).view(full).roll((-offset[0], -offset[1]), (0, 1))
        assert torch.equal(cells, expected[: size[0], : size[1]])

    def test_a_part_of_a_part_is_a_part_of_the_picture(self):
        outer, inner = Window((64, 64), (8, 32), (40, 24)), Window((40, 24), (10, 2), (20, 12))
        assert inner.inside(outer) == Window((64, 64), (18, 34), (20, 12))
        assert inner.inside(Window.whole((40, 24))) == inner
        box = (0.1, 0.2, 0.9, 0.95)
        first = crop(Region("a", box), outer)
        found, expected = (crop(*pair) for pair in ((first, inner), (Region("a", box), inner.inside(outer))))
        assert box_pixels(found.box, 96, 160) == box_pixels(expected.box, 96, 160)

    def test_layouts_remember_parts_by_their_values(self):
        layout = Layout((Region("a", (0, 0, 1, 1)),))
        part = Window((20.5, 20.5), (1.25, 0.0), (8, 8))
        assert layout.visible(part) is layout.visible(replace(part))
