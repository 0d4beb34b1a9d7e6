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


def refined(graph, image, regions=(SMALL, NEAR, FAR), **more):
    inputs = {"image": image, "model": graph.apply(), "vae": graph.vae, "text_encoder": graph.encoder}
    return graph.node("DEIGRefineRegions", regions=graph.regions(list(regions)), **{**inputs, **SETTINGS, **more})


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


def test_no_small_region_leaves_the_picture_as_it_was(graph, picture):
    image, mask = refined(graph, picture, smaller_than=16)
    assert torch.equal(image, picture) and not mask.any()


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
