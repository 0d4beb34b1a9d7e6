"""Attention maps: the weights are those of the oracle, sums are means, windows add up to the whole, runs are told
apart.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.attention import masked_attention
from deig_core.attention.contract import AttentionCall
from deig_core.layout.window import Window
from deig_core.maps import picture as heatmap
from deig_core.maps import recording as attention_maps
from deig_core.maps.recording import Recording, RunMaps, on_latent, token_weights


@st.composite
def calls(draw):
    batch, heads, cells = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 40))
    regions, tokens = draw(st.sampled_from([1, 3, 64])), draw(st.sampled_from([1, 4, 16]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    q, k, token_k = (
        torch.randn(n, heads, length, 8, generator=generator)
        for n, length in ((batch, cells), (batch, cells), (1, regions * tokens))
    )
    own = torch.rand(draw(st.sampled_from([1, batch])), cells, regions, generator=generator) < draw(
        st.sampled_from([0.0, 0.3, 1.0])
    )
    bias = None
    if draw(st.booleans()):
        bias = torch.randn(1, regions, generator=generator)
        bias[0, draw(st.integers(0, regions - 1))] = float("-inf")
    members = (own.long() << torch.arange(regions)).sum(-1)
    return AttentionCall(
        q, k, torch.full_like(q, torch.nan), token_k, torch.full_like(token_k, torch.nan), members, tokens, bias
    )


@settings(max_examples=40)
@given(call=calls(), scratch=st.sampled_from([1, 2000, 2**24]))
def test_weights_are_those_of_the_attention(call, scratch):
    """Values that are 0 for visual keys and 1 for one instance token turn the attention's output into that token's
    weight.
    """
    saved, attention_maps._SCRATCH_ENTRIES = attention_maps._SCRATCH_ENTRIES, scratch
    try:
        weights = token_weights(call)
    finally:
        attention_maps._SCRATCH_ENTRIES = saved
    tokens = call.token_k.shape[2]
    assert weights.shape == (call.batch, tokens, call.cells)
    q, k, token_k = (t.double() for t in (call.q, call.k, call.token_k))
    options = {"tokens_per_region": call.tokens_per_region, "bias": call.bias, "implementation": "dense"}
    for chosen in {0, tokens // 2, tokens - 1}:
        values = torch.zeros_like(token_k)
        values[:, :, chosen] = 1
        of_heads = masked_attention(q, k, torch.zeros_like(k), token_k, values, call.members, **options)[..., 0]
        assert (weights[:, chosen] - of_heads.mean(1)).abs().max() < 1e-5


def mean_of(parts, latent):
    """The mean of maps [1, 1, h, w] of windows, all of one region."""
    maps = RunMaps()
    for values, window in parts:
        maps.add(1, "text", values, window)
    found = maps.mean(1)
    assert found.shape[-2:] == latent
    return found


@given(height=st.integers(1, 5), width=st.integers(2, 5), cut=st.integers(1, 4), factor=st.sampled_from([1, 2, 4, 8]))
def test_windows_that_cover_the_latent_add_up_to_it(height, width, cut, factor):
    latent, cut = (8 * height, 8 * width), min(cut, width - 1)
    grid = torch.rand(1, 1, latent[0] // factor, latent[1] // factor)
    at = 8 * cut // factor
    parts = [
        (grid[..., :at], Window(latent, (0, 0), (latent[0], 8 * cut))),
        (grid[..., at:], Window(latent, (0, 8 * cut), (latent[0], latent[1] - 8 * cut))),
    ]
    whole = mean_of([(grid, Window.whole(latent))], latent)
    assert torch.allclose(mean_of(parts, latent), whole, atol=1e-6)
    assert torch.equal(whole, on_latent(grid, latent))


@given(height=st.integers(9, 70), width=st.integers(9, 70), factor=st.sampled_from([1, 2, 4, 8]))
def test_a_latent_cell_has_the_value_of_the_cell_that_covers_it(height, width, factor):
    grid = torch.rand(-(-height // factor), -(-width // factor))
    found = on_latent(grid, (height, width))
    y, x = height - 1, width // 2
    assert found.shape == (height, width) and found[y, x] == grid[y // factor, x // factor]


def test_an_uneven_grid_and_an_odd_window_still_land_in_place():
    odd = mean_of([(torch.ones(1, 1, 5, 3), Window((32, 32), (0, 20), (32, 12)))], (32, 32))
    assert (odd[..., 20:] - 1).abs().max() < 1e-6 and (odd[..., :16] == 0).all()
    assert torch.equal(
        mean_of([(torch.ones(1, 1, 21, 21), Window.whole((32, 32)))], (32, 32)), torch.ones(1, 1, 32, 32)
    )


def test_all_levels_average_blocks_and_one_level_its_own():
    maps, window = RunMaps(), Window.whole((8, 8))
    for value, side in ((1.0, 8), (3.0, 8), (8.0, 4)):
        maps.add(1, "text", torch.full((2, 4, side, side), value), window)
    assert maps.factors(1) == [1, 2] and maps.mean(1).shape == (2, 4, 8, 8)
    assert [maps.mean(1, f).unique().tolist() for f in (1, 2, None)] == [[2.0], [8.0], [4.0]]


def test_sums_do_not_grow_with_the_steps():
    maps, sizes = RunMaps(), set()
    for _ in range(5):
        maps.add(1, "text", torch.rand(1, 4, 8, 8), Window.whole((8, 8)))
        sizes.add(maps.size())
    assert len(sizes) == 1


def test_another_texts_region_of_the_same_number_is_not_mixed_in():
    maps, window = RunMaps(), Window.whole((8, 8))
    for owner, value in (("first", 1.0), ("second", 5.0), ("first", 1.0)):
        maps.add(1, owner, torch.full((1, 1, 8, 8), value), window)
    assert maps.mean(1).unique().tolist() == [1.0] and maps.regions() == [1]


def run_of(value=1.0, regions=1):
    maps = RunMaps()
    for region in range(regions):
        maps.add(region + 1, "text", torch.full((3, 4, 8, 8), value), Window.whole((8, 8)))
    return maps


def test_runs_are_found_by_their_latents():
    recording, generator = Recording(), torch.Generator().manual_seed(0)
    latents = [torch.randn(3, 4, 8, 8, generator=generator) for _ in range(3)]
    runs = [run_of() for _ in latents]
    for samples, maps in zip(latents, runs, strict=True):
        recording.keep(samples, maps)
    for samples, maps in zip(latents, runs, strict=True):
        for row, latent in enumerate(samples):
            assert recording.find(latent) == (maps, row) == recording.find(latent.bfloat16())
    assert recording.find(latents[0][0] + 0.1) is None and recording.find(torch.zeros(4, 4, 4)) is None
    newer = run_of()
    recording.keep(latents[0], newer)
    assert recording.find(latents[0][2]) == (newer, 2)


def test_a_latent_is_remembered_as_it_was():
    recording, samples = Recording(), torch.ones(1, 4, 8, 8)
    recording.keep(samples, run_of())
    samples += 1
    assert recording.find(torch.ones(4, 8, 8)) and recording.find(samples[0]) is None


def test_old_runs_make_room_and_the_newest_stays():
    size = run_of().size()
    recording, latents = Recording(limit=2 * size), [torch.full((1, 4, 8, 8), float(n)) for n in range(1, 5)]
    for samples in latents[:3]:
        recording.keep(samples, run_of())
    assert [recording.find(samples[0]) is not None for samples in latents[:3]] == [False, True, True]
    recording.keep(latents[3], run_of(regions=9))
    assert [recording.find(samples[0]) is not None for samples in latents] == [False, False, False, True]


def lightness(colours):
    """OKLab's L of sRGB colours [..., 3]."""
    linear = torch.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4).double()
    lms = linear @ torch.tensor(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ],
        dtype=torch.double,
    )
    return lms.clamp(min=0) ** (1 / 3) @ torch.tensor([0.2104542553, 0.7936177850, -0.0040720468], dtype=torch.double)


def test_equal_steps_look_equal():
    steps = lightness(heatmap.colours(torch.linspace(0, 1, 41))).diff()
    assert (steps > 0).all() and steps.max() < 1.7 * steps.mean() and steps.min() > 0.5 * steps.mean()


def test_colours_end_at_the_ends():
    found = heatmap.colours(torch.tensor([-1.0, 0.0, 1.0, 2.0]))
    assert torch.equal(found[0], found[1]) and torch.equal(found[2], found[3])
    assert (found[1] * 255).round().int().tolist() == [4, 0, 32] and (found[2] * 255).round().int().tolist() == [
        254,
        241,
        206,
    ]


def test_brightness():
    maps = torch.zeros(2, 3, 4, 4)
    maps[0, 0, 1, 1], maps[0, 1, 2, 2], maps[1, 0, 0, 0] = 0.5, 0.25, 1e-9
    each, together = heatmap.brightened(maps, together=False), heatmap.brightened(maps, together=True)
    assert each.amax((2, 3)).tolist() == [[1, 1, 0], [1, 0, 0]]
    assert together.amax((2, 3)).tolist() == [[1, 0.5, 0], [1, 0, 0]]


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (8, 3, 3), (16, 4, 4)])
def test_overview_keeps_order_and_size(count, rows, columns):
    pictures = torch.arange(count)[:, None, None, None].expand(-1, 64, 32, 3) / count
    found = heatmap.overview(pictures)
    assert found.shape == (rows * 68 - 4, columns * 36 - 4, 3)
    for i in range(count):
        assert (found[i // columns * 68 + 30, i % columns * 36 + 10] == i / count).all()
    assert heatmap.overview(torch.zeros(4, 1024, 512, 3)).shape == (2 * 260 - 4, 2 * 132 - 4, 3)
