"""Wrong things are said in one sentence: what was wrong, what was expected, what to do."""

import json

import pytest
import torch
from graph import CELLS, PIXELS
from parity import pack_module


def said(error) -> str:
    text = str(error.value)
    assert "\n" not in text.strip() and text.rstrip().endswith(".")
    return text


def model_of(kind, config):
    import comfy.supported_models
    from comfy.model_patcher import ModelPatcher

    model_config = getattr(comfy.supported_models, kind)(config)
    model_config.set_inference_dtype(torch.float32, None)
    return ModelPatcher(
        model_config.get_model({}, ""), load_device=torch.device("cpu"), offload_device=torch.device("cpu")
    )


def test_the_demo_adapter_on_a_real_checkpoint(graph):
    sd1 = pack_module(graph.host, "nodes.host.sd1")
    with pytest.raises(ValueError) as error:
        graph.apply(sd1.sd1_model({**sd1.SMALL_UNET, "context_dim": 768}, 0))
    assert "this checkpoint is SD15 (768): load the model that these DEIG weights belong to." in said(error)


@pytest.mark.parametrize(("kind", "width"), [("SD20", 1024), ("SDXL", 2048)])
def test_other_stable_diffusions(graph, kind, width):
    config = {**pack_module(graph.host, "nodes.host.sd1").SMALL_UNET, "context_dim": width, "num_heads": 8}
    if kind == "SDXL":
        config.update(adm_in_channels=2816, num_classes="sequential")
    with pytest.raises(ValueError) as error:
        graph.apply(model_of(kind, config))
    assert said(error).startswith(
        f"Apply DEIG needs a Stable Diffusion 1.x model (cross-attention width 64); this checkpoint is {kind} ({width})"
    )


def test_flux(graph):
    from comfy.ldm.flux.model import FluxParams

    config = {
        "image_model": "flux",
        "in_channels": 16,
        "out_channels": 16,
        "vec_in_dim": 16,
        "context_in_dim": 32,
        "hidden_size": 32,
        "mlp_ratio": 2.0,
        "num_heads": 2,
        "depth": 1,
        "depth_single_blocks": 1,
        "axes_dim": [4, 6, 6],
        "theta": 10000,
        "patch_size": 2,
        "qkv_bias": True,
        "guidance_embed": False,
    }
    if "txt_ids_dims" in FluxParams.__dataclass_fields__:  # newer hosts
        config["txt_ids_dims"] = []
    with pytest.raises(ValueError) as error:
        graph.apply(model_of("Flux", config))
    assert "this model is Flux" in said(error)


def test_an_sd1_model_of_another_shape(graph):
    sd1 = pack_module(graph.host, "nodes.host.sd1")
    with pytest.raises(ValueError) as error:
        graph.apply(sd1.sd1_model({**sd1.SMALL_UNET, "model_channels": 64}, 0))
    assert "transformer blocks" in said(error)


def test_an_inpainting_model_works(graph):
    sd1 = pack_module(graph.host, "nodes.host.sd1")
    model = sd1.sd1_model({**sd1.SMALL_UNET, "in_channels": 9}, 0)
    model.model.set_inpaint()
    mask = torch.zeros(1, PIXELS, PIXELS)
    mask[:, 32:96, 32:96] = 1
    pixels = torch.rand(1, PIXELS, PIXELS, 3, generator=torch.Generator().manual_seed(0))

    def inpainted(encoded):
        positive, negative, latent = graph.node(
            "InpaintModelConditioning",
            **dict(zip(("positive", "negative"), encoded, strict=True)),
            vae=graph.vae,
            pixels=pixels,
            mask=mask,
        )
        return graph.sample(graph.apply(model), positive, negative, latent=latent, steps=2), latent["samples"]

    out, start = inpainted(graph.encode())
    outside = torch.ones(CELLS, CELLS, dtype=torch.bool)
    outside[3:13, 3:13] = False
    assert (out - start)[..., outside].abs().max() < 1e-4
    other, _ = inpainted(graph.encode([{"box": [0.0, 0.0, 1.0, 0.5], "description": "a tree"}]))
    assert (out - other)[..., 6:10, 6:10].abs().max() > 1e-2


def test_a_text_encoder_of_another_width(graph):
    grounded = pack_module(graph.host, "deig_core.text.grounded")
    conditioning = pack_module(graph.host, "nodes.host.conditioning")
    wide = grounded.GroundedText(grounded.TextFeatures.of(torch.zeros(128, 4096)), grounded.Layout(()), ())
    with pytest.raises(ValueError) as error:
        graph.sample(graph.apply(), conditioning.with_deig(None, wide), conditioning.with_deig(None, wide))
    assert "4096" in said(error) and "48" in said(error)


@pytest.mark.parametrize("context", ["clip", "concat"])
def test_a_context_that_needs_clip(graph, context):
    with pytest.raises(ValueError) as error:
        graph.sample(graph.apply(context=context), *graph.encode())
    assert "needs CLIP conditionings" in said(error)


def test_regions_from_nowhere(graph):
    with pytest.raises(ValueError) as error:
        graph.node("DEIGEncode", text_encoder=graph.encoder, regions=None, prompt="", negative_prompt="")
    assert "connect DEIG Regions" in said(error)


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([{"box": [0, 0, 1, 1]}] * 65, "65 regions"),
        ([{"box": [0, 0, float("nan"), 1]}], "Region 1"),
        ([{"box": [0.8, 0.2, 0.4, 0.9]}], "x1 <= x0"),
    ],
)
def test_regions_that_cannot_be(graph, regions, words):
    with pytest.raises(ValueError) as error:
        graph.node("DEIGRegions", regions=json.dumps({"version": 1, "width": 512, "height": 512, "regions": regions}))
    assert words in said(error)


def test_a_schedule_that_never_acts(graph):
    with pytest.raises(ValueError) as error:
        graph.apply(start=0.6, end=0.5)
    assert "must be smaller than end" in said(error)


@pytest.mark.parametrize("wrong", [{"strength": float("nan")}, {"end": float("inf")}, {"context": "other"}], ids=str)
def test_settings_that_only_the_api_can_give(graph, wrong):
    with pytest.raises(ValueError) as error:
        graph.apply(**wrong)
    assert f"Apply DEIG: {next(iter(wrong))} is" in said(error)


def test_choices_that_only_the_api_can_give(graph):
    document = json.dumps({"version": 1, "width": 64, "height": 64, "regions": []})
    with pytest.raises(ValueError, match="boxes_mode is 'other'; it must be one of when empty, always, add"):
        graph.node("DEIGRegions", regions=document, boxes_mode="other")
    load = pack_module(graph.host, "nodes.host.patchers").load_hosted_text_encoder
    with pytest.raises(ValueError, match="dtype is 'int8'"):
        load("anywhere", "int8", "")


def test_more_masks_than_regions(graph):
    with pytest.raises(ValueError) as error:
        graph.node("DEIGRegionsFromMasks", masks=torch.ones(3, 8, 8), descriptions="", regions=graph.regions())
    assert "3 masks for 2 regions" in said(error)


def test_a_region_without_description_is_left_out_and_the_node_says_so(graph):
    regions = graph.regions(
        [{"box": [0, 0, 1, 1], "description": " "}, {"box": [0, 0, 0.5, 1], "description": "a tree"}]
    )
    asked = {"text_encoder": graph.encoder, "regions": regions, "prompt": "", "negative_prompt": ""}
    with torch.inference_mode():
        out = graph.host.NODE_CLASS_MAPPINGS["DEIGEncode"].EXECUTE_NORMALIZED(**asked)
    positive, _ = out.args
    assert out.ui["deig_notes"] == ["Region 1 has no text and is left out: write what belongs in it, or disable it."]
    assert len(positive[0][1]["model_conds"]["deig"].text.layout.regions) == 1
