"""Which cells a region owns, against an oracle that draws every pixel and looks into every cell."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.layout.masks import (
    box_pixels,
    cell_rectangle,
    level_factor,
    margin,
    mask_cells,
    rim,
    shared_membership,
)
from deig_core.regions.document import Region

MARGINS = {1: 0, 2: 0, 4: 1, 8: 2}
sides = st.integers(1, 40)
latents = st.tuples(sides, sides) | st.sampled_from([(25, 37), (37, 25), (17, 64), (64, 17), (24, 40), (3, 31)])
factors = st.sampled_from(list(MARGINS))


def halved(side, factor):
    """A side of the latent after the UNet's halvings, each of which rounds up."""
    while factor > 1:
        side, factor = (side + 1) // 2, factor // 2
    return side


def grid_of(latent, factor):
    return tuple(halved(s, factor) for s in latent)


@st.composite
def boxes(draw, latent, beyond=0.0):
    """Boxes of at least one pixel: anywhere, on pixel edges, and on exact halves of pixels."""
    spans = []
    for side in (latent[1] * 8, latent[0] * 8):
        ends = st.floats(-beyond, 1 + beyond) | st.integers(0, 2 * side).map(lambda n, s=side: n / (2 * s))
        spans.append(sorted((draw(ends), draw(ends))))
    (x0, x1), (y0, y1) = spans
    return x0, y0, x1, y1


def drawn(box, latent):
    canvas = np.zeros((latent[0] * 8, latent[1] * 8), bool)
    x0, y0, x1, y1 = (int(np.rint(np.float64(c) * s)) for c, s in zip(box, canvas.shape[::-1] * 2, strict=True))
    canvas[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
    return canvas


def brute_force(canvas, latent, factor):
    """Cells of which any pixel is on, each widened one cell after the other."""
    rows, columns = grid_of(latent, factor)
    cells, size, wide = np.zeros((rows, columns), bool), 8 * factor, MARGINS[factor]
    for r in range(rows):
        for c in range(columns):
            if canvas[r * size : (r + 1) * size, c * size : (c + 1) * size].any():
                cells[max(0, r - wide) : r + wide + 1, max(0, c - wide) : c + wide + 1] = True
    return cells


def owned(region, latent, factor):
    grid = grid_of(latent, factor)
    return shared_membership([region], latent, grid).view(grid).bool().numpy()


@settings(max_examples=150)
@given(st.data(), latents, factors)
def test_a_box_owns_the_cells_that_its_pixels_touch(data, latent, factor):
    box = data.draw(boxes(latent, beyond=0.5))
    assert np.array_equal(owned(Region("r", box), latent, factor), brute_force(drawn(box, latent), latent, factor))


@settings(max_examples=80)
@given(st.data(), latents, factors)
def test_more_pixels_never_remove_a_cell(data, latent, factor):
    small, other = data.draw(boxes(latent)), data.draw(boxes(latent))
    large = (*map(min, small[:2], other[:2]), *map(max, small[2:], other[2:]))
    assert (owned(Region("r", large), latent, factor) >= owned(Region("r", small), latent, factor)).all()


@settings(max_examples=80)
@given(st.data(), latents, factors)
def test_a_transposed_image_gives_the_transposed_cells(data, latent, factor):
    x0, y0, x1, y1 = box = data.draw(boxes(latent))
    assert np.array_equal(
        owned(Region("r", box), latent, factor), owned(Region("r", (y0, x0, y1, x1)), latent[::-1], factor).T
    )
    mask = torch.from_numpy(data.draw(pixels()))
    there, back = Region("r", box, mask=mask), Region("r", box, mask=mask.T)
    assert np.array_equal(owned(there, latent, factor), owned(back, latent[::-1], factor).T)


@settings(max_examples=80)
@given(st.data(), latents, factors)
def test_one_pixel_is_enough_for_a_cell_at_every_level(data, latent, factor):
    height, width = latent[0] * 8, latent[1] * 8
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    cells = owned(Region("r", (x / width, y / height, (x + 1) / width, (y + 1) / height)), latent, factor)
    assert cells[y // (8 * factor), x // (8 * factor)]


@settings(max_examples=80)
@given(st.data(), latents, factors)
def test_a_mask_of_exactly_the_pixels_of_a_box_owns_the_same_cells(data, latent, factor):
    box = data.draw(boxes(latent))
    mask = torch.from_numpy(drawn(box, latent))
    assert np.array_equal(owned(Region("r", box, mask=mask), latent, factor), owned(Region("r", box), latent, factor))


@st.composite
def pixels(draw):
    height, width = draw(st.integers(1, 50)), draw(st.integers(1, 50))
    canvas = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(1, 3))):
        canvas[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    return canvas


def touched(low, high, side, count, size):
    """Cells of `size` pixels that share more than an edge with [low, high), in exact fractions of `side` pixels."""
    return [i for i in range(count) if i * size < high * side and low * side < (i + 1) * size]


@settings(max_examples=100)
@given(pixels(), latents, factors)
def test_a_mask_of_any_resolution_owns_what_it_overlaps(mask, latent, factor):
    rows, columns = grid_of(latent, factor)
    expected, wide = np.zeros((rows, columns), bool), MARGINS[factor]
    for y, x in np.argwhere(mask).tolist():
        tall = touched(Fraction(y, mask.shape[0]), Fraction(y + 1, mask.shape[0]), latent[0] * 8, rows, 8 * factor)
        broad = touched(Fraction(x, mask.shape[1]), Fraction(x + 1, mask.shape[1]), latent[1] * 8, columns, 8 * factor)
        expected[max(0, tall[0] - wide) : tall[-1] + wide + 1, max(0, broad[0] - wide) : broad[-1] + wide + 1] = True
    assert np.array_equal(mask_cells(torch.from_numpy(mask), latent, (rows, columns)).numpy(), expected)


def test_each_of_64_regions_has_its_own_bit():
    regions = [Region(f"r{i}", ((i % 8) / 8, (i // 8) / 8, (i % 8 + 1) / 8, (i // 8 + 1) / 8)) for i in range(64)]
    words = shared_membership(regions, (8, 8), (8, 8))
    assert [w % 2**64 for w in words.tolist()] == [1 << i for i in range(64)]
    assert words.min() == words[63] == -(2**63)
    assert (
        shared_membership(
            [Region("r", (0, 0, 1, 1), mask=torch.ones(3, 5, dtype=torch.bool))] * 64, (4, 4), (2, 2)
        ).tolist()
        == [-1] * 4
    )


def test_a_65th_region_does_not_share_a_bit():
    with pytest.raises(RegionError, match="65 regions"):
        shared_membership([Region("r", (0, 0, 1, 1))] * 65, (8, 8), (8, 8))


def test_level_factor_of_every_chain_of_halvings():
    # Once two levels have the same grid (of one cell), nothing tells them apart and nothing depends on it.
    for latent in range(1, 257):
        chain = {f: halved(latent, f) for f in MARGINS}
        for factor, grid in chain.items():
            alike = [f for f, g in chain.items() if g == grid]
            assert level_factor(latent, grid) in alike, (latent, factor)
            assert alike == [factor] or grid == 1, (latent, factor)


def cells_of_any_grid(low, high, side, count):
    """Cells [first, last) of an axis of `side` pixels and `count` cells, in exact fractions."""
    level = level_factor(side // 8, count)
    size = 8 * level if math.ceil(side / 8 / level) == count else Fraction(side, count)
    cells = touched(Fraction(low, side), Fraction(high, side), side, count, size)
    return max(0, cells[0] - margin(level)), min(count, cells[-1] + 1 + margin(level))


@settings(max_examples=100)
@given(st.data(), st.tuples(st.integers(8, 96), st.integers(8, 96)))
def test_grids_that_no_halving_explains_still_cover_the_image(data, latent):
    grid = tuple(data.draw(st.integers(1, 2 * side)) for side in latent)
    box = data.draw(boxes(latent))
    assert cell_rectangle((0, 0, 1, 1), latent, grid) == (0, 0, grid[1], grid[0])
    if (corners := box_pixels(box, latent[1] * 8, latent[0] * 8)) is None:
        return
    x0, x1 = cells_of_any_grid(*corners[::2], latent[1] * 8, grid[1])
    y0, y1 = cells_of_any_grid(*corners[1::2], latent[0] * 8, grid[0])
    assert cell_rectangle(box, latent, grid) == (x0, y0, x1, y1)
    canvas = torch.from_numpy(drawn(box, latent))
    assert torch.equal(
        shared_membership([Region("r", box, mask=canvas)], latent, grid),
        shared_membership([Region("r", box)], latent, grid),
    )


@pytest.mark.parametrize(("latent", "grid"), [(9, 7), (18, 14), (29, 14), (35, 30), (64, 43), (64, 22)])
def test_no_cell_is_won_or_lost_where_edges_of_cells_and_pixels_meet(latent, grid):
    side = latent * 8
    for edge in range(1, side):
        for low, high in ((0, edge), (edge, side)):
            x0, x1 = cells_of_any_grid(low, high, side, grid)
            assert cell_rectangle((low / side, 0, high / side, 1), (latent, latent), (grid, grid)) == (x0, 0, x1, grid)
    mask = torch.zeros(side, side, dtype=torch.bool)
    for edge in range(side):
        mask.zero_()[:, edge] = True
        x0, x1 = cells_of_any_grid(edge, edge + 1, side, grid)
        assert mask_cells(mask, (latent, latent), (grid, grid))[0].nonzero().flatten().tolist() == list(range(x0, x1))


def test_deep_shrink_of_64_by_one_and_a_half():
    assert cell_rectangle((0.5, 0, 1, 1), (64, 64), (43, 43)) == (21, 0, 43, 43)


def test_coordinates_are_clamped_at_both_ends():
    assert box_pixels((-0.25, -1, 0.5, 7), 512, 768) == (0, 0, 256, 768)
    assert box_pixels((-0.5, 0, -0.25, 1), 512, 512) is None
    assert box_pixels((1.05, 0, 1.2, 1), 512, 512) is None


@pytest.mark.parametrize(
    ("coordinate", "pixel"),
    [
        (255.5 / 512, 256),
        (256.5 / 512, 256),
        (257.5 / 512, 258),
        (0.5 / 512, 0),
        (1.5 / 512, 2),
        (510.5 / 512, 510),
        # Above and below a half by less than float32 can say.
        (257.5 / 512 - 1e-12, 257),
        (256.5 / 512 + 1e-12, 257),
    ],
)
def test_halves_of_a_pixel_round_to_even_in_double_precision(coordinate, pixel):
    assert box_pixels((coordinate, 0, 1, 1), 512, 512)[0] == pixel
    assert box_pixels((0, 0, 1, coordinate), 512, 512) == ((0, 0, 512, pixel) if pixel else None)


@given(st.data(), st.integers(1, 12), st.integers(1, 12), st.integers(0, 4))
def test_a_rim_is_what_of_a_mask_lies_near_its_edge_or_the_pictures(data, height, width, near):
    cells = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = torch.tensor(cells).reshape(height, width)

    def is_inside(y, x):
        return 0 <= y < height and 0 <= x < width and bool(mask[y, x])

    steps = range(-near, near + 1)
    expected = [
        [is_inside(y, x) and not all(is_inside(y + dy, x + dx) for dy in steps for dx in steps) for x in range(width)]
        for y in range(height)
    ]
    assert rim(mask, near).tolist() == expected
