"""Layers that have no weights until a state dict is loaded, as a host's may (ComfyUI's Linear with DynamicVRAM)."""

import math
from types import SimpleNamespace

import pytest
import torch
from small_adapter import SMALL
from torch import nn
from torch.nn import functional as F

from deig_core.checkpoint import load_adapter, read_published, save_adapter
from deig_core.checkpoint.read import PublishedCheckpoint, check_finite
from deig_core.errors import WeightsError
from deig_core.model import operations
from deig_core.model.adapter import DeigAdapter, expected_weights
from deig_core.model.untrained import random_weights, untrained_adapter


class LazyLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.weight = self.bias = None

    def _load_from_state_dict(self, state_dict, prefix, *_):
        for key, value in state_dict.items():
            setattr(self, key.removeprefix(prefix), nn.Parameter(value, requires_grad=False))

    def forward(self, x):
        return F.linear(x, self.weight.to(x), None if self.bias is None else self.bias.to(x))


LAZY = SimpleNamespace(Linear=LazyLinear, LayerNorm=operations.LayerNorm)


@pytest.fixture
def weights():
    return {k: torch.randn(v.shape) for k, v in expected_weights(SMALL).items()}


def checkpoint(weights):
    return PublishedCheckpoint(weights, {}, {}, {})


def test_such_a_layer_has_nothing_to_compare_a_file_with():
    assert DeigAdapter(SMALL, operations=LAZY).published_state_dict().keys() < expected_weights(SMALL).keys()


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_loading_computing_and_saving(weights, tmp_path, dtype):
    lazy, ours = (load_adapter(checkpoint(weights), operations=o, dtype=dtype) for o in (LAZY, operations))
    assert not any(p.requires_grad for p in lazy.parameters())
    for key, value in lazy.published_state_dict().items():
        assert torch.equal(value, weights[key].to(dtype or torch.float32))
    assert lazy.published_state_dict().keys() == weights.keys()
    text, times = torch.randn(2, 128, 24), torch.tensor([3.0, 700.0])
    tokens = [a.ide(a.ide.project_text(text), times) for a in (lazy, ours)]
    assert torch.equal(*tokens)
    save_adapter(tmp_path / "a.safetensors", lazy, SMALL, dtype=torch.float32)
    again = load_adapter(read_published(tmp_path / "a.safetensors"))
    assert all(torch.equal(v, lazy.published_state_dict()[k].float()) for k, v in again.published_state_dict().items())


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda w: w.pop("position_net.linears.2.bias"), "missing: position_net.linears.2.bias"),
        (lambda w: w.update({"IDE.extra.weight": torch.zeros(1)}), "not expected: IDE.extra.weight"),
        (
            lambda w: w.update({"middle_block.1.transformer_blocks.0.fuser.linear.bias": torch.zeros(7)}),
            r"fuser.linear.bias is \[7\] where \[32\] was expected",
        ),
    ],
)
def test_what_does_not_fit_is_named_all_the_same(weights, spoil, named):
    spoil(weights)
    with pytest.raises(WeightsError, match=named):
        load_adapter(checkpoint(weights), operations=LAZY)


def test_an_adapter_without_its_weights_is_not_saved(tmp_path):
    with pytest.raises(WeightsError, match=r"missing: IDE\.time_embedding\.linear_1\.weight"):
        save_adapter(tmp_path / "a.safetensors", DeigAdapter(SMALL, operations=LAZY), SMALL)
    assert not list(tmp_path.iterdir())


def test_untrained_adapters_repeat_with_their_seed_and_differ_between_seeds():
    lazy, same, other = (
        untrained_adapter(SMALL, seed, operations=o).published_state_dict()
        for seed, o in ((5, LAZY), (5, operations), (6, LAZY))
    )
    assert lazy.keys() == same.keys() == expected_weights(SMALL).keys()
    assert all(torch.equal(v, same[k]) for k, v in lazy.items())
    assert not torch.equal(lazy["IDE.connector.latents"], other["IDE.connector.latents"])
    assert all(v > 0 for k, v in lazy.items() if ".alpha_" in k)


def test_random_weights_keep_activations_of_order_one():
    shapes = {"a.weight": torch.empty(300, 200), "norm.weight": torch.empty(9), "a.bias": torch.empty(9)}
    made = random_weights(shapes, 1)
    assert 0.9 < made["a.weight"].std() * math.sqrt(200) < 1.1
    assert made["norm.weight"].eq(1).all() and made["a.bias"].eq(0).all()


BAD = [float("nan"), float("inf"), -float("inf")]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("count", [1, 7, 4099, 70_001])
def test_one_bad_number_is_found_wherever_it_stands(bad, dtype, count):
    for place in {0, count // 3, count // 2, count - 1}:
        weight = torch.randn(count).to(dtype)
        check_finite({"w": weight})
        weight[place] = bad
        said = r"^The DEIG weights are damaged: w holds NaN or infinity \(as \w+\); .*\.$"
        with pytest.raises(WeightsError, match=said):
            check_finite({"fine": torch.ones(3), "w": weight})


def test_what_cannot_be_infinite_passes():
    check_finite({"empty": torch.empty(0, 3), "whole": torch.arange(3), "scalar": torch.tensor(1.0)})
    check_finite({"largest": torch.tensor([65504.0, -65504.0]).half()})
    check_finite({"eight bits": torch.ones(4).to(torch.float8_e4m3fn)})
    with pytest.raises(WeightsError, match="eight bits"):
        check_finite({"eight bits": torch.tensor([1.0, float("nan")]).to(torch.float8_e5m2)})


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("key", ["IDE.connector.latents", "middle_block.1.transformer_blocks.0.fuser.alpha_attn"])
def test_an_adapter_that_is_not_finite_is_refused_by_name(weights, key, bad):
    weights[key].view(-1)[-1] = bad
    with pytest.raises(WeightsError, match=key):
        load_adapter(checkpoint(weights), operations=LAZY)


def test_a_number_too_large_for_the_precision_asked_for_is_refused_too(weights):
    weights["position_net.linears.0.bias"][3] = 1e6
    load_adapter(checkpoint(weights))
    with pytest.raises(WeightsError, match=r"position_net\.linears\.0\.bias holds NaN or infinity \(as float16\)"):
        load_adapter(checkpoint(weights), dtype=torch.float16)
