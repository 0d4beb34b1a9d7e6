"""Other packs' cross-attention patches and samplers beside DEIG, by functions that do what theirs do.

What the packs themselves do is in docs/packs.md; they are not run here.
"""

import math
from unittest.mock import Mock

import pytest
import torch
from parity import pack_module

CONTEXTS = ("t5", "clip", "concat")
PACK = __name__.split(".")[0]  # as the host names modules after the folder of their pack


def changed(a, b):
    return (a - b).abs().max().item()


def refusal(action) -> ValueError:
    with pytest.raises(ValueError) as error:
        action()
    message = str(error.value)
    assert type(error.value).__name__ == "DeigError" and "\n" not in message and message.endswith(".")
    return error.value


@pytest.fixture(scope="module")
def text(graph):
    """With CLIP conditionings, for every context."""
    return graph.encode(positive=graph.clip(), negative=graph.clip(seed=1))


@pytest.fixture(scope="module")
def other(graph):
    tree = [{"box": [0.0, 0.0, 0.5, 1.0], "description": "a tree"}]
    return graph.encode(tree, positive=graph.clip(), negative=graph.clip(seed=1))


def sample(graph, model, text):
    """One step: what is tested here happens in each."""
    return graph.sample(model, *text, steps=1)


def both(graph, patch, context, before=False):
    """Apply DEIG and another node's `patch` (model -> model), in one order or the other."""
    return graph.apply(patch(graph.model), context=context) if before else patch(graph.apply(context=context))


def patching(**lists):
    """A node that puts functions into the model's patches of these names."""

    def patch(model):
        model = model.clone()
        for name, functions in lists.items():
            for function in functions:
                model.set_model_patch(function, name)
        return model

    return patch


def replacing(function):
    """A node that puts its own function in the place of every block's cross-attention."""

    def patch(model):
        model = model.clone()
        for place in [("input", i) for i in range(9)] + [("middle", 0)] + [("output", i) for i in range(9)]:
            model.set_model_attn2_replace(function, *place)
        return model

    return patch


def keys_and_values_by_turns(q, k, v, extra_options):
    """Negative prompts in the positive: even tokens are keys, odd ones values."""
    return q, k[:, 0::2], v[:, 1::2]


def repeated(q, k, v, extra_options):
    return q, k.repeat(1, 12, 1), v.repeat(1, 12, 1)


def for_154_tokens(q, k, v, extra_options):
    """A mask over the tokens of its own two prompts."""
    heads = extra_options["n_heads"]
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(torch.zeros(154, dtype=torch.bool), -math.inf)
    return (weights.softmax(-1) @ v).transpose(1, 2).flatten(2)


class Couple:
    """Several prompts side by side: their rows are added before the attention and folded by masks after it."""

    def __init__(self, tokens):
        self.tokens = tokens

    def inputs(self, q, k, v, extra_options):
        self.rows = len(q)
        longest = math.lcm(k.shape[1], self.tokens.shape[1])
        own = self.tokens.repeat(self.rows, longest // self.tokens.shape[1], 1).to(k)
        k, v = (torch.cat([t.repeat(1, longest // t.shape[1], 1), own]) for t in (k, v))
        return q.repeat(2, 1, 1), k, v

    def output(self, out, extra_options):
        return (out[: self.rows] + out[self.rows :]) / 2


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("also", [(), (repeated,)])
def test_keys_and_values_by_position(graph, text, before, also):
    patch = patching(attn2_patch=[keys_and_values_by_turns, *also])
    out = sample(graph, both(graph, patch, "clip", before), text)
    assert changed(out, sample(graph, graph.apply(context="clip"), text)) > 1e-2
    for context, tokens in (("t5", 8), ("concat", 77 + 8)):
        said = str(refusal(lambda: sample(graph, both(graph, patch, context, before), text)))  # noqa: B023
        assert said.startswith(f"{PACK} patches") and f"leaves {tokens // 2} of {tokens} tokens" in said
        assert f'context "{context}"' in said and 'choose context "clip"' in said


@pytest.mark.parametrize("before", [True, False])
def test_a_replacement_that_counts_tokens(graph, before):
    long = graph.clip(tokens=154)
    text = graph.encode(positive=long, negative=long)
    patch = replacing(for_154_tokens)
    out = sample(graph, both(graph, patch, "clip", before), text)
    torch.testing.assert_close(out, sample(graph, graph.apply(context="clip"), text), rtol=1e-4, atol=1e-4)
    for context in ("t5", "concat"):
        error = refusal(lambda: sample(graph, both(graph, patch, context, before), text))  # noqa: B023
        assert f"{PACK} patches" in str(error) and "154" in str(error) and 'choose context "clip"' in str(error)
        assert type(error.__cause__) is RuntimeError


@pytest.mark.parametrize("broken", [
    patching(attn2_patch=[lambda q, k, v, o: (q, k[..., :10], v)]),
    patching(attn2_output_patch=[lambda n, o: n[:, :5]]),
    patching(attn2_output_patch=[lambda n, o: n.view(3, 5, -1)]),
])  # fmt: skip
def test_what_a_patch_made_fails_in_the_host(graph, text, broken):
    error = refusal(lambda: sample(graph, broken(graph.apply()), text))
    assert f"{PACK} patches" in str(error) and error.__cause__ is not None


def test_errors_of_others_stay_what_they_are(graph, text):
    class Own(RuntimeError):
        pass

    def raises(error):
        def patch(*args, **kwargs):
            raise error("its own words")

        return patch

    def elsewhere(error):  # in a module that has no patch of the cross-attention
        return Mock(spec=print, side_effect=error("its own words"))

    harmless = patching(attn2_patch=[lambda q, k, v, o: (q, k, v)])
    cases = [
        (Own, "clip", patching(attn2_patch=[raises(Own)])),
        (torch.cuda.OutOfMemoryError, "t5", patching(attn2_patch=[raises(torch.cuda.OutOfMemoryError)])),
        (KeyboardInterrupt, "t5", patching(attn2_patch=[raises(KeyboardInterrupt)])),
        (Own, "t5", patching(attn2_patch=[lambda q, k, v, o: (q, k, v)], attn1_patch=[elsewhere(Own)])),
    ]
    for error, context, patch in cases:
        with pytest.raises(error, match="its own words"):
            sample(graph, patch(graph.apply(context=context)), text)
    sampling = pack_module(graph.host, "nodes.host.sampling")
    with pytest.MonkeyPatch.context() as patched, pytest.raises(Own, match="its own words"):
        patched.setattr(sampling, "optimized_attention", elsewhere(Own))
        sample(graph, harmless(graph.apply()), text)


@pytest.mark.parametrize("context", CONTEXTS)
def test_prompts_side_by_side_work(graph, text, other, context):
    couple = Couple(graph.clip(seed=4)[0][0])
    patch = patching(attn2_patch=[couple.inputs], attn2_output_patch=[couple.output])
    out = sample(graph, both(graph, patch, context), text)
    assert torch.equal(sample(graph, both(graph, patch, context, before=True), text), out)
    assert changed(out, sample(graph, graph.apply(context=context), text)) > 1e-2
    assert changed(out, sample(graph, both(graph, patch, context), other)) > 1e-2


class TestNodesThatReadAConditioningThemselves:
    """On a model with Apply DEIG too: without CLIP the numbers of DEIG Encode mean nothing."""

    def test_as_rows_beside_the_prompt(self, graph):
        text = graph.encode()
        couple = Couple(text[0][0][0])
        patch = patching(attn2_patch=[couple.inputs], attn2_output_patch=[couple.output])
        assert "Attention Couple" in str(refusal(lambda: sample(graph, patch(graph.apply()), text)))

    def test_as_keys(self, graph, text):
        block = graph.model.model.diffusion_model.input_blocks[1][1].transformer_blocks[0]
        assert "NAG" in str(refusal(lambda: block.attn2.to_k(graph.encode()[1][0][0])))
        assert torch.equal(block.attn2.to_k(text[1][0][0]), text[1][0][0] @ block.attn2.to_k.weight.T)


def with_a_negative(tokens):
    """A node that adds a negative prompt's rows to the context and guides the attention by them."""

    def add(executor, x, timesteps, context, *args, **kwargs):
        return executor(x, timesteps, torch.cat([context, tokens.to(context)]), *args, **kwargs)

    def patch(model):
        model = model.clone()
        model.add_wrapper_with_key("diffusion_model", "negative", add)
        return model

    return patch


def test_rows_added_to_the_context(graph, text):
    patch = with_a_negative(graph.clip(seed=7)[0][0])
    for context in ("t5", "concat"):
        said = str(refusal(lambda: sample(graph, both(graph, patch, context, before=True), text)))  # noqa: B023
        assert "3 texts" in said and "2 images" in said and 'choose context "clip"' in said


def test_rows_of_the_models_width_lie_beside_an_encoding_without_clip(graph):
    patch = with_a_negative(graph.clip(seed=7)[0][0])
    assert "3 texts" in str(refusal(lambda: sample(graph, both(graph, patch, "t5", before=True), graph.encode())))


def putting(tokens):
    """A node that gives the model tokens of its own in the place of the conditionings'."""

    def wrapper(apply, arguments):
        own = tokens.repeat(len(arguments["input"]), 1, 1)
        return apply(arguments["input"], arguments["timestep"], **{**arguments["c"], "c_crossattn": own})

    def patch(model):
        model = model.clone()
        model.set_model_unet_function_wrapper(wrapper)
        return model

    return patch


@pytest.mark.parametrize("before", [True, False])
def test_another_context_than_the_conditionings(graph, text, before):
    patch = putting(graph.clip(tokens=64, seed=9)[0][0])
    said = str(refusal(lambda: sample(graph, both(graph, patch, "t5", before), text)))
    assert "64 tokens" in said and "had 77" in said and '"clip" or "concat"' in said
    for context in ("clip", "concat"):
        out = sample(graph, both(graph, patch, context, before), text)
        assert changed(out, sample(graph, graph.apply(context=context), text)) > 1e-3


def test_contexts_of_several_lengths_are_the_conditionings_own(graph):
    """The host repeats them to one length, whether they share a call or not; DEIG's prompts stay what they are."""
    expected = sample(graph, graph.apply(), graph.encode(positive=graph.clip(), negative=graph.clip(seed=1)))
    for long in (154, 231, 616):
        text = graph.encode(positive=graph.clip(tokens=long), negative=graph.clip(seed=1))
        torch.testing.assert_close(sample(graph, graph.apply(), text), expected, rtol=1e-4, atol=1e-4)


class TestSizes:
    """A sampler may resize the picture; whoever cuts it is refused where regions act."""

    def sample(self, graph, model, text, step, size=(32, 32)):
        import comfy.samplers

        def function(model, x, sigmas, extra_args=None, callback=None, disable=None, **_):
            for sigma in sigmas[:-1]:
                x = step(lambda part: model(part, sigma * part.new_ones(len(part)), **extra_args), x)  # noqa: B023
            return x

        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(*text)
        guider.set_cfg(3.0)
        noise = torch.randn(1, 4, *size, generator=torch.Generator().manual_seed(3))
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 2)
        with torch.inference_mode():
            return guider.sample(noise, torch.zeros(1, 4, *size), comfy.samplers.KSAMPLER(function), sigmas)

    @pytest.mark.parametrize(("size", "scale"), [((16, 16), 0.5), ((17, 23), 0.5), ((24, 40), 1.25)])
    def test_a_sampler_that_resizes(self, graph, text, other, size, scale):
        def step(denoised, x):
            small = torch.nn.functional.interpolate(x, scale_factor=scale, mode="nearest-exact")
            return torch.nn.functional.interpolate(denoised(small), size=x.shape[-2:], mode="nearest-exact")

        out = self.sample(graph, graph.apply(), text, step, size)
        assert changed(out, self.sample(graph, graph.apply(), other, step, size)) > 1e-2

    def test_a_sampler_that_cuts_bands(self, graph, text):
        def step(denoised, x):
            return torch.cat([denoised(half) for half in x.chunk(2, dim=-2)], dim=-2)

        assert "tiles" in str(refusal(lambda: self.sample(graph, graph.apply(), text, step)))

    def test_a_guidance_that_cuts_the_picture(self, graph, text):
        """Of the picture's own proportions: inside one prediction the size does not change."""
        import comfy.samplers

        def window(arguments):
            options = {k: arguments[k] for k in ("model", "model_options")}
            part = arguments["input"][..., :8, :8]
            conds, sigma = [arguments["cond"]], arguments["sigma"]
            comfy.samplers.calc_cond_batch(conds=conds, x_in=part, timestep=sigma, **options)
            return arguments["denoised"]

        def patch(model):
            model = model.clone()
            model.set_model_sampler_post_cfg_function(window)
            return model

        assert "8 x 8" in str(refusal(lambda: sample(graph, patch(graph.apply()), text)))
        for without_regions in (graph.model, graph.apply(strength=0.0)):
            assert torch.equal(sample(graph, patch(without_regions), text), sample(graph, without_regions, text))
