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


# Samplers that ask the model for one timestep in two of their calls: as the end of a step and the beginning of the next
# one, to correct what they have found, or because two of their sigmas have the same timestep.
TWICE = ("heun", "heunpp2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "sa_solver_pece")


@pytest.mark.parametrize("sampler", TWICE)
def test_a_sampler_that_asks_twice_for_a_timestep_counts_as_two(graph, fusers, heard, sampler):
    how = {"steps": 6, "sampler": sampler, "scheduler": "normal", "size": (8, 8)}
    text = graph.encode()
    plain = graph.sample(graph.apply(), *text, **how)
    blocks, calls = fusers[0], len(fusers)
    fusers.clear()
    found = graph.sample(reusing(graph, 2), *text, **how)
    assert fusers == [0 if i % 2 else blocks for i in range(calls)] and calls > 6
    assert 0 < changed(found, plain) < 0.3 and not any(heard)


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

    def two_sizes(model, x, sigmas, extra_args=None, **_):
        first, second = (
            model(part, sigmas[i] * x.new_ones(1), **extra_args) for i, part in enumerate((x, x[..., ::2, ::2]))
        )
        return x + first.mean() + second.repeat(1, 1, 2, 2)

    found = [sampled_by(two_sizes, graph, model) for model in (graph.apply(), reusing(graph, 4))]
    assert torch.equal(*found) and len(fusers) == 4 and 0 not in fusers


def test_a_size_between_two_steps_is_reused_beside_the_whole(graph, fusers):
    """A sampler may have each step denoised a second time at another size."""

    def both_sizes(model, x, sigmas, extra_args=None, **_):
        for sigma in sigmas[:-1]:
            parts = [model(part, sigma * x.new_ones(1), **extra_args) for part in (x, x[..., ::2, ::2])]
            x = x + 0.1 * (parts[0] + parts[1].repeat(1, 1, 2, 2))
        return x

    plain, found = (sampled_by(both_sizes, graph, model, 4) for model in (graph.apply(), reusing(graph, 2)))
    assert [bool(ran) for ran in fusers[8:]] == [True, True, False, False] * 2 and 0 < changed(found, plain) < 0.2


def test_quarters_that_a_sampler_has_denoised_are_not_taken_for_each_other(graph, fusers, heard):
    """As large as a picture that is denoised smaller, several times at one timestep."""

    def quarters(model, x, sigmas, extra_args=None, **_):
        half = CELLS // 2
        for sigma in sigmas[:-1]:
            for i, j in ((0, 0), (0, half), (half, 0), (half, half)):
                part = x[..., i : i + half, j : j + half]
                part += 0.1 * model(part.clone(), sigma * x.new_ones(1), **extra_args)
        return x

    found = [sampled_by(quarters, graph, model, 3) for model in (graph.apply(), reusing(graph, 2))]
    assert torch.equal(*found) and 0 not in fusers and "several times in a step" in heard[1][0]


def test_pictures_of_a_batch_that_a_sampler_has_denoised_one_by_one_are_not_taken_for_each_other(graph, fusers):
    def in_turns(model, x, sigmas, extra_args=None, **_):
        for sigma in sigmas[:-1]:
            x = torch.cat([part + 0.1 * model(part, sigma * x.new_ones(1), **extra_args) for part in x.split(1)])
        return x

    found = [sampled_by(in_turns, graph, model, 3, batch=2) for model in (graph.apply(), reusing(graph, 2))]
    assert torch.equal(*found) and 0 not in fusers


def sampled_by(sampler, graph, model, steps=2, batch=1):
    import comfy.samplers

    noise = torch.randn(batch, 4, CELLS, CELLS, generator=torch.Generator().manual_seed(1))
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(*graph.encode())
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", steps)
    with torch.inference_mode():
        return guider.sample(noise, 0 * noise, comfy.samplers.KSAMPLER(sampler), sigmas)


@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_tiles_of_which_nobody_says_where_they_are_are_not_taken_for_each_other(graph, fusers, heard, sampler):
    """Without DEIG's texts nothing says it; they are the same rows to the host."""

    def halves(apply, arguments):
        x, t, c = arguments["input"], arguments["timestep"], arguments["c"]
        return torch.cat([apply(part.contiguous(), t, **c) for part in x.chunk(2, -1)], -1)

    found = []
    for model in (graph.apply(context="clip"), reusing(graph, 2, context="clip")):
        model.set_model_unet_function_wrapper(halves)
        found.append(graph.sample(model, graph.clip(), graph.clip(seed=1), steps=3, sampler=sampler))
    assert torch.equal(*found) and 0 not in fusers
    without, (said,) = heard
    assert not without and "several times in a step" in said


def test_sides_of_guidance_in_calls_of_their_own_are_each_reused(graph, fusers, monkeypatch):
    """As when memory is short."""
    import comfy.model_management as management

    monkeypatch.setattr(management, "get_free_memory", lambda *_, **__: 0)
    graph.sample(reusing(graph, 2), *graph.encode(), steps=4, sampler="heun", size=(8, 8))
    assert [bool(ran) for ran in fusers] == [True, True, False, False] * 3 + [True, True]


def test_a_run_in_which_nothing_could_be_reused_says_so(graph, heard):
    text = graph.encode()
    for settings, steps in (({"decay": 1.0}, 4), ({}, 4), ({}, 1)):
        graph.sample(reusing(graph, 2, **settings), *text, steps=steps, size=(8, 8))
    (faded,), reused, single = heard
    assert faded.startswith("DEIG Reuse Steps had nothing to reuse") and not reused and not single


def test_a_recorded_run_records_every_step(graph):
    model, attention = graph.node("DEIGRecordAttention", model=reusing(graph, 2), start=0.0, end=1.0)[:2]
    text = graph.encode()
    recorded = graph.sample(model, *text, steps=2)
    assert torch.equal(recorded, graph.sample(graph.apply(), *text, steps=2)) and attention is not None


def test_a_model_without_deig_stays_as_it_was(graph):
    assert graph.node("DEIGReuseSteps", model=graph.model, every=2)[0] is graph.model
