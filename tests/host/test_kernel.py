"""The fusers' attention inside the host: its own attention where no region is, and its compiled models."""

from dataclasses import replace

import pytest
import torch
from parity import pack_module


@pytest.fixture(scope="module")
def text(graph):
    return graph.encode()


def watched(graph, model, encoded):
    """(rows, cells) of every attention that the fusers of one CFG step ask the host for."""
    sampling, seen = pack_module(graph.host, "nodes.host.sampling"), []
    own = sampling.optimized_attention

    def watch(q, *arguments, **options):
        seen.append(tuple(q.shape[:2]))
        return own(q, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "optimized_attention", watch)
        graph.sample(model, *encoded, steps=1)
    return seen


def test_where_no_region_is_the_hosts_own_attention_works(graph, text):
    fusers = len(graph.adapter.model.adapter.fusers)
    seen = watched(graph, graph.apply(), text)
    assert len(seen) == fusers and {rows for rows, _ in seen} == {1}  # the unconditional half
    seen = watched(graph, graph.apply(), graph.encode([]))
    assert len(seen) == fusers and {rows for rows, _ in seen} == {2}  # both halves in one call
    assert {cells for _, cells in seen} == {16 * 16, 8 * 8, 4 * 4}


def test_a_choice_of_attention_in_the_model_reaches_the_fusers(graph, text):
    """What nodes set as optimized_attention_override holds for DEIG's own calls as for the UNet's."""
    calls = []

    def override(function, *arguments, **options):
        calls.append(arguments[0].shape)
        return function(*arguments, **options)

    def count(model, encoded):
        model = model.clone()
        model.model_options["transformer_options"]["optimized_attention_override"] = override
        calls.clear()
        graph.sample(model, *encoded, steps=1)
        return len(calls)

    clip = graph.clip(), graph.clip(seed=1)
    assert count(graph.apply(), text) - count(graph.model, clip) == len(graph.adapter.model.adapter.fusers)


@pytest.fixture(scope="module")
def small(graph):
    """A UNet of one level, because the compiler takes its time for every block, and an adapter for it."""
    sd1, patchers, compatibility = (
        pack_module(graph.host, f"nodes.host.{name}") for name in ("sd1", "patchers", "compatibility")
    )
    unet = {
        **sd1.SMALL_UNET,
        "num_res_blocks": [1],
        "channel_mult": [1],
        "transformer_depth": [1],
        "transformer_depth_output": [1, 0],
    }
    config = replace(graph.adapter.model.adapter.config, fusers=tuple(compatibility.transformer_blocks(unet).items()))
    untrained = pack_module(graph.host, "deig_core.model.untrained")
    adapter = untrained.untrained_adapter(config, 1, operations=patchers.OPERATIONS)
    return sd1.sd1_model(unet, 1), patchers.adapter_patcher(adapter)


@pytest.mark.parametrize("deig_first", [True, False])
def test_a_compiled_model_samples_the_same(graph, text, small, deig_first):
    def compiled(model):
        # The node's other backends need a C++ compiler and minutes.
        return graph.node("TorchCompileModel", model=model, backend="eager")[0]

    model, adapter = small
    torch._dynamo.reset()
    plain = graph.sample(graph.apply(model, adapter=adapter), *text)
    if deig_first:
        both = compiled(graph.apply(model, adapter=adapter))
    else:
        both = graph.apply(compiled(model), adapter=adapter)
    torch.testing.assert_close(graph.sample(both, *text), plain, rtol=0, atol=1e-3)
