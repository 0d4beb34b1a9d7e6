"""DEIG Refine Regions: small regions alone are drawn again, each by the model as a picture of its own."""

import pytest
import torch
from graph import PIXELS, boxes_of

SMALL = {"id": "s", "box": [0.5, 0.5, 0.625, 0.625], "description": "a yellow duck"}
NEAR = {"id": "n", "box": [0.55, 0.3, 0.9, 0.55], "description": "a grey house"}
FAR = {"id": "f", "box": [0.0, 0.0, 0.2, 0.2], "description": "a small moon", "enabled": False}
SETTINGS = {
    "smaller_than": 40,
    "size": 64 * 2,
    "context": 2.0,
    "feather": 2,
    "seed": 1,
    "steps": 2,
    "cfg": 3.0,
    "sampler_name": "euler",
    "scheduler": "ddim_uniform",
    "denoise": 0.6,
    "prompt": "",
    "negative_prompt": "",
}


@pytest.fixture
def picture():
    return torch.rand(1, 2 * PIXELS, 2 * PIXELS, 3, generator=torch.Generator().manual_seed(0))


def refined(graph, image, regions=(SMALL, NEAR, FAR), said=False, **more):
    """(image, mask), or what the node says."""
    from comfy_execution.utils import CurrentNodeContext

    inputs = {"image": image, "model": graph.apply(), "vae": graph.vae, "text_encoder": graph.encoder}
    inputs["regions"] = graph.regions(list(regions))
    with torch.inference_mode(), CurrentNodeContext("prompt", "7"):
        out = graph.host.NODE_CLASS_MAPPINGS["DEIGRefineRegions"].EXECUTE_NORMALIZED(**{**inputs, **SETTINGS, **more})
    return out.ui["deig_notes"] if said else out.args


def test_a_small_region_is_drawn_again_in_its_part_and_nothing_else_changes(graph, picture, runs):
    image, mask = refined(graph, picture)
    x0, x1 = (round(edge * 2 * PIXELS) for edge in (0.5, 0.625))
    assert mask[0, x0:x1, x0:x1].min() > 0.99 and not torch.equal(image, picture)
    beyond = torch.ones_like(mask, dtype=torch.bool)
    beyond[:, x0 - 4 : x1 + 4, x0 - 4 : x1 + 4] = False
    assert torch.equal(image[beyond], picture[beyond]) and mask[beyond].max() == 0
    # The part is 64 pixels of 256, with the region in its middle.
    assert {group.window.size for groups in runs for group in groups} == {(16, 16)}
    (positive,) = {group.text for groups in runs for group in groups if group.text.layout.regions}
    boxes = {r.description: r.box for r in positive.layout.regions}
    assert boxes["a yellow duck"] == pytest.approx((0.25, 0.25, 0.75, 0.75))
    assert boxes["a grey house"] == pytest.approx((29 / 64, 0, 1, 29 / 64), abs=1 / 64), "and its neighbour's piece"
    assert boxes_of(runs)[0] == [(0.0, 0.0, 1.0, 1.0)]


@pytest.mark.parametrize("more", [{"smaller_than": 16}, {"denoise": 0.0}])
def test_where_nothing_is_drawn_again_the_picture_is_as_it_was(graph, picture, more):
    image, mask = refined(graph, picture, **more)
    assert torch.equal(image, picture) and not mask.any()


def test_why_nothing_was_drawn_again_is_said(graph, picture):
    nameless = {**SMALL, "description": " "}
    for regions, more, beginning in (
        ([SMALL], {"smaller_than": 16}, "No region is smaller than 16 pixels"),
        ([], {}, "No region is smaller than 40 pixels"),
        ([SMALL], {"size": 64}, "Region 1 was left as it was: the part around it, 64 pixels"),
        ([SMALL], {"feather": 256}, "Region 1 was left as it was: the part around it, 1056 pixels"),
        ([SMALL], {"denoise": 0.0}, "Nothing is drawn again at denoise 0"),
        ([nameless], {}, "Region 1 was left as it was: it has no description"),
    ):
        notes = refined(graph, picture, regions, said=True, **more)
        assert len(notes) == 1 and notes[0].startswith(beginning)


def test_regions_that_act_in_no_step_are_said_beside_what_was_drawn(graph, picture):
    """By their numbers in the whole picture, whichever of them the part shows."""
    elsewhere = {**SMALL, "id": "e", "box": [0.0, 0.8, 0.1, 0.9]}
    early = {**NEAR, "end": 0.3}
    shut = graph.apply(end=0.3)
    for regions, more, sentence in (
        ([elsewhere, SMALL], {"model": shut}, "The regions act from 0 to 0.3 of the noise schedule (Apply DEIG), and"),
        ([{**FAR, "enabled": True}, early, SMALL], {}, "Region 2 is there from 0 to 0.3"),
    ):
        drawn, idle = refined(graph, picture, regions, said=True, **more)
        assert drawn.startswith("Drawn again: region") and idle.startswith(sentence)
    (drawn,) = refined(graph, picture, [early, SMALL], said=True, denoise=1.0, steps=4)
    assert drawn == "Drawn again: region 2."


def test_what_is_not_read_as_typed_here_is_said(graph, picture):
    drawn, prompt, negative = refined(graph, picture, said=True, prompt="a (red:1.3) sky", negative_prompt="(fog:1.2)")
    assert drawn.startswith("Drawn again") and prompt.startswith("The prompt") and negative.startswith("The negative")


def test_what_belongs_to_the_whole_picture_is_refused(graph, picture):
    clip = graph.clip()
    (controlled,) = graph.node(
        "ControlNetApply", conditioning=clip, control_net=graph.tiny_controlnet(), image=picture, strength=1.0
    )
    (area,) = graph.node("ConditioningSetArea", conditioning=clip, width=64, height=64, x=64, y=0, strength=1.0)
    (masked,) = graph.node(
        "ConditioningSetMask", conditioning=clip, mask=picture[..., 0], set_cond_area="default", strength=1.0
    )
    for name, given in (("a ControlNet", controlled), ("an area", area), ("a mask", masked)):
        for sides in ({"positive": given, "negative": clip}, {"positive": clip, "negative": given}):
            with pytest.raises(ValueError, match=f"conditioning with {name}, which belongs to the whole picture"):
                refined(graph, picture, **sides)


def test_each_picture_of_a_batch_is_a_frame(graph, picture):
    moving = {**SMALL, "keyframes": [{"frame": 0, "box": [0, 0, 0.1, 0.1]}, {"frame": 1, "box": [0.8, 0.8, 0.9, 0.9]}]}
    _, mask = refined(graph, torch.cat([picture, picture]), [moving])
    assert mask[0, 4, 4] > 0.9 and mask[0, 220, 220] == 0 and mask[1, 4, 4] == 0 and mask[1, 220, 220] > 0.9


def test_a_prompt_is_said_before_the_descriptions(graph, picture, monkeypatch):
    said = []
    encode = type(graph.encoder).encode
    monkeypatch.setattr(type(graph.encoder), "encode", lambda self, texts: said.append(texts) or encode(self, texts))
    refined(graph, picture, prompt="an oil painting", steps=1)
    assert said[0][1] == "an oil painting, a yellow duck, a grey house"
    refined(graph, picture, steps=1)
    assert said[1][1] == "a yellow duck, a grey house"


def test_a_model_without_deig_leaves_the_picture_as_it_was(graph, picture):
    image, mask = refined(graph, picture, model=graph.model)
    assert torch.equal(image, picture) and not mask.any()


def test_at_strength_0_of_apply_deig_the_picture_is_as_it_was_and_that_is_said(graph, picture):
    model = graph.apply(strength=0.0)
    image, mask = refined(graph, picture, model=model)
    assert torch.equal(image, picture) and not mask.any()
    (said,) = refined(graph, picture, model=model, said=True)
    assert said.startswith("Apply DEIG's strength is 0")
