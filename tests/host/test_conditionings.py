"""What the host's conditioning nodes do to a conditioning, they do to DEIG's prompt and regions, or the run stops
with a sentence.
"""

import copy
import pickle

import pytest
import torch
from graph import CELLS, PIXELS
from hypothesis import given
from hypothesis import strategies as st
from parity import pack_module

OTHER = [{"box": [0.5, 0.0, 1.0, 0.5], "description": "a kite"}, {"box": [0.0, 0.5, 0.4, 1.0], "description": "a tree"}]


def changed(a, b):
    return (a - b).abs().max().item()


@pytest.fixture(scope="module")
def text(graph):
    return graph.encode()


@pytest.fixture(scope="module")
def second(graph):
    return graph.encode(OTHER, prompt="a field")


@pytest.fixture(scope="module")
def conditioning(graph):
    return pack_module(graph.host, "nodes.host.conditioning")


@pytest.fixture(scope="module")
def carrier(graph):
    return pack_module(graph.host, "nodes.host.carrier")


def read(conditioning, entries, mode="t5"):
    """The `DeigCond`s that a sampler would get of these entries; None where an entry has none."""
    import comfy.sampler_helpers

    found = [conditioning.resolved(entry, mode) for entry in comfy.sampler_helpers.convert_cond(entries)]
    assert all(type(entry["cross_attn"]) is torch.Tensor for entry in found)
    return [entry["model_conds"].get("deig") for entry in found]


def refusal(action) -> str:
    with pytest.raises(ValueError) as error:
        action()
    message = str(error.value)
    assert type(error.value).__name__ == "DeigError" and "\n" not in message and message.endswith(".")
    return message


def average(graph, to, source, strength):
    return graph.node(
        "ConditioningAverage", conditioning_to=to, conditioning_from=source, conditioning_to_strength=strength
    )[0]


def concat(graph, to, source):
    return graph.node("ConditioningConcat", conditioning_to=to, conditioning_from=source)[0]


def test_a_zeroed_negative_leaves_the_guidance(graph, text, conditioning):
    positive, _ = text
    (zeroed,) = graph.node("ConditioningZeroOut", conditioning=positive)
    (cond,) = read(conditioning, zeroed)
    (empty,) = graph.encoder.encode([""])
    assert [p.key for p in cond.text.prompts] == [empty.key] and cond.text.layout.regions == ()
    pictures = [graph.sample(graph.apply(), positive, zeroed, cfg=cfg) for cfg in (1.0, 3.0, 9.0)]
    assert min(changed(a, b) for a, b in zip(pictures, pictures[1:] + pictures[:1], strict=True)) > 0.1


def test_a_zeroed_text_is_the_empty_prompt_without_regions(graph, text, second):
    (one,), (two,) = (graph.node("ConditioningZeroOut", conditioning=c[0]) for c in (text, second))
    model = graph.apply()
    empty = graph.sample(model, graph.encode([], prompt="", negative_prompt="")[0], text[1])
    assert torch.equal(graph.sample(model, one, text[1]), empty) and torch.equal(
        graph.sample(model, two, text[1]), empty
    )
    assert changed(graph.sample(model, one, text[1]), graph.sample(model, *text)) > 0.1


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_an_average_of_one_alone_is_that_one(graph, text, second, strength):
    mixed = average(graph, text[0], second[0], strength)
    expected = text[0] if strength else second[0]
    assert torch.equal(graph.sample(graph.apply(), mixed, text[1]), graph.sample(graph.apply(), expected, text[1]))


def test_an_average_of_two_texts_is_refused(graph, text, second, conditioning):
    said = refusal(lambda: graph.sample(graph.apply(), average(graph, text[0], second[0], 0.5), text[1]))
    assert "Conditioning (Average)" in said and "before DEIG Encode" in said
    same = average(graph, text[0], text[0], 0.5)
    assert read(conditioning, same)[0].text is text[0][0][1]["model_conds"]["deig"].text


def test_joined_texts_have_both_prompts_and_all_regions(graph, text, second, conditioning):
    both = concat(graph, text[0], second[0])
    (cond,) = read(conditioning, both)
    first, other = (c[0][0][1]["model_conds"]["deig"].text for c in (text, second))
    assert (
        cond.text.prompts == (first.prompt, other.prompt)
        and cond.text.descriptions == first.descriptions + other.descriptions
    )
    assert cond.text.layout.regions == first.layout.regions + other.layout.regions
    model, attention = graph.node("DEIGRecordAttention", model=graph.apply(), start=0.0, end=1.0)
    out = graph.sample(model, both, text[1])
    assert attention.find(out[0])[0].regions() == [1, 2, 3, 4]
    assert min(changed(out, graph.sample(graph.apply(), c[0], text[1])) for c in (text, second)) > 1e-2


def test_a_joined_context_is_read_as_one(graph, text, conditioning):
    """The same prompt twice is the same attention; beside a prompt of another length both halves of CFG are still
    right.
    """
    nothing = graph.encode([])
    twice = concat(graph, nothing[0], nothing[0])
    model = graph.apply()
    torch.testing.assert_close(
        graph.sample(model, twice, nothing[1], steps=1), graph.sample(model, *nothing, steps=1), rtol=1e-4, atol=1e-4
    )


def test_deig_joined_with_clip(graph, text, conditioning):
    wide = [[torch.ones(1, 77, 768), {}]]
    said = refusal(lambda: graph.sample(graph.apply(), concat(graph, text[0], wide), text[1]))
    assert "Conditioning (Concat)" in said and 'choose context "clip" or "concat"' in said
    assert refusal(lambda: graph.sample(graph.apply(), concat(graph, wide, text[0]), text[1])) == said
    clip = graph.clip(), graph.clip(seed=1)
    carrying = graph.encode(positive=clip[0], negative=clip[1])
    for to, source, numbers in (
        (carrying[0], clip[1], (clip[0], clip[1])),
        (clip[1], carrying[0], (clip[1], clip[0])),
    ):
        joined = concat(graph, to, source)
        (cond,) = read(conditioning, joined, "clip")
        assert len(cond.text.layout.regions) == 2
        # As if CLIP's two texts had been joined before DEIG Encode.
        before, _ = graph.encode(positive=[[torch.cat([c[0][0] for c in numbers], 1), {}]], negative=clip[1])
        for context in ("clip", "concat"):
            model = graph.apply(context=context)
            out, expected = (graph.sample(model, one, carrying[1], steps=2) for one in (joined, before))
            assert torch.equal(out, expected)
            assert changed(out, graph.sample(model, *carrying, steps=2)) > 1e-2


def test_deig_averaged_with_clip(graph, text, conditioning):
    clip = graph.clip(tokens=77)
    wide = [[torch.ones(1, 77, 768), {}]]
    assert read(conditioning, average(graph, wide, text[0], 1.0)) == [None]
    assert read(conditioning, average(graph, text[0], wide, 0.0)) == [None]
    (lost,) = read(conditioning, average(graph, wide, text[0], 0.0))
    assert lost.text is text[0][0][1]["model_conds"]["deig"].text
    carrying, _ = graph.encode(positive=clip, negative=clip)
    assert "before DEIG Encode" in refusal(lambda: read(conditioning, average(graph, clip, carrying, 0.3), "clip"))


def test_apply_style_model_adds_tokens_to_clip_alone(graph, text, conditioning):
    class Style:
        def get_cond(self, output):
            return torch.ones(1, 5, 64)

    clip = graph.clip()
    carrying, _ = graph.encode(positive=clip, negative=clip)
    inputs = {"style_model": Style(), "clip_vision_output": None, "strength": 1.0, "strength_type": "multiply"}
    (styled,) = graph.node("StyleModelApply", conditioning=carrying, **inputs)
    assert "Apply Style Model" in refusal(lambda: read(conditioning, styled))
    assert read(conditioning, styled, "clip")[0].text is carrying[0][1]["model_conds"]["deig"].text


def test_a_conditioning_of_another_deig_encode_is_no_clip(graph, text):
    """Its prompt and regions would be lost, and its placeholder taken for CLIP's numbers."""
    assert "of another DEIG Encode" in refusal(lambda: graph.encode(positive=text[0]))
    (zeroed,) = graph.node("ConditioningZeroOut", conditioning=text[0])
    assert "of another DEIG Encode" in refusal(lambda: graph.encode(negative=zeroed))


def test_a_replaced_tensor_is_noticed(graph, text, conditioning):
    tensor, values = text[0][0]
    for other in (torch.zeros(1, 77, 768), torch.from_numpy(tensor.numpy().copy())):
        assert "replaced" in refusal(lambda: read(conditioning, [[other, values]]))  # noqa: B023
    for change in (
        lambda t: t.exp(),
        lambda t: t + 1,
        lambda t: t[:, :40],
        lambda t: t.flip(1),
        lambda t: t.clone().clamp_(0, 1),
        lambda t: torch.nn.functional.pad(t, (0, 0, 0, 77)),
        lambda t: t + torch.randn_like(t),
    ):
        assert "before DEIG Encode" in refusal(lambda: read(conditioning, [[change(tensor), values]]))  # noqa: B023
    assert "multiplied" in refusal(lambda: read(conditioning, [[tensor * 1.5, values]]))


def test_what_survives_without_its_dictionary(graph, text, conditioning):
    """Nodes that make a dictionary of their own keep the tensor."""
    (cond,) = read(conditioning, [[text[0][0][0], {}]])
    assert cond.text is text[0][0][1]["model_conds"]["deig"].text


def test_copies_and_files_carry_it_too(graph, text, conditioning):
    positive = text[0]
    expected = positive[0][1]["model_conds"]["deig"].text
    (copied,) = read(conditioning, copy.deepcopy(positive))
    assert copied.text.layout is expected.layout and copied.text.prompt.key == expected.prompt.key
    (stored,) = read(conditioning, pickle.loads(pickle.dumps(positive)))  # noqa: S301
    shown = [[(r.id, r.box, r.description) for r in t.layout.regions] for t in (stored.text, expected)]
    assert shown[0] == shown[1]
    assert stored.text.prompt.key == expected.prompt.key


HARMLESS = [
    lambda t: t.clone(),
    lambda t: t.detach().to("cpu"),
    lambda t: t.half().float(),
    lambda t: t[:],
    lambda t: t[0:1],
    lambda t: t[:, :77],
    lambda t: t.contiguous(),
    lambda t: 1.0 * t,
    lambda t: t / 1,
    lambda t: t * torch.tensor(1.0),
    lambda t: t + torch.zeros_like(t),
    lambda t: t.repeat(2, 1, 1),
    lambda t: t.expand(len(t), -1, -1),
    lambda t: copy.deepcopy(t),
    lambda t: torch.lerp(t, torch.ones(1, 77, 768), 0.0),
    lambda t: 0.25 * t + 0.75 * t,
    lambda t: t - 0 * t,
]


@given(steps=st.lists(st.sampled_from(HARMLESS), max_size=6), end=st.sampled_from(["text", "zero", "changed"]))
def test_the_meaning_survives_any_row_of_harmless_steps(graph, text, conditioning, carrier, steps, end):
    tensor, values = text[0][0]
    for step in steps:
        tensor = step(tensor)
    if end == "changed":
        assert refusal(lambda: read(conditioning, [[tensor.tanh(), values]]))
        return
    (cond,) = read(conditioning, [[tensor if end == "text" else tensor * 0, values]])
    assert (cond.text is values["model_conds"]["deig"].text) == (end == "text")
    assert (cond.text.layout.regions == ()) == (end == "zero")


# Of the host's nodes that take and give a CONDITIONING, those that change its numbers: tested above.
CHANGE = {
    "ConditioningAverage",
    "ConditioningConcat",
    "ConditioningMultiply",
    "ConditioningZeroOut",
    "StyleModelApply",
}
NOT_FOR_UNETS = (
    "Wan",
    "Hunyuan",
    "LTXV",
    "Trellis",
    "Flux",
    "Cosmos",
    "Kandinsky",
    "Bernini",
    "HiDream",
    "MiniMax",
    "PiD",
    "VOID",
    "ResolutionBucket",
    "ReferenceTimbre",
    "ControlNetInpaintingAliMama",
    "StableCascade",
    "SCAIL",
)


def test_every_other_conditioning_node_of_the_host_leaves_the_text(graph, text, conditioning, tmp_path):
    """All of the host's nodes that take and give a CONDITIONING and that a UNet can be given, run with what they ask
    for.
    """
    positive, negative = text
    expected = [c[0][1]["model_conds"]["deig"].text for c in text]
    ran, failed = [], []
    for name, cls in sorted(graph.host.NODE_CLASS_MAPPINGS.items()):
        module = getattr(cls, "RELATIVE_PYTHON_MODULE", "nodes")
        kinds = {k: v for group in ("required", "optional") for k, v in cls.INPUT_TYPES().get(group, {}).items() if v}
        takes = [k for k, v in kinds.items() if str(v[0]) == "CONDITIONING"]
        gives = [i for i, kind in enumerate(cls.RETURN_TYPES) if str(kind) == "CONDITIONING"]
        if (
            not takes
            or not gives
            or module.startswith("custom_nodes")
            or name in CHANGE
            or name.startswith(NOT_FOR_UNETS)
        ):
            continue
        inputs = {k: _value(graph, k, v, positive, negative) for k, v in kinds.items()}
        outputs = graph.node(name, **{k: v for k, v in inputs.items() if v is not None})
        texts = {id(c.text) for i in gives for c in read(conditioning, outputs[i]) if c}
        ran.append(name)
        if not texts or not texts <= {id(t) for t in expected}:
            failed.append(name)
    assert failed == [] and {
        "ConditioningCombine",
        "PairConditioningSetDefaultCombine",
        "unCLIPConditioning",
        "ControlNetApplyAdvanced",
        "InpaintModelConditioning",
        "ConditioningSetProperties",
        "GLIGENTextBoxApply",
    } <= set(ran)


def _value(graph, name, kind, positive, negative):
    """Something of the kind that an input asks for; None leaves an optional one out."""

    class Anything:
        def __getattr__(self, _):
            return lambda *a, **k: Anything()

        def __iter__(self):
            return iter((torch.zeros(1, 4, 64), torch.zeros(1, 64)))

    options = kind[1] if len(kind) > 1 else {}
    if str(kind[0]) == "CONDITIONING":
        return negative if "negative" in name else positive
    if isinstance(kind[0], list) or "options" in options:
        return options.get("default", (kind[0] if isinstance(kind[0], list) else options["options"])[0])
    if "default" in options:
        return options["default"]
    of_kind = {
        "IMAGE": torch.rand(1, PIXELS, PIXELS, 3),
        "MASK": torch.ones(1, PIXELS, PIXELS),
        "LATENT": {"samples": torch.zeros(1, 4, CELLS, CELLS)},
        "VAE": graph.vae,
        "STRING": "a tree",
        "CONTROL_NET": Anything(),
        "CLIP": Anything(),
        "GLIGEN": Anything(),
        "CLIP_VISION_OUTPUT": Anything(),
        "FLOAT": 1.0,
        "INT": 64,
        "BOOLEAN": True,
        "TIMESTEPS_RANGE": (0.0, 0.5),
        "MODEL": graph.model,
    }
    return of_kind.get(str(kind[0]))


class TestWithoutApply:
    """The most natural comparison there is: the same graph with Apply DEIG bypassed."""

    def test_a_model_of_ours_reads_the_prompt_without_regions(self, graph, text):
        bare = graph.sample(graph.model, *text)
        assert torch.equal(bare, graph.sample(graph.apply(strength=0.0), *text))
        assert torch.equal(bare, graph.sample(graph.model, *graph.encode([])))
        assert changed(bare, graph.sample(graph.model, *graph.encode(prompt="a green dog"))) > 1e-2

    @pytest.mark.parametrize("batch", [1, 2])
    @pytest.mark.parametrize("cfg", [1.0, 7.5])
    def test_another_model_says_what_is_missing(self, graph, plain_model, text, batch, cfg):
        said = refusal(lambda: graph.sample(plain_model, *text, batch=batch, cfg=cfg))
        assert "made for a model with Apply DEIG" in said and "CLIP" in said

    def test_another_model_reads_clip(self, graph, plain_model):
        clip = graph.clip(), graph.clip(seed=1)
        carrying = graph.encode(positive=clip[0], negative=clip[1])
        assert torch.equal(graph.sample(plain_model, *carrying), graph.sample(plain_model, *clip))

    def test_a_merge_that_lost_apply_deig(self, graph, plain_model, text):
        (merged,) = graph.node("ModelMergeSimple", model1=plain_model, model2=graph.apply(), ratio=1.0)
        assert "made for a model with Apply DEIG" in refusal(lambda: graph.sample(merged, *text))
        (merged,) = graph.node("ModelMergeSimple", model1=graph.apply(), model2=plain_model, ratio=0.5)
        # Both halves of the merge have the same weights.
        torch.testing.assert_close(graph.sample(merged, *text), graph.sample(graph.apply(), *text))

    def test_a_zeroed_or_joined_placeholder_is_none_either(self, graph, plain_model, text):
        (zeroed,) = graph.node("ConditioningZeroOut", conditioning=text[0])
        assert "made for a model" in refusal(lambda: graph.sample(plain_model, zeroed, zeroed))
        wide = [[torch.zeros(1, 77, 768), {}]]
        assert "made for a model" in refusal(lambda: graph.sample(plain_model, concat(graph, wide, text[0]), wide))

    def test_attention_maps_need_it(self, graph):
        assert "connect the MODEL of Apply DEIG" in refusal(
            lambda: graph.node("DEIGRecordAttention", model=graph.model, start=0.0, end=1.0)
        )


@pytest.fixture(scope="module")
def plain_model(graph):
    """A model of the demo's sizes, as an ordinary loader gives it."""
    sd1 = pack_module(graph.host, "nodes.host.sd1")
    return sd1.sd1_model(sd1.SMALL_UNET, 1)


def test_two_samplers_share_a_conditioning(graph, plain_model, text):
    """One after the other, with and without Apply DEIG: a run leaves nothing in the conditioning."""
    first = graph.sample(graph.apply(), *text)
    refusal(lambda: graph.sample(plain_model, *text))
    graph.sample(graph.model, *text)
    assert torch.equal(graph.sample(graph.apply(), *text), first)


def test_the_last_apply_counts_with_its_adapter(graph, text):
    other = pack_module(graph.host, "nodes.host.demo").demo_adapter(7)
    inputs = {"strength": 1.0, "start": 0.0, "end": 1.0, "decay": 0.0, "context": "t5"}
    (alone,) = graph.node("DEIGApply", model=graph.model, adapter=other, **inputs)
    (last,) = graph.node("DEIGApply", model=graph.apply(), adapter=other, **inputs)
    out = graph.sample(last, *text)
    assert torch.equal(out, graph.sample(alone, *text)) and changed(out, graph.sample(graph.apply(), *text)) > 1e-2


class TestParts:
    """Whoever has the model denoise a part of the picture without saying which is caught."""

    def test_tiles_inside_the_model(self, graph, text):
        model = graph.apply()

        def tiled(apply, arguments):
            x, c = arguments["input"], arguments["c"]
            halves = [apply(part, arguments["timestep"], **c) for part in x.chunk(2, dim=-1)]
            return torch.cat(halves, dim=-1)

        model.set_model_unet_function_wrapper(tiled)
        assert "tiles" in refusal(lambda: graph.sample(model, *text))

    def test_stacked_tiles(self, graph, text):
        model = graph.apply()

        def tiled(apply, arguments):
            x, c = (
                arguments["input"],
                {k: torch.cat([v, v]) if isinstance(v, torch.Tensor) else v for k, v in arguments["c"].items()},
            )
            out = apply(torch.cat([x, x]), torch.cat([arguments["timestep"]] * 2), **c)
            return out[: len(x)]

        model.set_model_unet_function_wrapper(tiled)
        assert "changed the batch" in refusal(lambda: graph.sample(model, *text))

    def test_areas_are_parts_that_say_where_they_are(self, graph, text):
        def right_half(encoded):
            area = {"width": 64, "height": 128, "x": 64, "y": 0, "strength": 1.0}
            (positive,) = graph.node("ConditioningSetArea", conditioning=encoded[0], **area)
            return graph.sample(graph.apply(), positive, encoded[1])

        out = right_half(text)
        assert changed(out, right_half(graph.encode([]))) > 1e-2, "there are regions in it"
        assert changed(out, graph.sample(graph.apply(), *text)) > 1e-2, "and it is a part"


def test_nothing_of_ours_stands_in_the_models_own_patches(graph, text):
    """Other nodes take what stands there for something that they know how to cut, and crash."""
    options = graph.apply().model_options["transformer_options"]
    assert "patches" not in options and "patches_replace" not in options


def test_blocks_that_another_node_has_swapped_do_not_matter(graph, text):
    """Sizes are those of the host's configuration: another node may have put modules of its own into the model."""
    unet = graph.model.model.diffusion_model
    blocks = [m.transformer_blocks for m in unet.modules() if hasattr(m, "transformer_blocks")]
    own = [list(b) for b in blocks]

    class Wrapper(torch.nn.Module):
        def __init__(self, block):
            super().__init__()
            self.inner = block

        def forward(self, *args, **kwargs):
            return self.inner(*args, **kwargs)

    expected = graph.sample(graph.apply(), *text)
    try:
        for b in blocks:
            b[0] = Wrapper(b[0])
        assert torch.equal(graph.sample(graph.apply(), *text), expected)
    finally:
        for b, blocks_before in zip(blocks, own, strict=True):
            b[0] = blocks_before[0]


def test_transformer_blocks_are_those_of_the_unet(graph):
    """The configuration's rules against the modules that the host makes of it, at SD 1.5's size too."""
    import comfy.ops
    from comfy.ldm.modules.attention import SpatialTransformer
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    sd1, compatibility = (pack_module(graph.host, f"nodes.host.{n}") for n in ("sd1", "compatibility"))
    sd15 = {
        "model_channels": 320,
        "num_res_blocks": [2, 2, 2, 2],
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_output": [1] * 9 + [0] * 3,
        "context_dim": 768,
    }
    uneven = {
        "num_res_blocks": [1, 2, 1],
        "transformer_depth": [0, 2, 1, 1],
        "transformer_depth_output": [0, 1, 2, 0, 1, 1, 0],
    }
    for more in ({}, sd15, uneven):
        config = {**sd1.SMALL_UNET, **more, "num_heads": 8}
        unet = UNetModel(
            **copy.deepcopy(config), device="meta", dtype=torch.float32, operations=comfy.ops.disable_weight_init
        )
        places = [(("input", i), b) for i, b in enumerate(unet.input_blocks)] + [(("middle", 0), unet.middle_block)]
        places += [(("output", i), b) for i, b in enumerate(unet.output_blocks)]
        found = {
            (*place, i): block.norm1.normalized_shape[0]
            for place, layers in places
            for layer in layers
            if isinstance(layer, SpatialTransformer)
            for i, block in enumerate(layer.transformer_blocks)
        }
        assert compatibility.transformer_blocks(config) == found and found
