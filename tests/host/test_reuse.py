"""DEIG Reuse Steps: in some steps the fusers run, in the others what they added is added again."""

import pytest
import torch
from graph import CELLS, REGIONS
from parity import pack_module


def reusing(graph, every, **settings):
    return graph.node("DEIGReuseSteps", model=graph.apply(**settings), every=every)[0]


@pytest.fixture
def fusers(graph, monkeypatch):
    """How often fusers ran in each UNet call."""
    sampling, fuser = (pack_module(graph.host, name) for name in ("nodes.host.sampling", "deig_core.model.fuser"))
    counts, ground, forward = [], sampling.ground, fuser.Fuser.forward
    monkeypatch.setattr(sampling, "ground", lambda *a, **k: counts.append(0) or ground(*a, **k))

    def counted(self, *arguments, **keywords):
        counts[-1] += 1
        return forward(self, *arguments, **keywords)

    monkeypatch.setattr(fuser.Fuser, "forward", counted)
    return counts


def changed(a, b):
    return ((a - b).std() / b.std()).item()


def test_every_step_is_exactly_as_without(graph):
    text = graph.encode()
    assert torch.equal(graph.sample(reusing(graph, 1), *text), graph.sample(graph.apply(), *text))


def test_the_fusers_run_in_every_other_step_and_the_first_one_is_exact(graph, fusers):
    text = graph.encode()
    plain = graph.sample(graph.apply(), *text, steps=4)
    blocks, fusers[:] = fusers[0], []
    found = graph.sample(reusing(graph, 2), *text, steps=4)
    assert fusers == [blocks, 0, blocks, 0]
    assert 0 < changed(found, plain) < 0.2
    assert torch.equal(graph.sample(reusing(graph, 2), *text, steps=1), graph.sample(graph.apply(), *text, steps=1))


def test_each_run_begins_anew_and_gates_that_change_are_not_reused(graph, fusers):
    text, model = graph.encode(), reusing(graph, 2)
    first = graph.sample(model, *text, steps=3)
    assert torch.equal(graph.sample(model, *text, steps=3), first)
    fusers.clear()
    graph.sample(reusing(graph, 2, decay=1.0), *text, steps=4)
    assert 0 not in fusers[:3]


def test_a_region_that_comes_or_goes_is_not_reused(graph, fusers):
    """Where it begins or ends it is there or gone in the very next step, which would else add what was kept."""
    for share in ({"end": 0.25}, {"start": 0.25}):
        text = graph.encode([{"box": [0, 0, 0.5, 1], "description": "a dog", **share}, REGIONS[1]])
        fusers.clear()
        graph.sample(reusing(graph, 2), *text, steps=4)
        assert fusers[0] and fusers[1] == fusers[0] and fusers[3] == 0


def test_other_entries_are_not_taken_for_those_of_before(graph, fusers):
    """Two entries in turns over the schedule: the second one is not drawn with what was kept of the first."""
    dog = graph.encode([{"box": [0, 0, 0.5, 1], "description": "a dog"}])
    cat = graph.encode([{"box": [0.5, 0, 1, 1], "description": "a cat"}])
    early, late = (
        graph.node("ConditioningSetTimestepRange", conditioning=text[0], start=start, end=end)[0]
        for text, start, end in ((dog, 0.0, 0.25), (cat, 0.25, 1.0))
    )
    graph.sample(reusing(graph, 4), early + late, dog[1], steps=4)
    assert fusers[0] and fusers[1], "the second step is another entry's first"


def test_another_size_is_not_taken_for_that_of_before(graph, fusers):
    """A sampler may have the picture denoised at another size in its second step."""
    import comfy.samplers

    def two_sizes(model, x, sigmas, extra_args=None, **_):
        first, second = (
            model(part, sigmas[i] * x.new_ones(1), **extra_args) for i, part in enumerate((x, x[..., ::2, ::2]))
        )
        return x + first.mean() + second.repeat(1, 1, 2, 2)

    noise, found = torch.randn(1, 4, CELLS, CELLS, generator=torch.Generator().manual_seed(1)), []
    for model in (graph.apply(), reusing(graph, 4)):
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(*graph.encode())
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 2)
        with torch.inference_mode():
            found.append(guider.sample(noise, 0 * noise, comfy.samplers.KSAMPLER(two_sizes), sigmas))
    assert torch.equal(*found) and len(fusers) == 4 and 0 not in fusers


def test_tiles_of_which_nobody_says_where_they_are_are_not_taken_for_each_other(graph, fusers):
    """Without DEIG's texts nothing says it; they are the same rows to the host."""

    def halves(apply, arguments):
        x, t, c = arguments["input"], arguments["timestep"], arguments["c"]
        return torch.cat([apply(part.contiguous(), t, **c) for part in x.chunk(2, -1)], -1)

    found = []
    for model in (graph.apply(context="clip"), reusing(graph, 2, context="clip")):
        model.set_model_unet_function_wrapper(halves)
        found.append(graph.sample(model, graph.clip(), graph.clip(seed=1), steps=3))
    assert torch.equal(*found) and 0 not in fusers


def test_a_recorded_run_records_every_step(graph):
    model, attention = graph.node("DEIGRecordAttention", model=reusing(graph, 2), start=0.0, end=1.0)[:2]
    text = graph.encode()
    recorded = graph.sample(model, *text, steps=2)
    assert torch.equal(recorded, graph.sample(graph.apply(), *text, steps=2)) and attention is not None


def test_a_model_without_deig_stays_as_it_was(graph):
    assert graph.node("DEIGReuseSteps", model=graph.model, every=2)[0] is graph.model
