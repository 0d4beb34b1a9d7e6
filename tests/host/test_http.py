"""The pack as a client of the HTTP API meets it: a real server, real prompts."""

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import BASE, COMFYUI
from PIL import Image

import dev

WORKFLOWS = dev.ROOT / "example_workflows" / "api"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    host = dev.Host(COMFYUI, Path(sys.prefix), BASE)
    log = tmp_path_factory.mktemp("server") / "log"
    with dev.Server(host, arguments=("--cpu", "--use-pytorch-cross-attention"), log=log) as running:
        running.host = host
        yield running


@pytest.fixture
def demo():
    return with_inputs(json.loads((WORKFLOWS / "DEIG demo.json").read_text(encoding="utf-8")), "KSampler", steps=2)


def with_inputs(prompt, class_type, **inputs):
    """A copy of `prompt` with these inputs for every node of the class."""
    prompt = copy.deepcopy(prompt)
    for node in prompt.values():
        if node["class_type"] == class_type:
            node["inputs"].update(inputs)
    return prompt


def run(server, prompt, prefix):
    """Pictures that `prompt` saves under `prefix` (a new one: the host does not save again what it has cached)."""
    entry = server.wait(server.queue(with_inputs(prompt, "SaveImage", filename_prefix=prefix)))
    return [np.asarray(Image.open(path)) for path in dev.images(server.host, entry)]


def test_every_node_is_there_with_its_description(server):
    info = server.get("/object_info")
    ours = {k: v for k, v in info.items() if v["category"].startswith("DEIG")}
    assert len(ours) >= 10 and all(k.startswith("DEIG") and v["description"] for k, v in ours.items())


def test_the_demo_saves_a_picture_and_an_overlay(server, demo):
    picture, overlay = run(server, demo, "test demo")
    assert picture.shape == overlay.shape and picture.std() > 5
    assert (picture != overlay).any()


def test_a_description_changes_the_picture_and_the_seed_repeats_it(server, demo):
    (regions,) = [n["inputs"]["regions"] for n in demo.values() if n["class_type"] == "DEIGRegions"]
    described_otherwise = with_inputs(demo, "DEIGRegions", regions=regions.replace("blue star", "green square"))
    first = run(server, demo, "test a")[0]
    assert (first != run(server, described_otherwise, "test b")[0]).any()
    assert (first == run(server, demo, "test c")[0]).all()


def test_a_bad_document_is_an_error_of_one_sentence_and_the_queue_goes_on(server, demo):
    bad = with_inputs(demo, "DEIGRegions", regions='{"version": 1, "width": 512, "height": 512, "regions": [{"box": [0.8, 0.2, 0.4, 0.9]}]}')
    with pytest.raises(dev.DevError, match=r"DEIGRegions: (\w+: )?Region 1: box \[0\.8, 0\.2, 0\.4, 0\.9\] has x1 <= x0\.$"):
        server.wait(server.queue(bad))
    assert server.wait(server.queue(demo))


def test_missing_weights_are_said_before_anything_runs(server, demo):
    demo["2"] = {"class_type": "DEIGLoad", "inputs": {"weights_name": "model.pth"}}
    (apply,) = [n for n in demo.values() if n["class_type"] == "DEIGApply"]
    apply["inputs"]["adapter"] = ["2", 0]
    with pytest.raises(dev.DevError, match="models/deig has no DEIG weights yet"):
        server.queue(demo)
