"""The trained demo models: the evaluation measures what the graph makes, and the boxes get their things."""

import json

import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from parity import pack_module

from deig_core.demo import files
from research.demo import models
from research.demo.evaluate import FIRST_SEED, judged, load
from research.demo.generate import GUIDANCE, Models, denoise, example, generate
from research.demo.scorer import Classifier
from research.demo.world import SIZE, draw_scene
from research.training.trainee import Trainee

STEPS = 5


@pytest.fixture(scope="module")
def demo():
    return Models(models.unet(), models.autoencoder(), models.text_encoder()), load(files.WEIGHTS / files.ADAPTER)


def document(scene):
    boxed = enumerate(zip(scene.things, scene.boxes().tolist(), strict=True))
    regions = [{"id": str(i), "box": box, "description": placed.thing.describe()} for i, (placed, box) in boxed]
    return json.dumps({"version": 1, "width": SIZE, "height": SIZE, "regions": regions})


def test_the_evaluation_samples_as_the_graph_does(graph, demo):
    scene = draw_scene(FIRST_SEED + 2, 3)
    model, vae, adapter, encoder = graph.node("DEIGLoadDemo", weights_seed=0)[:4]
    regions, width, height = graph.node("DEIGRegions", regions=document(scene))
    positive, negative = graph.node("DEIGEncode", text_encoder=encoder, regions=regions, prompt="", negative_prompt="")
    (patched,) = graph.node(
        "DEIGApply", model=model, adapter=adapter, strength=1.0, start=0.0, end=1.0, decay=0.0, context="t5"
    )
    found = graph.sample(patched, positive, negative, size=(height // 8, width // 8), steps=STEPS, cfg=GUIDANCE, seed=3)
    noise = torch.randn(1, 4, SIZE // 8, SIZE // 8, generator=torch.manual_seed(3))
    assembled, ours = demo
    expected = denoise(assembled, Trainee(assembled.unet, ours), [example(scene, noise[0])], noise, steps=STEPS)
    assert (found * 0.18215 - expected).abs().max() < 2e-3
    picture = graph.node("VAEDecode", samples={"samples": found}, vae=vae)[0]
    assert (picture[0] - assembled.autoencoder.decode(expected)[0].permute(1, 2, 0).clamp(0, 1)).abs().max() < 5e-3


def test_untrained_models_say_so_at_their_node(graph):
    cls = graph.host.NODE_CLASS_MAPPINGS["DEIGLoadDemo"]
    (note,) = cls.EXECUTE_NORMALIZED(weights_seed=1).ui["deig_notes"]
    assert "untrained" in note and cls.EXECUTE_NORMALIZED(weights_seed=0).ui is None


def test_the_demo_brings_what_it_was_made_for(graph):
    latent, steps, cfg = graph.node("DEIGLoadDemo", weights_seed=0)[4:]
    assert latent["samples"].shape == (1, 4, SIZE // 8, SIZE // 8) and files.SIDE == SIZE
    assert (steps, cfg) == (files.STEPS, files.GUIDANCE)


@pytest.mark.parametrize(
    ("cells", "cfg", "said"),
    [
        ((16, 16), 3.0, ()),
        ((16, 24), 3.0, ("192 x 128", "repeat")),
        ((16, 16), 8.0, ("CFG 3", "8")),
        ((8, 8), 7.5, ("64 x 64", "7.5")),
    ],
)
def test_the_demo_says_at_the_sampler_what_it_does_not_know(graph, monkeypatch, cells, cfg, said):
    model, _, _, encoder = graph.node("DEIGLoadDemo", weights_seed=0)[:4]
    texts = graph.node(
        "DEIGEncode", text_encoder=encoder, regions=graph.regions([]), prompt="a red circle", negative_prompt=""
    )
    heard = []
    monkeypatch.setattr(pack_module(graph.host, "nodes.host.demo"), "say_at_running_node", heard.append)
    graph.sample(model, *texts, size=cells, steps=1, cfg=cfg)
    (sentences,) = heard
    assert all(words in " ".join(sentences) for words in said) and bool(sentences) == bool(said)


def test_what_is_asked_for_lies_in_its_box(demo):
    assembled, adapter = demo
    scenes = [draw_scene(FIRST_SEED + i) for i in range(8)]
    classifier = Classifier()
    classifier.load_state_dict(files.read(files.SCORER))
    with_boxes, without = (
        [
            v
            for scene in judged(classifier, generate(assembled, adapter, scenes, steps=STEPS, **how), scenes)
            for v in scene
        ]
        for how in ({}, {"boxes": False, "gates": False})
    )
    located, by_chance = (sum(v.iou >= 0.5 for v in verdicts) / len(verdicts) for verdicts in (with_boxes, without))
    assert located > 0.7 and by_chance < 0.4
    coloured, by_chance = (
        sum(v.right("colour") for v in verdicts) / len(verdicts) for verdicts in (with_boxes, without)
    )
    assert coloured > 0.8 and by_chance < 0.4
    # A text encoder that does not say which colour is whose gave 0.38.
    assert sum(v.passes() for v in with_boxes) / len(with_boxes) > 0.6


def test_the_weights_stay_small():
    shipped = [p for p in files.WEIGHTS.rglob("*") if p.is_file()]
    assert {p.relative_to(files.WEIGHTS).as_posix() for p in shipped} == {
        files.UNET,
        files.VAE,
        files.ADAPTER,
        files.SCORER,
        "t5/config.json",
        "t5/model.safetensors",
        "t5/tokenizer.json",
    }
    assert sum(p.stat().st_size for p in shipped) <= 25_000_000
