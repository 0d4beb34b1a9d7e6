"""The bench measures two formulations of one function, and its own tools count right. Nothing here is timed."""

import functools

import pytest
import torch

from deig_core.attention import IMPLEMENTATIONS, masked_attention
from deig_core.attention.contract import AttentionCall
from deig_core.attention.triton import policy
from deig_core.layout.masks import shared_membership
from research.bench import official, scene
from research.bench.gpu import rivals
from research.bench.measure import Row, flops, of_pairs, peak_bytes, table

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("attend", [official.softmax_attention, official.fused_attention])
def test_the_official_formulation_is_the_same_function(attend):
    torch.manual_seed(0)
    fuser = scene.fuser(64, CPU, torch.float32)
    for count in (1, 5, 31):
        (level, *_) = scene.levels(
            count, (8, 8), CPU, torch.float32, {(320, 0): fuser, (640, 1): None, (1280, 2): None, (1280, 3): None}
        )
        x = torch.randn(1, 64, 64)
        (instances,) = level.instances
        tokens = official.padded(instances.tokens, scene.TOKENS)
        mask = official.dense_mask(instances.members, scene.TOKENS, tokens.shape[1] // scene.TOKENS, scene.HEADS)
        torch.testing.assert_close(official.official_fuser(fuser, x, tokens, mask, attend), fuser(x, level.instances))


def test_the_scene_is_that_of_stable_diffusion():
    fusers = dict.fromkeys([(320, 0), (640, 1), (1280, 2), (1280, 3)])
    levels = scene.levels(64, (128, 64), CPU, torch.float32, fusers)
    assert [(level.count, *level.x.shape[1:]) for level in levels] == [
        (5, 8192, 320),
        (5, 2048, 640),
        (5, 512, 1280),
        (1, 128, 1280),
    ]
    assert all(level.instances[0].members.bool().all() for level in levels)


def test_peak_memory_counts_what_lives_at_a_time():
    before = torch.zeros(1000)

    def call():
        a = before[:10].view(2, 5).float()  # views take nothing
        b = torch.zeros(256) + 1  # 1 KB and its sum
        del b
        return a, torch.zeros(512)  # 2 KB

    assert peak_bytes(call, CPU) == 2048


def test_a_ratio_is_the_median_of_its_rounds():
    found = of_pairs([(2.0, 1.0), (9.0, 3.0), (8.0, 1.0)])
    assert (found.value, found.low, found.high, found.a, found.b) == (3.0, 2.0, 8.0, 8.0, 1.0)


def test_the_table_says_which_goals_were_missed():
    rows = [
        Row("g", "a", 1.2, 1.1, 1.3, at_most=1.25),
        Row("g", "b", 3.0, at_least=4.0),
        Row("h", "c", 320.0, unit="MB", note="counted"),
    ]
    assert [row.met for row in rows] == [True, False, None]
    text = table(rows)
    assert "goal <= 1.250  met" in text and "goal >= 4.000  MISSED" in text and "320.0 MB" in text


def test_small_ratios_are_not_rounded_to_nothing():
    assert "3e-05 x" in table([Row("g", "a", 0.00003)])


def test_operations_are_counted_as_multiplications_and_additions():
    a, b = torch.zeros(3, 5), torch.zeros(5, 7)
    assert flops(lambda: a @ b) == 2 * 3 * 5 * 7
    q, k = torch.zeros(2, 4, 6, 8), torch.zeros(2, 4, 9, 8)
    assert flops(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, k)) == 2 * (2 * 4 * 6 * 9 * 8) * 2


@pytest.mark.parametrize("made", [rivals.dense_mask, rivals.flex])
def test_what_the_kernel_is_compared_with_is_the_same_function(made):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 64, 8)
    token_k, token_v = torch.randn(2, 1, 2, 3 * 4, 8)
    members = shared_membership(scene.regions(3), (8, 8), (8, 8))[None]
    call = AttentionCall(q, k, v, token_k, token_v, members, 4)
    torch.testing.assert_close(made(call)(), IMPLEMENTATIONS["dense"](call))


def test_operations_are_counted_without_the_kernel(monkeypatch):
    """Torch cannot count inside it."""
    seen = []
    monkeypatch.setattr(policy, "suits", lambda q: seen.append(policy._failed))
    q = torch.randn(1, 1, 4, 8)
    call = functools.partial(masked_attention, q, q, q, q, q, torch.ones(1, 4, dtype=torch.int64), tokens_per_region=4)
    assert flops(call) > 0 and seen == [True]
    call()
    assert seen == [True, False]
