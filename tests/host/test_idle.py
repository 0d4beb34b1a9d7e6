"""Regions whose conditioning has a timestep range of its own, and no step of the run in it: said at the sampler."""

import pytest
import torch
from graph import CELLS

LATE = "in a conditioning that is used from 0.6 to 1 of it (its timestep range)"
RUN = "and off in every step of this run, which goes from {} of it: no effect."


def region(**values):
    return {"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree", **values}


def ranged(graph, conditioning, start, end):
    return graph.node("ConditioningSetTimestepRange", conditioning=conditioning, start=start, end=end)[0]


def cut(graph, model, positive, negative, first, last, cfg=7.5, steps=4):
    """KSampler (Advanced) from one step until another."""
    return graph.node(
        "KSamplerAdvanced",
        model=model,
        add_noise="enable",
        noise_seed=1,
        steps=steps,
        cfg=cfg,
        sampler_name="euler",
        scheduler="ddim_uniform",
        positive=positive,
        negative=negative,
        latent_image={"samples": torch.zeros(1, 4, CELLS, CELLS)},
        start_at_step=first,
        end_at_step=last,
        return_with_leftover_noise="enable",
    )[0]["samples"]


@pytest.mark.parametrize("cfg", [1.0, 7.5])
@pytest.mark.parametrize("both", [False, True])
def test_a_conditioning_without_a_step_is_said_in_the_run_that_has_none_and_in_no_other(graph, heard, both, cfg):
    """With both sides out of their range, or one and CFG 1, the host asks the model nothing at all."""
    positive, negative = graph.encode([region(), region()])
    positive = ranged(graph, positive, 0.6, 1.0)
    if both:
        negative = ranged(graph, negative, 0.6, 1.0)
    model = graph.apply()
    cut(graph, model, positive, negative, 0, 2, cfg)
    cut(graph, model, positive, negative, 2, 4, cfg)
    said = f"Regions 1, 2 are there from 0 to 1 of the noise schedule, {LATE}, {RUN.format('0.25 to 0.5')}"
    assert heard == [[said], []]


def test_of_several_conditionings_the_one_without_a_step_is_said(graph, heard):
    """The two halves are two nodes' regions: the first one's third, and the other's first."""
    early, negative = graph.encode([region(enabled=False), region(enabled=False), region()])
    late, _ = graph.encode([region()])
    positive = graph.node(
        "ConditioningCombine",
        conditioning_1=ranged(graph, early, 0.0, 0.3),
        conditioning_2=ranged(graph, late, 0.3, 1.0),
    )[0]
    graph.sample(graph.apply(), positive, negative, steps=4, denoise=0.5)
    early = "in a conditioning that is used from 0 to 0.3 of it (its timestep range)"
    said = f"Region 3 is there from 0 to 1 of the noise schedule, {early}, {RUN.format('0.625 to 1')}"
    assert heard == [[said]]


def test_a_region_that_is_there_when_its_conditioning_is_not(graph, heard):
    positive, negative = graph.encode([region(), region(end=0.5)])
    graph.sample(graph.apply(end=0.9), ranged(graph, positive, 0.6, 1.0), negative, steps=4)
    said = (
        f"Region 2 is there from 0 to 0.5 of the noise schedule, {LATE}, where the regions act from 0 to 0.9 "
        f"(Apply DEIG), {RUN.format('0.25 to 1')}"
    )
    assert heard == [[said]]


def test_a_region_used_in_several_ranges(graph, heard):
    positive, negative = graph.encode([region()])
    parts = ranged(graph, positive, 0.3, 0.4) + ranged(graph, positive, 0.8, 0.9)
    graph.sample(graph.apply(), parts, negative, steps=4)
    used = "in a conditioning that is used from 0.3 to 0.4 and from 0.8 to 0.9 of it (its timestep range)"
    said = f"Region 1 is there from 0 to 1 of the noise schedule, {used}, {RUN.format('0.25 to 1')}"
    assert heard == [[said]]


@pytest.mark.parametrize(("side", "name"), [(0, "positive"), (1, "negative")])
def test_a_region_that_acts_on_one_side_alone(graph, heard, side, name):
    """Of its two texts one is never read."""
    sides = list(graph.encode([region(), region(negative="leaves")]))
    sides[side] = ranged(graph, sides[side], 0.0, 0.3)
    graph.sample(graph.apply(), *sides, steps=4, denoise=0.5)
    used = "in a conditioning that is used from 0 to 0.3 of it (its timestep range)"
    rest = f"there from 0 to 1 of the noise schedule, {used}, {RUN.format('0.625 to 1')}"
    alone = [f"Region 1 is {rest}"] if side == 0 else []
    assert heard == [[*alone, f"On the {name} side, region 2 is {rest}"]]


def test_all_out_of_the_model_s_reach_is_one_sentence(graph, heard):
    """Apply DEIG's own range is what keeps every region from acting, whatever their conditionings say."""
    positive, negative = graph.encode([region()])
    graph.sample(graph.apply(end=0.4), ranged(graph, positive, 0.0, 0.3), negative, steps=4, denoise=0.5)
    ((said,),) = heard
    assert said.startswith("The regions act from 0 to 0.4 of the noise schedule (Apply DEIG), and are off")


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (0.0, 0.25), (0.749, 1.0), (0.5, 0.5), (0.498, 0.499)], ids=str)
def test_a_range_with_a_step_in_it_is_not_said(graph, heard, start, end):
    """Also one that begins or ends at the very step."""
    from comfy.samplers import calculate_sigmas

    if start == end:
        model = graph.model.model.model_sampling
        at = calculate_sigmas(model, "ddim_uniform", 4)[2]
        start = end = 1 - model.timestep(at).item() / 999
    positive, negative = graph.encode([region()])
    out = graph.sample(graph.apply(), ranged(graph, positive, start, end), negative, steps=4)
    assert heard == [[]] and out.isfinite().all()


@pytest.mark.parametrize("model", ["lcm", "v_prediction"])
def test_what_other_models_of_time_make_of_a_range(graph, heard, model):
    """In LCM's the last step is at 19 of 999, which a range that begins at 0.99 has in it."""
    (patched,) = graph.node("ModelSamplingDiscrete", model=graph.apply(), sampling=model, zsnr=False)
    positive, negative = graph.encode([region()])
    negative = ranged(graph, negative, 0.0, 1.0)
    used = []
    for start, end in ((0.0, 0.1), (0.5, 0.55), (0.9, 0.97), (0.99, 1.0)):
        asked = []
        watched = patched.clone()
        watched.add_wrapper_with_key("apply_model", "test", _noting(asked))
        graph.sample(watched, ranged(graph, positive, start, end), negative, steps=4, scheduler="normal")
        used.append(any(asked))
        assert bool(heard.pop()) != used[-1], (start, end)
    assert used == [True, False, False, True]


def _noting(asked):
    def wrapper(executor, *args, **kwargs):
        asked.append(any(cond.text.layout.regions for cond in kwargs.get("deig") or ()))
        return executor(*args, **kwargs)

    return wrapper
