"""Workflows with blanks: every method samples alike, and every box and text arrives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deig_core.regions.document import parse
from research.evaluation.layout import Instance, Layout
from research.evaluation.workflow import WorkflowError, fill, for_clip, of_instance, read_workflow, set_values, shipped

RUN = {"steps": 40, "cfg": 7.5, "sampler": "euler", "scheduler": "ddim_uniform", "negative": "low (quality)"}
FILES = {
    "deig": {"checkpoint": "a.safetensors", "weights": "b.safetensors", "text_encoder": "T5-XL"},
    "deig-clip": {"checkpoint": "a.safetensors", "weights": "b.safetensors", "text_encoder": "T5-XL"},
    "gligen": {"checkpoint": "a.safetensors", "gligen": "c.safetensors"},
    "prompt": {"checkpoint": "a.safetensors"},
    "demo": {},
    "demo-prompt": {},
}
LAYOUT = Layout(
    "000000000139",
    "deig",
    "a red cup (small), a blue cup",
    (Instance((0.1, 0.2, 0.5, 0.6), "a red cup (small)", "cup"), Instance((0.5, 0.5, 1.0, 1.0), "a blue cup", "cup")),
    512,
    768,
)


def filled(name, layout=LAYOUT, seed=7):
    return fill(set_values(read_workflow(name), RUN | FILES[name]), layout, seed)


def of_class(workflow, name):
    return [node["inputs"] for node in workflow.values() if node["class_type"] == name]


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_open_and_every_link_leads_somewhere(name):
    assert set(FILES) == set(shipped())
    workflow = filled(name)
    for node in workflow.values():
        for value in node["inputs"].values():
            assert not (isinstance(value, str) and value.startswith("$"))
            assert not isinstance(value, list) or value[0] in workflow
    (picture,) = of_class(workflow, "PreviewImage")
    assert picture["images"][0] in workflow


def test_every_method_samples_alike():
    samplers = []
    for name in FILES:
        (inputs,) = of_class(filled(name), "KSampler")
        (latent,) = of_class(filled(name), "EmptyLatentImage")
        samplers.append({k: v for k, v in inputs.items() if not isinstance(v, list)} | latent)
    assert all(found == samplers[0] for found in samplers)
    assert samplers[0] == {
        **{"seed": 7, "steps": 40, "cfg": 7.5, "sampler_name": "euler", "scheduler": "ddim_uniform"},
        **{"denoise": 1.0, "width": 512, "height": 768, "batch_size": 1},
    }


def test_deig_gets_the_boxes_as_they_are_and_the_texts_word_for_word():
    (inputs,) = of_class(filled("deig"), "DEIGRegions")
    document = parse(inputs["regions"])
    assert (document.width, document.height) == (512, 768)
    assert [(r.box, r.description) for r in document.regions] == [(i.box, i.text) for i in LAYOUT.instances]
    (inputs,) = of_class(filled("deig"), "DEIGEncode")
    assert (inputs["prompt"], inputs["negative_prompt"]) == (LAYOUT.prompt, "low (quality)")


def test_deig_clip_differs_from_deig_by_what_cross_attention_reads():
    deig, clip = filled("deig"), filled("deig-clip")
    (encode,) = of_class(clip, "DEIGEncode")
    texts = [clip.pop(encode.pop(side)[0])["inputs"]["text"] for side in ("positive", "negative")]
    assert texts == [r"a red cup \(small\), a blue cup", r"low \(quality\)"]
    (apply,) = of_class(clip, "DEIGApply")
    assert apply["context"] == "clip"
    apply["context"] = "t5"
    assert clip == deig


def test_gligen_gets_a_node_an_instance_in_one_chain():
    workflow = filled("gligen")
    first, second = of_class(workflow, "GLIGENTextBoxApply")
    assert [first[k] for k in ("x", "y", "width", "height")] == [48, 152, 208, 312]
    assert [second[k] for k in ("x", "y", "width", "height")] == [256, 384, 256, 384]
    assert (first["text"], second["text"]) == (r"a red cup \(small\)", "a blue cup")
    assert workflow[first["conditioning_to"][0]]["inputs"]["text"] == r"a red cup \(small\), a blue cup"
    assert workflow[second["conditioning_to"][0]]["inputs"] == first
    (sampler,) = of_class(workflow, "KSampler")
    assert workflow[sampler["positive"][0]]["inputs"] == second
    assert workflow[sampler["negative"][0]]["inputs"]["text"] == r"low \(quality\)"


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([8, 64, 512]))
def test_gligens_box_is_whole_cells_inside_the_picture_nearest_to_what_was_asked(a, b, side):
    low, high = sorted((a, b))
    if low == high:
        return
    box = of_instance(Instance((low, 0.0, high, 1.0), "a", "a"), Layout("a", "deig", "a", (), side, side))
    x, width = box["box_x"], box["box_width"]
    assert x % 8 == 0 and width % 8 == 0 and 0 <= x < x + width <= side
    assert abs(x - low * side) <= 4 or width == 8
    assert abs(x + width - high * side) <= 4 or width == 8


def weights_of_words(text):
    """ComfyUI's rule, as far as it matters here: bare parentheses weigh, escaped ones are letters."""
    return "(" in text.replace(r"\(", "") or ")" in text.replace(r"\)", "")


@given(st.text("ab(): \\"))
def test_clip_weighs_no_words(text):
    told = for_clip(text)
    assert not weights_of_words(told)
    assert told.replace(r"\(", "(").replace(r"\)", ")") == text


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("deig", RUN, "leaves checkpoint, text_encoder, weights open: give --set checkpoint=... for each"),
        ("prompt", {k: v for k, v in RUN.items() if k != "negative"}, "leaves checkpoint, negative open"),
        ("demo", {**RUN, "gligen": "c"}, "has no blank for gligen"),
    ],
)
def test_what_does_not_fit_a_workflow_is_named(name, values, said):
    with pytest.raises(WorkflowError, match=said):
        set_values(read_workflow(name), values)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"nodes": [], "links": []}', '{"1": {"class_type": "KSampler"}}'])
def test_a_file_that_is_no_workflow_in_api_format_is_refused(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(
        WorkflowError, match=r"^(The workflow \S+ cannot be read|mine\.json is no workflow in API format)"
    ):
        read_workflow(str(path))
    with pytest.raises(WorkflowError, match="one of deig, deig-clip, demo, demo-prompt, gligen, prompt or a file"):
        read_workflow("absent")


def test_a_workflow_of_ones_own_keeps_what_it_says(tmp_path):
    workflow = read_workflow("demo")
    workflow["apply"]["inputs"]["strength"] = 0.5
    workflow["sample"]["inputs"]["steps"] = 12
    (tmp_path / "mine.json").write_text(json.dumps(workflow))
    mine = read_workflow(str(tmp_path / "mine.json"))
    with pytest.raises(WorkflowError, match="has no blank for steps: leave that out"):
        set_values(mine, {"steps": 20}, RUN)
    drawn = fill(set_values(mine, {"cfg": 2.0}, RUN), LAYOUT, 1)
    assert (drawn["apply"]["inputs"]["strength"], drawn["sample"]["inputs"]["steps"]) == (0.5, 12)
    assert (drawn["sample"]["inputs"]["cfg"], drawn["sample"]["inputs"]["scheduler"]) == (2.0, "ddim_uniform")


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"each_instance": "text"}, "each_instance of node boxes is 'text', and no link goes in there"),
        ({"each_instance": ["text"]}, r"each_instance of node boxes is \['text'\], and no link goes in there"),
        ({"each_instance": "absent"}, "each_instance of node boxes is 'absent'"),
        ({}, r"\$box_height in node boxes is of an instance"),
        (None, r"\$box_height in node boxes is of an instance"),
    ],
)
def test_a_chain_that_cannot_be_made_is_said(tmp_path, meta, said):
    workflow = read_workflow("gligen")
    workflow["boxes"]["_meta"] = meta
    (tmp_path / "mine.json").write_text(json.dumps(workflow))
    with pytest.raises(WorkflowError, match=said):
        read_workflow(str(tmp_path / "mine.json"))


@pytest.mark.parametrize("value", [[[1, 2], 3], [{}, 0], ["boxes"], ["boxes", "0"], [], [None, None]])
def test_a_list_that_is_no_link_is_a_value(value):
    workflow = read_workflow("gligen")
    workflow["more"] = {"class_type": "X", "inputs": {"values": value}}
    assert fill(workflow, LAYOUT, 1)["more"]["inputs"]["values"] == value


def test_a_size_that_latents_cannot_have_is_refused():
    with pytest.raises(WorkflowError, match="is 500 x 512 pixels; Stable Diffusion draws whole cells of 8 pixels"):
        fill(read_workflow("demo"), Layout("a", "deig", "a", LAYOUT.instances, 500, 512), 1)
