"""One UNet call's preparation: golden intermediate values, no work done twice, regions in a crop."""

import json
import math
import random
import threading
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from deig_core.cache import TensorCache
from deig_core.call import RowGroup, ground
from deig_core.checkpoint import PublishedCheckpoint, load_adapter
from deig_core.layout.layout import Layout
from deig_core.layout.masks import box_pixels
from deig_core.layout.window import Window, crop
from deig_core.model.adapter import is_deig_key
from deig_core.model.extractor import Extractor
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText

CPU = torch.device("cpu")
WHOLE = Window.whole((64, 64))


@pytest.fixture(scope="module")
def golden():
    with safe_open(Path(__file__).parents[1] / "golden" / "unet.safetensors", "pt") as file:
        tensors = {k: file.get_tensor(k).float() for k in file.keys()}  # noqa: SIM118
    deig = {k: v for k, v in tensors.items() if is_deig_key(k)}
    adapter = load_adapter(PublishedCheckpoint(deig, {}, {}, {"config": json.dumps({"heads": 4, "fuser_heads": 4})}))
    return adapter, {k.removeprefix("golden."): v for k, v in tensors.items() if k.startswith("golden.")}


@pytest.fixture
def extractor(golden):
    return Extractor(golden[0])


def texts(golden, row):
    """(conditional, unconditional) side of a row of the golden file, with the slots of its regions."""
    _, g = golden
    valid = [i for i, v in enumerate(g["masks"][row, :, 0]) if v]
    regions = tuple(Region(f"r{i}", tuple(g["object_boxes"][row, i].double().tolist())) for i in valid)
    described = tuple(TextFeatures.of(g["object_text_embeddings"][row, i].clone()) for i in valid)
    positive = GroundedText(TextFeatures.of(g["context"][row].clone()), Layout(regions), described)
    return positive, GroundedText(TextFeatures.of(g["uncond_context"][row].clone()), Layout(()), ()), valid


def test_golden_contexts_and_instance_tokens(golden, extractor):
    _, g = golden
    runs, timesteps = [], []
    for row in (0, 1):
        positive, negative, _ = texts(golden, row)
        runs += [RowGroup(1, negative, WHOLE), RowGroup(1, positive, WHOLE)]
        timesteps += [g["timesteps"][row].item()] * 2
    found = ground(extractor, runs, timesteps, CPU).groups
    for row in (0, 1):
        unconditional, conditional = found[2 * row], found[2 * row + 1]
        assert (unconditional.context[0] - g["dbg.ide_context_uncond"][row]).abs().max() <= 2e-5
        assert (conditional.context[0] - g["dbg.ide_context_cond"][row]).abs().max() <= 2e-5
        expected = g["dbg.objs_cond"][row].view(6, 4, -1)
        # A region without a pixel is left out; the others stand in their order.
        slots = [texts(golden, row)[2][i] for i in conditional.layouts[0].indices]
        assert (conditional.tokens[0].view(len(slots), 4, -1) - expected[slots]).abs().max() <= 2e-5
        assert unconditional.tokens is None and conditional.bias is None


def test_the_ide_runs_for_what_is_new_and_for_nothing_else(golden, extractor):
    rows = []
    handle = golden[0].ide.register_forward_pre_hook(lambda _, arguments: rows.append(len(arguments[0])))
    try:
        positive, negative, valid = texts(golden, 0)
        runs = [RowGroup(2, negative, WHOLE), RowGroup(2, positive, WHOLE)]
        for timestep in (801.0, 776.0, 801.0):
            ground(extractor, runs, [timestep] * 4, CPU)
        assert rows == [2 + len(positive.layout.visible(WHOLE).regions)] * 2 and len(valid) >= rows[0] - 2
        ground(extractor, runs, [751.0] * 4, CPU, instances=False)
        assert rows[2:] == [2]
    finally:
        handle.remove()


def test_rows_that_share_a_timestep_share_their_tokens(golden, extractor):
    positive, _, _ = texts(golden, 0)
    assert ground(extractor, [RowGroup(3, positive, WHOLE)], [801.0] * 3, CPU).groups[0].tokens.shape[0] == 1
    apart = ground(extractor, [RowGroup(2, positive, WHOLE)], [801.0, 281.5], CPU).groups[0]
    alone = [ground(extractor, [RowGroup(1, positive, WHOLE)], [t], CPU).groups[0] for t in (801.0, 281.5)]
    assert torch.allclose(apart.tokens, torch.cat([a.tokens for a in alone]), atol=1e-6)


def test_memory_is_bounded_by_bytes():
    cache = TensorCache(1000)
    for i in range(50):
        cache.put(i, torch.zeros(25))
    assert len(cache) == 10 and cache.size == 1000
    assert cache.get(0) is None and cache.get(49) is not None


def test_a_window_shows_its_part_of_the_layout():
    inside, across, outside = (
        Region("a", (0.55, 0.1, 0.8, 0.4)),
        Region("b", (0.3, 0.0, 0.7, 1.0)),
        Region("c", (0.0, 0.0, 0.4, 0.4)),
    )
    layout = Layout((inside, across, outside)).visible(Window((64, 64), (0, 32), (64, 32)))
    assert layout.indices == (0, 1)
    x0, y0, x1, y1 = box_pixels(inside.box, 512, 512)
    assert box_pixels(layout.regions[0].box, 256, 512) == (x0 - 256, y0, x1 - 256, y1)
    assert box_pixels(layout.regions[1].box, 256, 512) == (0, 0, box_pixels(across.box, 512, 512)[2] - 256, 512)


def test_a_window_cuts_masks_where_it_cuts_boxes():
    mask = torch.zeros(512, 512, dtype=torch.bool)
    mask[100:300, 200:400] = True
    window = Window((64, 64), (8, 32), (40, 24))
    masked = Layout((Region("m", (0, 0, 1, 1)).with_mask(mask),)).visible(window)
    boxed = Layout((Region("b", (200 / 512, 100 / 512, 400 / 512, 300 / 512)),)).visible(window)
    for grid in ((40, 24), (20, 12), (10, 6), (5, 3)):
        assert torch.equal(masked.members((40, 24), grid, CPU), boxed.members((40, 24), grid, CPU))


def test_strengths_are_logarithms_and_nothing_where_all_are_1():
    region = Region("a", (0, 0, 1, 1))
    assert Layout((region, region)).bias(CPU) is None
    from dataclasses import replace

    bias = Layout((replace(region, strength=2.0), region)).bias(CPU)
    assert bias.tolist() == [[pytest.approx(0.6931, abs=1e-4), 0.0]]


@settings(max_examples=150)
@given(st.data(), st.tuples(st.integers(8, 96), st.integers(8, 96)))
def test_a_box_in_a_window_keeps_its_pixels(data, full):
    size = tuple(data.draw(st.integers(1, side)) for side in full)
    offset = tuple(data.draw(st.integers(0, side - length)) for side, length in zip(full, size, strict=True))
    spans = []
    for side in full[::-1]:
        # Halves of a pixel, where one bit decides which way they round.
        spans.append(
            sorted(n / (16 * side) for n in data.draw(st.lists(st.integers(0, 16 * side), min_size=2, max_size=2)))
        )
    box = (spans[0][0], spans[1][0], spans[0][1], spans[1][1])
    left, top, width, height = offset[1] * 8, offset[0] * 8, size[1] * 8, size[0] * 8
    expected = None
    if pixels := box_pixels(box, full[1] * 8, full[0] * 8):
        x0, x1 = (min(max(x - left, 0), width) for x in pixels[::2])
        y0, y1 = (min(max(y - top, 0), height) for y in pixels[1::2])
        expected = (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
    shown = crop(Region("r", box), Window(full, offset, size))
    assert (box_pixels(shown.box, width, height) if shown else None) == expected


@pytest.mark.parametrize(("full", "offset", "size"), [(96, 24, 41), (85, 13, 37), (77, 3, 59), (64, 16, 33)])
def test_halves_of_a_pixel_round_in_a_window_as_they_do_in_the_whole(full, offset, size):
    window = Window((full, full), (offset, offset), (size, size))
    for half in range(16 * offset + 1, 16 * (offset + size - 1), 2):
        low, high = half / (16 * full), (offset + size) / full
        x0, y0, *_ = box_pixels((low, low, high, high), full * 8, full * 8)
        shown = crop(Region("r", (low, low, high, high)), window)
        assert box_pixels(shown.box, size * 8, size * 8) == (x0 - offset * 8, y0 - offset * 8, size * 8, size * 8)


def test_a_mask_finer_than_the_image_is_seen_whole_as_in_a_window():
    mask = torch.zeros(2048, 2048, dtype=torch.bool)
    mask[1000, 1000] = True
    layout = Layout((Region("m", (0, 0, 1, 1)).with_mask(mask),))
    assert layout.visible(Window((64, 64), (24, 24), (16, 16))).indices == (0,)
    assert layout.visible(WHOLE).indices == (0,)
    assert layout.visible(WHOLE).members((64, 64), (64, 64), CPU).sum() == 1


def test_any_strength_of_a_document_is_a_finite_bias():
    strengths = (1e308, 1e-300, 0.5, 1.0)
    bias = Layout(tuple(Region("a", (0, 0, 1, 1), strength=s) for s in strengths)).bias(CPU)
    assert bias.dtype == torch.float32 and bias[0].tolist() == pytest.approx([math.log(s) for s in strengths], rel=1e-6)


def test_even_one_tensor_is_not_kept_beyond_the_bound():
    cache = TensorCache(100)
    cache.put("small", torch.zeros(25))
    cache.put("large", torch.zeros(26))
    assert cache.size <= 100 and cache.get("large") is None


def test_an_extractor_that_can_remember_nothing_still_answers(golden):
    positive, _, _ = texts(golden, 0)
    wanted = [(t, 801.0) for t in positive.descriptions]
    forgetful, mindful = (Extractor(golden[0], result_bytes=b, text_bytes=b)(wanted, CPU) for b in (0, 2**20))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(forgetful, mindful, strict=True))


def test_threads_share_layouts_and_caches(golden):
    cache, layout = (
        TensorCache(4 * 25 * 10),
        Layout(tuple(Region(f"r{i}", (i / 8, 0, (i + 1) / 8, 1)) for i in range(8))),
    )
    failures = []

    def work(seed):
        draw = random.Random(seed)
        try:
            for _ in range(150):
                key = draw.randrange(40)
                cache.put(key, torch.full((25,), float(key)))
                found = cache.get(draw.randrange(40))
                assert found is None or len(set(found.tolist())) == 1
                width = draw.randrange(8, 90)
                shown = layout.visible(Window((8, 96), (0, 0), (8, width)))
                assert shown.members((8, width), (8, width), CPU).ne(0).all() and shown.boxes(CPU).shape[1] == len(
                    shown.regions
                )
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and cache.size == 1000 and len(cache) == 10
