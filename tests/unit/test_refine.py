"""Parts around small regions: in the picture, with the region in them, of a size that a latent can have."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.layout.masks import box_pixels, region_pixels
from deig_core.layout.refine import LEAST, small_parts, soft_mask
from deig_core.regions.document import Region, RegionDocument


@st.composite
def documents(draw):
    found = []
    for i in range(draw(st.integers(1, 4))):
        (x0, x1), (y0, y1) = (sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2))) for _ in range(2))
        found.append(Region(f"r{i}", (x0, y0, x1, y1), draw(st.sampled_from(["a cat", ""]))))
    return RegionDocument(draw(st.integers(64, 900)), draw(st.integers(64, 900)), tuple(found))


@settings(max_examples=150)
@given(documents(), st.integers(8, 400), st.floats(1, 4), st.integers(0, 64), st.sampled_from([128, 512]))
def test_every_small_region_gets_a_part_or_a_sentence(document, smaller_than, context, feather, size):
    parts, notes = small_parts(document, smaller_than, context, feather, size)
    by_region = {part.region: part for part in parts}
    said = {int(note.split()[1]) - 1 for note in notes}
    for i, region in enumerate(document.regions):
        pixels = box_pixels(region.box, document.width, document.height)
        longest = pixels and max(pixels[2] - pixels[0], pixels[3] - pixels[1])
        assert (i in by_region) + (i in said) == (bool(pixels) and longest < smaller_than)
        if i in by_region:
            part = by_region[i]
            assert region.description
            assert part.left <= pixels[0] and pixels[2] <= part.left + part.width <= document.width
            assert part.top <= pixels[1] and pixels[3] <= part.top + part.height <= document.height
            faded = soft_mask(document, i, feather)[1]
            faded[part.rows, part.columns] = 0
            assert not faded.any(), "the old picture is whole again at the part's edge"
            assert max(part.size) == size and all(n % 8 == 0 for n in part.size)
            assert min(part.width, part.height) >= min(LEAST, document.width, document.height)
            shape = part.size[0] / part.size[1], part.height / part.width
            assert abs(shape[0] / shape[1] - 1) < 0.3, "the part keeps its proportions, but for a cell of the latent"


def test_a_mask_is_whole_within_the_region_and_nothing_at_its_edge():
    document = RegionDocument(64, 64, (Region("a", (0.25, 0.25, 0.5, 0.5), "a cat"),))
    where, taken = soft_mask(document, 0, 4)
    own = region_pixels(document.regions[0], 64, 64)
    assert taken[own].min() > 0.999 and taken[~where].max() == 0 and 0 < taken[24, 34] < 1
    assert where.nonzero().amin().item() == 16 - 8 and where.nonzero().amax().item() == 31 + 8
    where, taken = soft_mask(document, 0, 0)
    assert torch.equal(where, own) and torch.equal(taken, own.float())


def test_what_lies_in_front_is_not_drawn_over():
    regions = Region("a", (0, 0, 0.5, 0.5), "a cat"), Region("b", (0.25, 0, 1, 1), "a dog")
    document = RegionDocument(64, 64, regions, overlap="front")
    where, _ = soft_mask(document, 0, 0)
    assert where[:32, :16].all() and not where[:, 16:].any()
    assert soft_mask(document, 1, 0)[0][:, 16:].all()
