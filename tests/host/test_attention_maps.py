"""Attention maps of real sampling runs, against the softmax written out."""

import pytest
import torch
from graph import CELLS, PIXELS
from parity import pack_module

BOX = {"box": [0.05, 0.1, 0.5, 0.9], "description": "a woman in a red hoodie with white stripes", "strength": 0.6}
OTHER = {"box": [0.4, 0.3, 0.95, 0.8], "description": "a boy in a yellow raincoat", "negative": "an umbrella"}


@pytest.fixture
def text(graph):
    return graph.encode([BOX, OTHER])


def record(graph, model=None, start=0.0, end=1.0):
    return graph.node("DEIGRecordAttention", model=model or graph.apply(), start=start, end=end)


def maps(graph, attention, samples, region=1, level="all", brightness="each token", **inputs):
    """(maps, overview) of a sampler's latents."""
    return graph.node(
        "DEIGAttentionMaps",
        attention=attention,
        latent={"samples": samples},
        region=region,
        level=level,
        brightness=brightness,
        **inputs,
    )


class Oracle:
    """The softmax over [visual ; all instance tokens] of every fuser call, in float64, from the fuser's inputs and
    weights (docs/method.md section 4).
    """

    def __init__(self, graph, entry):
        """entry: which of the instance-bearing runs of a call to watch (the positive one)."""
        self.entry, self.found = entry, []
        self.handles = [f.register_forward_pre_hook(self.watch) for f in graph.adapter.model.adapter.fusers.values()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()

    def watch(self, fuser, arguments):
        x, instances = arguments[:2]
        starts = [sum(i.rows for i in instances[:n]) for n in range(len(instances))]
        start, run = [(s, i) for s, i in zip(starts, instances, strict=True) if i.tokens is not None][self.entry]
        x = x[start : start + run.rows]
        rows, cells, width = x.shape
        weight = {n: p.double() for n, p in fuser.named_parameters()}

        def norm(values):
            return torch.nn.functional.layer_norm(
                values.double(), (width,), weight["norm1.weight"], weight["norm1.bias"], 1e-5
            )

        def heads(values, name):
            return (values @ weight[f"attn.{name}.weight"].T).unflatten(-1, (fuser.attn.heads, -1)).transpose(1, 2)

        tokens = norm(run.tokens.double() @ weight["linear.weight"].T + weight["linear.bias"]).expand(rows, -1, -1)
        seen = torch.cat([norm(x), tokens], dim=1)
        logits = heads(norm(x), "to_q") @ heads(seen, "to_k").mT * (width // fuser.attn.heads) ** -0.5
        regions = tokens.shape[1] // run.tokens_per_region
        bit = (run.members[:, :, None] >> torch.arange(regions)) & 1 == 1
        added = torch.zeros(regions) if run.bias is None else run.bias[0]
        added = torch.where(bit, added.double(), -torch.inf).repeat_interleave(run.tokens_per_region, -1)
        logits[..., cells:] += added[:, None]
        side = int(cells**0.5)
        of_tokens = logits.softmax(-1)[..., cells:].mean(1).mT
        self.found.append(of_tokens.reshape(rows, regions, run.tokens_per_region, side, side))

    def mean(self, region, factor=None):
        """[rows, T, CELLS, CELLS] over the calls of one level, or of all."""
        grids = [f[:, region - 1] for f in self.found if factor in (None, CELLS // f.shape[-1])]
        return sum(
            g.repeat_interleave(CELLS // g.shape[-1], -1).repeat_interleave(CELLS // g.shape[-1], -2) for g in grids
        ) / len(grids)


def positive_entry(graph, monkeypatch):
    """The host's order of the two halves of CFG is [uncond, cond] on a CPU; both have instances where a region has a
    negative.
    """
    return 1


@pytest.mark.parametrize("cfg", [7.5, 1.0])
def test_maps_are_the_mean_softmax_of_the_run(graph, text, cfg):
    model, attention = record(graph)
    with Oracle(graph, -1) as oracle:
        samples = graph.sample(model, *text, batch=2, cfg=cfg)
    run, _ = attention.find(samples[0])
    assert run.regions() == [1, 2]
    for region in (1, 2):
        for factor in (None, *run.factors(region)):
            expected = oracle.mean(region, factor)
            assert expected.max() > 1e-3
            assert (run.mean(region, factor) - expected).abs().max() < 1e-5 * expected.max().clamp(min=1)
    assert attention.find(samples[1]) == (run, 1)


@pytest.mark.parametrize(("start", "end", "steps"), [(0.0, 0.5, slice(0, 2)), (0.5, 1.0, slice(2, 4))])
def test_a_range_of_steps(graph, text, start, end, steps):
    model, attention = record(graph, start=start, end=end)
    with Oracle(graph, -1) as oracle:
        samples = graph.sample(model, *text, steps=4)
    blocks = len(oracle.found) // 4
    oracle.found = oracle.found[steps.start * blocks : steps.stop * blocks]
    run, _ = attention.find(samples[0])
    assert (run.mean(1) - oracle.mean(1)).abs().max() < 1e-5


def test_the_picture_is_the_same_and_the_model_before_is_untouched(graph, text):
    plain = graph.apply()
    options = set(plain.model_options["transformer_options"])
    before = graph.sample(plain, *text)
    model, _ = record(graph, plain)
    assert torch.equal(graph.sample(model, *text), before)
    assert set(plain.model_options["transformer_options"]) == options
    assert "deig_attention" not in {key for kind in plain.wrappers.values() for key in kind}


def test_the_colours_show_the_weights(graph, text):
    heatmap = pack_module(graph.host, "deig_core.maps.picture")
    model, attention = record(graph)
    samples = graph.sample(model, *text, batch=2)
    pictures, overview = maps(graph, attention, samples, region=2)
    weights = attention.find(samples[0])[0].mean(2)
    count = weights.shape[1]
    assert pictures.shape == (2 * count, PIXELS, PIXELS, 3) and len(overview) == 2
    assert torch.equal(pictures[count + 3, 4::8, 4::8], heatmap.colours(weights[1, 3] / weights[1, 3].max()))
    alike, _ = maps(graph, attention, samples, region=2, brightness="all tokens alike")
    assert torch.equal(alike[3, 4::8, 4::8], heatmap.colours(weights[0, 3] / weights[0].max()))


def test_over_a_picture(graph, text):
    model, attention = record(graph)
    samples = graph.sample(model, *text, batch=2)
    image = torch.rand(2, 200, 120, 3, generator=torch.Generator().manual_seed(0))
    bare, count = maps(graph, attention, samples, image=image, opacity=0.0)[0], 8
    assert torch.equal(bare, image.repeat_interleave(count, 0))
    half, full = (maps(graph, attention, samples, image=image, opacity=o)[0] for o in (0.5, 1.0))
    assert torch.allclose(half, (bare + full) / 2, atol=1e-6)
    with pytest.raises(ValueError, match=r"3 pictures for 2 latents.*\.$"):
        maps(graph, attention, samples, image=torch.zeros(3, 8, 8, 3))


def test_nothing_outside_the_region(graph):
    model, attention = record(graph)
    samples = graph.sample(model, *graph.encode([{"box": [0.25, 0.5, 0.75, 1.0], "description": "a red cube"}]))
    fine = attention.find(samples[0])[0].mean(1, 1) > 0
    inside = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    inside[8:, 4:12] = True
    assert torch.equal(fine, inside.expand_as(fine))


def test_two_samplers_and_two_seeds_keep_their_own_runs(graph, text):
    model, attention = record(graph)
    first = graph.sample(model, *text, seed=1)
    (large,) = graph.node(
        "LatentUpscale", samples={"samples": first}, upscale_method="bilinear", width=192, height=192, crop="disabled"
    )
    second = graph.sample(model, *text, latent=large, denoise=0.5, steps=4)
    third = graph.sample(model, *text, seed=2)
    means = [attention.find(samples[0])[0].mean(1) for samples in (first, second, third)]
    assert [m.shape[-1] for m in means] == [16, 24, 16]
    alone, again = record(graph)
    assert torch.equal(again.find(graph.sample(alone, *text, seed=1)[0])[0].mean(1), means[0])
    assert not torch.equal(means[0], means[2])


def test_an_interrupted_run_leaves_nothing(graph, text):
    model, attention = record(graph)
    graph.interrupt(model, *text)
    assert attention._runs == []
    samples = graph.sample(model, *text)
    alone, again = record(graph)
    again.find(graph.sample(alone, *text)[0])
    assert torch.equal(attention.find(samples[0])[0].mean(1), again.find(samples[0])[0].mean(1))


def test_models_patched_afterwards_record_too(graph, text):
    model, attention = record(graph)
    (freed,) = graph.node("FreeU_V2", model=model, b1=1.3, b2=1.4, s1=0.9, s2=0.2)
    assert attention.find(graph.sample(freed, *text)[0])
    assert attention.find(graph.sample(graph.apply(model, strength=0.5), *text)[0])
    later, newer = record(graph, model)
    samples = graph.sample(later, *text, seed=9)
    assert newer.find(samples[0]) and attention.find(samples[0]) is None


def test_custom_sampling_and_odd_sizes(graph, text):
    model, attention = record(graph)
    (sigmas,) = graph.node("BasicScheduler", model=model, scheduler="karras", steps=3, denoise=1.0)
    (sampler,) = graph.node("KSamplerSelect", sampler_name="heun")
    (guider,) = graph.node("CFGGuider", model=model, positive=text[0], negative=text[1], cfg=4.0)
    (noise,) = graph.node("RandomNoise", noise_seed=3)
    out, _ = graph.node(
        "SamplerCustomAdvanced",
        noise=noise,
        guider=guider,
        sampler=sampler,
        sigmas=sigmas,
        latent_image={"samples": torch.zeros(1, 4, 13, 19)},
    )
    pictures, _ = maps(graph, attention, out["samples"])
    assert pictures.shape[1:] == (104, 152, 3)


def test_an_area_is_shown_where_it_is(graph, text):
    (area,) = graph.node("ConditioningSetArea", conditioning=text[0], width=64, height=128, x=64, y=0, strength=1.0)
    model, attention = record(graph)
    mean = attention.find(graph.sample(model, area, text[1])[0])[0].mean(2)
    assert mean.shape[-2:] == (16, 16) and (mean[..., :8] == 0).all() and (mean[..., 5:12, 8:15] > 0).all()


def test_numbers_are_those_of_the_editor(graph):
    regions = [{**BOX, "enabled": False}, {"box": [0, 0, 1, 1], "description": ""}, OTHER]
    model, attention = record(graph)
    samples = graph.sample(model, *graph.encode(regions))
    assert attention.find(samples[0])[0].regions() == [3]
    assert len(maps(graph, attention, samples, region=3)[0]) == 8


def test_combined_conditionings_are_not_mixed(graph):
    model, attention = record(graph)
    one, negative = graph.encode([BOX])
    two, _ = graph.encode([OTHER])
    both = attention.find(graph.sample(model, one + two, negative)[0])[0]
    assert both.regions() == [1]
    assert (both.mean(1, 1)[..., :, 9:] == 0).all() != (both.mean(1, 1)[..., :, :6] == 0).all()


def test_a_compiled_graph_of_settings_that_cannot_be_shown(graph, text):
    def said(action):
        with pytest.raises(ValueError) as error:
            action()
        message = str(error.value)
        assert "\n" not in message and message.endswith(".")
        return message

    assert "connect the MODEL of Apply DEIG" in said(lambda: record(graph, graph.model))
    assert "start (0.5) must be smaller than end (0.5)" in said(lambda: record(graph, start=0.5, end=0.5))
    model, attention = record(graph)
    samples = graph.sample(model, *text)
    assert "region 3 took no part in this run; choose one of 1, 2" in said(
        lambda: maps(graph, attention, samples, region=3)
    )
    assert "no block of this run has level 1/8; choose all or one of 1/1, 1/2, 1/4" in said(
        lambda: maps(graph, attention, samples, level="1/8")
    )
    assert "no recorded run that gave this latent" in said(lambda: maps(graph, attention, samples + 1))
    assert "found no region in the recorded part" in said(
        lambda: maps(graph, attention, graph.sample(model, *graph.encode([])))
    )
    shut, nothing = record(graph, graph.apply(strength=0.0))
    assert "found no region in the recorded part" in said(lambda: maps(graph, nothing, graph.sample(shut, *text)))
