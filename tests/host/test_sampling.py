"""DEIG through the host's own samplers, beside everything else that people put into a graph."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from graph import CELLS, PIXELS, REGIONS
from parity import pack_module

TREE = [{"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree"}]


def changed(a, b):
    return (a - b).abs().max().item()


@pytest.fixture(scope="session")
def text(graph):
    return graph.encode()


def test_rows_of_a_batch_are_what_they_are_alone(graph, text):
    model = graph.apply()
    four = graph.sample(model, *text, batch=4)
    assert changed(four[:1], graph.sample(model, *text)) < 1e-3 * four.std()
    assert changed(four[:1], four[1:2]) > 1


@pytest.mark.parametrize("size", [(12, 20), (20, 12), (13, 19), (5, 32)])
def test_any_size_reaches_the_picture(graph, size):
    model = graph.apply()
    document = graph.regions(width=size[1] * 8, height=size[0] * 8)
    other = graph.regions([{"box": [0.05, 0.1, 0.5, 0.9], "description": "a green dog"}], size[1] * 8, size[0] * 8)
    first = graph.sample(model, *graph.encode(document), size=size)
    assert first.shape == (1, 4, *size) and first.isfinite().all()
    assert changed(first, graph.sample(model, *graph.encode(other), size=size)) > 1e-2


def test_the_first_fuser_moves_the_cells_of_the_box_and_no_others(graph):
    """Before anything mixes cells, two descriptions of a box differ exactly there."""
    outputs = []
    handle = graph.adapter.model.adapter.fuser(("input", 1, 0)).register_forward_hook(
        lambda *a: outputs.append(a[2].clone())
    )
    try:
        for words in ("a red cube", "a green dog with a hat"):
            graph.sample(
                graph.apply(), *graph.encode([{"box": [0.25, 0.5, 0.75, 1.0], "description": words}]), steps=1, cfg=1.0
            )
    finally:
        handle.remove()
    moved = (outputs[0] - outputs[1]).abs().amax(-1).view(CELLS, CELLS) > 0
    inside = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    inside[8:16, 4:12] = True
    assert torch.equal(moved, inside)


def test_hires_second_pass(graph, text):
    model = graph.apply()
    low = graph.sample(model, *text)
    (large,) = graph.node(
        "LatentUpscale", samples={"samples": low}, upscale_method="bilinear", width=192, height=192, crop="disabled"
    )
    high = graph.sample(model, *text, latent=large, denoise=0.5, steps=4)
    assert high.shape[-2:] == (24, 24) and changed(high, large["samples"]) > 1


def test_latent_mask_keeps_the_rest(graph, text):
    start = torch.randn(1, 4, CELLS, CELLS, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(PIXELS, PIXELS)
    mask[:, 64:] = 1
    (latent,) = graph.node("SetLatentNoiseMask", samples={"samples": start}, mask=mask)
    out = graph.sample(graph.apply(), *text, latent=latent, denoise=0.7, steps=5)
    assert changed(out[..., :7], start[..., :7]) < 1e-4 and changed(out[..., 9:], start[..., 9:]) > 1


def test_conditioning_combine_keeps_both_documents(graph, text, runs):
    positive, negative = text
    other, _ = graph.encode([{"box": [0.5, 0.0, 1.0, 0.5], "description": "a kite"}])
    (both,) = graph.node("ConditioningCombine", conditioning_1=positive, conditioning_2=other)
    combined = graph.sample(graph.apply(), both, negative)
    assert sorted(len(r.text.layout.regions) for r in runs[0]) == [0, 1, 2]
    assert changed(combined, graph.sample(graph.apply(), positive, negative)) > 1e-2


def test_timestep_ranges(graph, text, runs):
    positive, negative = text
    (early,) = graph.node("ConditioningSetTimestepRange", conditioning=positive, start=0.0, end=0.5)
    (late,) = graph.node("ConditioningSetTimestepRange", conditioning=graph.encode([])[0], start=0.5, end=1.0)
    graph.sample(graph.apply(), early + late, negative, steps=4)
    assert [max(len(r.text.layout.regions) for r in call) for call in runs] == [2, 2, 0, 0]


@pytest.mark.parametrize("node", ["ConditioningSetArea", "ConditioningSetAreaPercentage"])
def test_areas_see_their_part_of_the_layout(graph, text, runs, node):
    positive, negative = text
    if node == "ConditioningSetArea":
        (area,) = graph.node(node, conditioning=positive, width=64, height=128, x=64, y=0, strength=1.0)
    else:
        (area,) = graph.node(node, conditioning=positive, width=0.5, height=1.0, x=0.5, y=0.0, strength=1.0)
    graph.sample(graph.apply(), area, negative, steps=1)
    (run,) = [r for call in runs for r in call if r.text.layout.regions]
    assert (run.window.full, run.window.offset, run.window.size) == ((16, 16), (0, 8), (16, 8))
    (seen,) = run.text.layout.visible(run.window).regions  # the other box ends where the area begins
    assert seen.description.startswith("a boy") and seen.box == pytest.approx((0.0, 0.3, 0.9, 0.8))


def test_lora_changes_the_base_and_deig_stays(graph, text):
    import comfy.sd

    name = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q"
    generator = torch.Generator().manual_seed(0)
    weights = {
        f"{name}.lora_up.weight": torch.randn(32, 4, generator=generator),
        f"{name}.lora_down.weight": torch.randn(4, 32, generator=generator),
    }
    model, _ = comfy.sd.load_lora_for_models(graph.model, None, weights, 1.0, 0.0)
    assert model.patches
    plain = graph.sample(graph.apply(), *text)
    before, after = (
        graph.sample(graph.apply(model), *text),
        graph.node("LoraLoaderModelOnly", model=model, lora_name="", strength_model=0.0),
    )
    assert changed(plain, before) > 1e-2
    assert torch.equal(graph.sample(graph.apply(after[0]), *text), before)
    assert torch.equal(graph.sample(graph.apply(), *text), plain)


def test_controlnet(graph, text):
    hint = torch.rand(1, PIXELS, PIXELS, 3, generator=torch.Generator().manual_seed(0))
    # ControlNets read the conditioning's own tensor; the demo's is 64 wide where CLIP's is 768.
    clip = graph.clip()
    positive, negative = graph.encode(positive=clip, negative=clip)
    plain = graph.sample(graph.apply(), positive, negative)
    controlled = graph.node(
        "ControlNetApplyAdvanced",
        positive=positive,
        negative=negative,
        control_net=graph.tiny_controlnet(),
        image=hint,
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
    )
    out = graph.sample(graph.apply(), *controlled)
    assert changed(out, plain) > 1e-2
    with_other_text = graph.encode([{"box": [0, 0, 0.5, 1], "description": "a tree"}], positive=clip, negative=clip)
    other = graph.node(
        "ControlNetApplyAdvanced",
        positive=with_other_text[0],
        negative=with_other_text[1],
        control_net=graph.tiny_controlnet(),
        image=hint,
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
    )
    assert changed(out, graph.sample(graph.apply(), *other)) > 1e-2


@pytest.mark.parametrize(
    ("node", "inputs"),
    [
        ("FreeU_V2", {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2}),
        ("HyperTile", {"tile_size": 64, "swap_size": 2, "max_depth": 1, "scale_depth": False}),
        (
            "PatchModelAddDownscale",
            {
                "block_number": 2,
                "downscale_factor": 2.0,
                "start_percent": 0.0,
                "end_percent": 0.6,
                "downscale_after_skip": True,
                "downscale_method": "bicubic",
                "upscale_method": "bicubic",
            },
        ),
        ("PerturbedAttentionGuidance", {"scale": 3.0}),
    ],
)
@pytest.mark.parametrize("deig_first", [True, False])
def test_other_patches_work_beside_deig(graph, text, node, inputs, deig_first):
    def both(encoded):
        model = graph.model
        for patch in ("deig", "other") if deig_first else ("other", "deig"):
            model = graph.apply(model) if patch == "deig" else graph.node(node, model=model, **inputs)[0]
        return graph.sample(model, *encoded, steps=2)

    out = both(text)
    assert changed(out, both(graph.encode(TREE))) > 1e-2, "DEIG acts"
    assert changed(out, graph.sample(graph.apply(), *text, steps=2)) > 1e-2, "and so does the other"


def test_deep_shrink_by_an_uneven_factor(graph, text):
    (model,) = graph.node(
        "PatchModelAddDownscale",
        model=graph.model,
        block_number=2,
        downscale_factor=1.5,
        start_percent=0.0,
        end_percent=1.0,
        downscale_after_skip=True,
        downscale_method="bicubic",
        upscale_method="bicubic",
    )
    out = graph.sample(graph.apply(model), *text, steps=2)
    assert changed(out, graph.sample(graph.apply(), *text, steps=2)) > 1e-2, "the picture is denoised smaller"
    assert changed(out, graph.sample(graph.apply(model), *graph.encode(TREE), steps=2)) > 1e-2, "and DEIG acts in it"


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision_is_close(graph, text, dtype, tolerance):
    """Largest deviation of one step from float32, in standard deviations."""
    sd1, patchers = pack_module(graph.host, "nodes.host.sd1"), pack_module(graph.host, "nodes.host.patchers")
    sampling = pack_module(graph.host, "nodes.host.sampling")
    half = sd1.sd1_model(sd1.SMALL_UNET, graph.model.model.diffusion_model.state_dict(), dtype=dtype)
    adapter = graph.adapter.model.adapter
    copy = type(adapter)(adapter.config, operations=patchers.OPERATIONS, dtype=dtype)
    copy.load_published({k: v.to(dtype) for k, v in adapter.published_state_dict().items()})
    model = sampling.apply_deig(half, patchers.adapter_patcher(copy), sampling.Settings(sampling.GateSchedule()))
    full, out = graph.sample(graph.apply(), *text, steps=1, cfg=1.0), graph.sample(model, *text, steps=1, cfg=1.0)
    assert half.model.get_dtype() == dtype
    assert 0 < changed(full, out) < tolerance * full.std()


def test_unloading_between_runs_changes_nothing(graph, text):
    import comfy.model_management as management

    model = graph.apply()
    first = graph.sample(model, *text)
    management.unload_all_models()
    assert torch.equal(graph.sample(model, *text), first)


def test_the_adapter_is_loaded_with_the_model(graph, text):
    import comfy.model_management as management

    management.unload_all_models()
    graph.sample(graph.apply(), *text, steps=1)
    assert any(m.model.model is graph.adapter.model for m in management.current_loaded_models)


def test_cancel_in_the_middle_leaves_no_trace(graph, text):
    model = graph.apply()
    first = graph.sample(model, *text)
    graph.interrupt(model, *text)
    assert torch.equal(graph.sample(model, *text), first)


def test_the_plain_branch_is_untouched(graph, text):
    clip = graph.clip(), graph.clip(seed=1)
    before = graph.sample(graph.model, *clip)
    graph.sample(graph.apply(), *text)
    assert torch.equal(graph.sample(graph.model, *clip), before)
    carrying = graph.encode(positive=clip[0], negative=clip[1])
    assert torch.equal(graph.sample(graph.model, *carrying), before)


def test_strength_0_in_clip_mode_is_the_plain_model(graph):
    clip = graph.clip(), graph.clip(seed=1)
    carrying = graph.encode(positive=clip[0], negative=clip[1])
    assert torch.equal(
        graph.sample(graph.apply(strength=0.0, context="clip"), *carrying), graph.sample(graph.model, *clip)
    )


def test_contexts(graph):
    clip = graph.clip(), graph.clip(seed=1)
    carrying = graph.encode(positive=clip[0], negative=clip[1])
    t5, by_clip, concat = (graph.sample(graph.apply(context=c), *carrying) for c in ("t5", "clip", "concat"))
    assert min(changed(t5, by_clip), changed(t5, concat), changed(by_clip, concat)) > 1e-2


def test_the_fuser_runs_without_instances_too(graph):
    """Plain CLIP conditionings through a patched model: the gates act on the visual tokens alone (docs/method.md
    section 5).
    """
    clip = graph.clip(), graph.clip(seed=1)
    assert changed(graph.sample(graph.apply(context="clip"), *clip), graph.sample(graph.model, *clip)) > 1e-2


def test_applying_twice_is_applying_the_last(graph, text):
    once = graph.sample(graph.apply(strength=0.5), *text)
    assert torch.equal(graph.sample(graph.apply(graph.apply(strength=1.0), strength=0.5), *text), once)


def gates_of_each_call(graph, model, encoded, steps=4):
    """With which scales the fusers ran, and how often, in each of a run's UNet calls."""
    calls, fusers = [], graph.adapter.model.adapter.fusers.values()

    def call(apply, arguments):
        calls.append(Counter())
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    model = model.clone()
    model.set_model_unet_function_wrapper(call)
    handles = [f.register_forward_pre_hook(lambda _, inputs: calls[-1].update([inputs[2]])) for f in fusers]
    try:
        graph.sample(model, *encoded, steps=steps)
    finally:
        for handle in handles:
            handle.remove()
    return calls


@pytest.mark.parametrize(
    ("settings", "scales"),
    [
        ({}, [1, 1, 1, 1]),
        ({"end": 0.5}, [1, 1, 0, 0]),
        ({"start": 0.5}, [0, 0, 1, 1]),
        ({"start": 0.25, "end": 0.75, "strength": 0.5}, [0, 0.5, 0.5, 0]),
        ({"start": 0.99}, [0, 0, 0, 1]),
        ({"decay": 0.5, "strength": 2.0}, [2, 2, 1, 0]),
        ({"strength": 0.0}, [0, 0, 0, 0]),
    ],
    ids=str,
)
def test_start_end_and_decay_bound_the_gates_of_each_step(graph, text, settings, scales):
    """On DDIM's timesteps, whose progress is 1/4, 2/4, 3/4 and 4/4; a shut gate is a fuser that does not run."""
    fusers = len(graph.adapter.model.adapter.fusers)
    found = gates_of_each_call(graph, graph.apply(**settings), text)
    assert [sum(call.values()) for call in found] == [fusers * bool(scale) for scale in scales]
    assert [scale for call in found for scale in call] == pytest.approx([scale for scale in scales if scale])


def test_region_strength_and_enabled(graph):
    def sample(**values):
        box = {"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree"}
        return graph.sample(
            graph.apply(), *graph.encode([{"box": [0.5, 0.0, 1.0, 1.0], "description": "a dog"}, {**box, **values}])
        )

    as_trained = sample()
    absent = sample(enabled=False)
    assert torch.equal(sample(strength=0.0), absent)
    assert changed(as_trained, absent) > 1e-2
    half = sample(strength=0.5)
    assert changed(half, absent) > 1e-3 and changed(half, as_trained) > 1e-3


def test_every_option_at_its_default_is_bit_for_bit_as_if_it_were_not_there(graph):
    overlapping = [{"box": [0.0, 0.0, 0.7, 1.0], "description": "a tree"}, {**REGIONS[1]}]
    plain = graph.sample(graph.apply(), *graph.encode(overlapping))
    stated = [
        {
            **region,
            "start": 0.0,
            "end": 1.0,
            "behind": False,
            "strengths": [{"at": 0.2, "strength": 1.0}, {"at": 0.9, "strength": 1.0}],
            "keyframes": [{"frame": 0, "box": region["box"]}, {"frame": 5, "box": region["box"]}],
        }
        for region in overlapping
    ]
    document = {"version": 1, "width": PIXELS, "height": PIXELS, "overlap": "shared", "regions": stated}
    (regions,) = graph.node("DEIGRegions", regions=json.dumps(document))[:1]
    text = graph.node("DEIGFollowTiles", **dict(zip(("positive", "negative"), graph.encode(regions), strict=True)))
    (model,) = graph.node("DEIGReuseSteps", model=graph.apply(), every=1)
    assert torch.equal(graph.sample(model, *text), plain)
    (regions,) = graph.node("DEIGRegions", regions=json.dumps({**document, "overlap": "front"}))[:1]
    assert changed(graph.sample(model, *graph.encode(regions)), plain) > 1e-3, "they overlap"


def test_a_region_outside_of_its_share_is_not_there(graph):
    """Bit for bit as if it were disabled, in those steps."""
    dog = {"box": [0.5, 0.0, 1.0, 1.0], "description": "a dog"}
    tree = {"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree"}
    model = graph.apply()
    fallen = {"strengths": [{"at": 0.5, "strength": 1.0}, {"at": 0.51, "strength": 0.0}]}
    early, keyed, always, never = (
        graph.encode([dog, {**tree, **how}])[0] for how in ({"end": 0.5}, fallen, {}, {"enabled": False})
    )
    ranges = ((always, 0.0, 0.5), (never, 0.5, 1.0))
    halves = [graph.node("ConditioningSetTimestepRange", conditioning=c, start=s, end=e)[0] for c, s, e in ranges]
    negative = graph.encode([dog])[1]
    out = graph.sample(model, early, negative, steps=4)
    assert torch.equal(out, graph.sample(model, halves[0] + halves[1], negative, steps=4))
    assert torch.equal(out, graph.sample(model, keyed, negative, steps=4))
    assert changed(out, graph.sample(model, always, negative, steps=4)) > 1e-2


def region(**values):
    return {"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree", **values}


@pytest.mark.parametrize(
    ("settings", "regions", "how", "said"),
    [
        (
            {"end": 0.5},
            [region(), region()],
            {"denoise": 0.5},
            "The regions act from 0 to 0.5 of the noise schedule (Apply DEIG), and are off in every step of this run, "
            "which goes from 0.625 to 1 of it: they have no effect.",
        ),
        (
            {"end": 1.0, "decay": 1.0, "strength": 0.5},
            [region()],
            {"steps": 1},
            "The regions act from 0 to 1 of the noise schedule (Apply DEIG), fading to 0 over the last 1, and are off "
            "in every step of this run, which goes from 1 to 1 of it: they have no effect.",
        ),
        (
            {},
            [region(), region(end=0.5)],
            {"denoise": 0.5},
            "Region 2 is there from 0 to 0.5 of the noise schedule, and off in every step of this run, which goes from "
            "0.625 to 1 of it: no effect.",
        ),
        (
            {},
            [region(), region(start=0.3, end=0.4), region(start=0.3, end=0.4)],
            {},
            "Regions 2, 3 are there from 0.3 to 0.4 of the noise schedule, and off in every step of this run, which "
            "goes from 0.25 to 1 of it: no effect.",
        ),
        (
            {"end": 0.5},
            [region(enabled=False), region(), region(start=0.5)],
            {},
            "Region 3 is there from 0.5 to 1 of the noise schedule, where the regions act from 0 to 0.5 (Apply DEIG), "
            "and off in every step of this run, which goes from 0.25 to 1 of it: no effect.",
        ),
        (
            {},
            [region(strengths=[{"at": 0.5, "strength": 1.0}, {"at": 0.51, "strength": 0.0}])],
            {"denoise": 0.5},
            "Region 1 is there from 0 to 1 of the noise schedule, as strong as its keys say, and off in every step of "
            "this run, which goes from 0.625 to 1 of it: no effect.",
        ),
    ],
)
def test_regions_that_act_in_no_step_are_said(graph, heard, settings, regions, how, said):
    graph.sample(graph.apply(**settings), *graph.encode(regions), **{"steps": 4, **how})
    assert heard == [[said]]


@pytest.mark.parametrize(
    ("settings", "regions", "how"),
    [
        ({}, [region()], {}),
        ({"end": 0.5}, [region(), region(end=0.25)], {}),
        ({"end": 0.5}, [], {"denoise": 0.5}),
        ({"strength": 0.0}, [region()], {}),
        ({}, [region(end=0.5), region(start=0.5), region(start=0.9, negative="leaves")], {}),
        # Between two steps, where this sampler asks the model once more.
        ({}, [region(start=0.76, end=0.9)], {"sampler": "dpm_2"}),
    ],
    ids=str,
)
def test_of_regions_that_act_in_some_step_nothing_is_said(graph, heard, settings, regions, how):
    graph.sample(graph.apply(**settings), *graph.encode(regions), **{"steps": 4, **how})
    assert heard == [[]]


def test_a_region_that_acts_in_one_of_two_conditionings_is_not_said(graph, heard):
    """The same numbers in two documents are not the same regions."""
    (early, negative), (late, _) = (graph.encode([region(**share)]) for share in ({"end": 0.25}, {"start": 0.5}))
    graph.sample(graph.apply(start=0.25), early + late, negative, steps=4)
    ((said,),) = heard
    assert said.startswith("Region 1 is there from 0 to 0.25 of the noise schedule, where the regions act from 0.25")


def test_negative_text_stands_in_the_unconditional_half(graph, runs):
    box = {"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree"}
    without = graph.sample(graph.apply(), *graph.encode([box]), steps=1)
    runs.clear()
    opposed = graph.sample(graph.apply(), *graph.encode([{**box, "negative": "leaves"}]), steps=1)
    assert [[r.description for r in run.text.layout.regions] for run in runs[0]] == [["a tree"], ["a tree"]]
    assert changed(without, opposed) > 1e-3


def test_mask_regions(graph):
    (mask,) = graph.node("SolidMask", value=0.0, width=128, height=128)
    mask = mask.clone()
    mask[:, 16:64, 8:100] = 1
    masked, width, height = graph.node("DEIGRegionsFromMasks", masks=mask, descriptions="a tree")
    assert (width, height) == (128, 128)
    box = graph.regions([{"box": [8 / 128, 16 / 128, 100 / 128, 64 / 128], "description": "a tree"}])
    model = graph.apply()
    assert torch.equal(graph.sample(model, *graph.encode(masked)), graph.sample(model, *graph.encode(box)))
    mask[:, 32:50, 30:75] = 0
    (ring,) = graph.node("DEIGRegionsFromMasks", masks=mask, descriptions="", regions=box)[:1]
    assert changed(graph.sample(model, *graph.encode(ring)), graph.sample(model, *graph.encode(box))) > 1e-3


def test_the_ide_runs_once_for_each_text_and_timestep(graph):
    """Not per block, not per half of CFG, not per queue run."""
    model, rows = graph.apply(), []
    handle = graph.adapter.model.adapter.ide.register_forward_pre_hook(
        lambda _, arguments: rows.append(len(arguments[0]))
    )
    try:
        encoded = graph.encode(
            [{"box": [0, 0, 1, 1], "description": "a text that no other test uses"}],
            prompt="its own prompt",
            negative_prompt="its own",
        )
        graph.sample(model, *encoded, steps=4)
        assert rows == [3, 3, 3, 3]
        again = graph.encode(
            [{"box": [0, 0, 0.5, 1], "description": "a text that no other test uses"}],
            prompt="its own prompt",
            negative_prompt="its own",
        )
        graph.sample(graph.apply(strength=0.7), *again, steps=4, seed=2)
        assert len(rows) == 4
        changed_text = graph.encode(
            [{"box": [0, 0, 0.5, 1], "description": "one text changed"}],
            prompt="its own prompt",
            negative_prompt="its own",
        )
        graph.sample(model, *changed_text, steps=4)
        assert rows[4:] == [1, 1, 1, 1]
    finally:
        handle.remove()


@pytest.mark.parametrize(
    ("sampler", "scheduler"),
    [("dpmpp_2m", "karras"), ("dpmpp_2s_ancestral", "normal"), ("uni_pc", "simple"), ("heun", "sgm_uniform")],
)
def test_other_samplers(graph, text, sampler, scheduler):
    out, other, ddim = (
        graph.sample(graph.apply(), *encoded, steps=3, **how)
        for encoded, how in (
            (text, {"sampler": sampler, "scheduler": scheduler}),
            (graph.encode(TREE), {"sampler": sampler, "scheduler": scheduler}),
            (text, {}),
        )
    )
    assert changed(out, other) > 1e-2 and changed(out, ddim) > 1e-2


def test_two_models_are_called_at_once_without_seeing_each_other(graph, text):
    """Nothing is global: threads with models, adapters and settings of their own get what they get alone."""
    demo, sd1 = (pack_module(graph.host, f"nodes.host.{name}") for name in ("demo", "sd1"))
    second, adapter = sd1.sd1_model(sd1.SMALL_UNET, 1), demo.demo_adapter(7)
    kite = graph.encode([{"box": [0.2, 0.2, 0.9, 0.9], "description": "a kite"}])
    jobs = [(graph.apply(), text), (graph.apply(second, strength=0.4, adapter=adapter), kite)]
    alone = [one_call(*job) for job in jobs]
    assert changed(*alone) > 1e-3
    assert changed(alone[1], one_call(graph.apply(second, strength=0.4), kite)) > 1e-3, "the second adapter acts"
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda job: [one_call(*job) for _ in range(4)], jobs))
    for expected, found in zip(alone, together, strict=True):
        assert all(torch.equal(expected, f) for f in found)


def one_call(model, encoded):
    """One UNet call by the wrappers themselves, as each GPU's thread makes it."""
    conds = [c for side in encoded for _, values in side for c in [values["model_conds"]["deig"]]]
    x = torch.randn(2, 4, CELLS, CELLS, generator=torch.Generator().manual_seed(5))
    options = {**model.model_options["transformer_options"], "wrappers": model.wrappers, "cond_or_uncond": [0, 1]}
    model.model.current_patcher = model
    with torch.inference_mode():
        return model.model.apply_model(
            x,
            torch.tensor([5.0, 5.0]),
            c_crossattn=torch.zeros(2, 77, 64),
            transformer_options=options,
            deig=tuple(conds),
        )
