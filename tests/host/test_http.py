"""The pack as a client of the HTTP API meets it: a real server, real prompts, and the evaluation as that client."""

import copy
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import COMFYUI
from PIL import Image
from safetensors.torch import save_file

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo import files
from deig_core.errors import DeigError
from deig_core.model.untrained import untrained_adapter
from research.evaluation.comfy import ComfyUI
from research.evaluation.comfy import Server as Address
from research.evaluation.generate import generate
from research.evaluation.layout import Instance, Layout
from research.evaluation.workflow import read_workflow, set_values
from tools.server import Server, images
from tools.setup import ROOT, DevError, Host, prepare_base

WORKFLOWS = ROOT / "example_workflows" / "api"


def listing(folder):
    """Every file and folder in `folder`, with its size and the time of its last change."""
    return {p: (s.st_size, s.st_mtime_ns) for p in folder.rglob("*") for s in [p.lstat()]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    # A base directory of its own: a server empties that of temporary files when it starts.
    host = Host(COMFYUI, Path(sys.prefix), tmp_path_factory.mktemp("server"))
    prepare_base(host)
    shutil.copy(Path(__file__).with_name("tiny_clip.py"), host.base / "custom_nodes")
    if (there := Path(os.environ.get("DEIG_PACKS", "/nowhere")) / PACK).is_dir():
        (host.base / "custom_nodes" / PACK).symlink_to(there)
    untrained_gligen(host.base / "models" / "gligen" / "tiny.safetensors")
    before = listing(COMFYUI)
    with Server(host, arguments=("--cpu", "--use-pytorch-cross-attention")) as running:
        running.host, running.before, running.modules = host, before, running.get("/tests/modules")
        yield running


@pytest.fixture
def demo():
    return with_inputs(json.loads((WORKFLOWS / "DEIG demo.json").read_text(encoding="utf-8")), "KSampler", steps=2)


def with_inputs(prompt, class_type, /, **inputs):
    """A copy of `prompt` with these inputs for every node of the class."""
    prompt = copy.deepcopy(prompt)
    for node in prompt.values():
        if node["class_type"] == class_type:
            node["inputs"].update(inputs)
    return prompt


def run(server, prompt, prefix):
    """Pictures that `prompt` saves under `prefix` (a new one: the host does not save again what it has cached)."""
    entry = server.wait(server.queue(with_inputs(prompt, "SaveImage", filename_prefix=prefix)))
    return [np.asarray(Image.open(path)) for path in images(server.host, entry)]


def test_every_node_is_there_with_its_description(server):
    info = server.get("/object_info")
    ours = {k: v for k, v in info.items() if v["category"].startswith("DEIG")}
    assert ours.keys() == {page.stem for page in (ROOT / "web" / "docs").glob("*.md")}
    assert all(v["description"] for v in ours.values())


def test_loading_the_pack_does_not_load_transformers_models(server):
    assert "transformers" in server.modules and "transformers.models.t5.modeling_t5" not in server.modules


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
    bad = with_inputs(
        demo,
        "DEIGRegions",
        regions='{"version": 1, "width": 512, "height": 512, "regions": [{"box": [0.8, 0.2, 0.4, 0.9]}]}',
    )
    with pytest.raises(
        DevError, match=r"DEIGRegions: (\w+: )?Region 1: box \[0\.8, 0\.2, 0\.4, 0\.9\] has x1 <= x0\.$"
    ):
        server.wait(server.queue(bad))
    assert server.wait(server.queue(demo))


def test_an_errors_type_is_a_name_and_no_path(server, demo):
    entry = server.get(f"/history/{failed(server, with_inputs(demo, 'DEIGRegions', regions='[1, 2]'))}").popitem()[1]
    failure = next(data for kind, data in entry["status"]["messages"] if kind == "execution_error")
    assert failure["exception_type"] == "DEIG.RegionError"


def failed(server, prompt):
    """Id of a prompt that ended with an error."""
    prompt_id = server.queue(prompt)
    with pytest.raises(DevError):
        server.wait(prompt_id)
    return prompt_id


def test_a_graph_built_by_hand_around_the_demo_makes_a_picture_without_a_warning(server, demo):
    """Every setting that a person would leave alone: the node's defaults, the sampler's own scheduler."""
    start = len(server.log.read_text(errors="replace"))
    ids = {n["class_type"]: i for i, n in demo.items()}
    by_hand = with_inputs(
        demo,
        "KSampler",
        latent_image=[ids["DEIGLoadDemo"], 4],
        steps=2,
        cfg=[ids["DEIGLoadDemo"], 6],
        scheduler="simple",
    )
    by_hand = with_inputs(
        by_hand,
        "DEIGEncode",
        negative_prompt=server.get("/object_info/DEIGEncode")["DEIGEncode"]["input"]["required"]["negative_prompt"][1][
            "default"
        ],
    )
    assert run(server, by_hand, "test by hand")[0].std() > 5
    assert "cut after" not in server.log.read_text(errors="replace")[start:]


def test_missing_weights_are_said_before_anything_runs(server, demo):
    demo["2"] = {"class_type": "DEIGLoad", "inputs": {"weights_name": "model.pth"}}
    (apply,) = [n for n in demo.values() if n["class_type"] == "DEIGApply"]
    apply["inputs"]["adapter"] = ["2", 0]
    with pytest.raises(DevError, match="models/deig has no DEIG weights yet"):
        server.queue(demo)


TEXTS = {p.stem: p.read_text(encoding="utf-8") for p in sorted(WORKFLOWS.glob("*.json"))}
# The app's graph is the demo's.
DEMOS = [name for name, text in TEXTS.items() if "DEIGLoadDemo" in text and name != "DEIG app"]
PACK = "ComfyUI-AnimateDiff-Evolved"


@pytest.mark.parametrize("name", DEMOS)
def test_templates_bypassed_and_with_a_zeroed_negative(server, name):
    """Bypassing Apply DEIG is the most natural comparison, a zeroed negative a common habit; both were a crash or no
    guidance at all.
    """
    prompt = json.loads(TEXTS[name])
    # Two steps, and the picture at its own size.
    for kind, inputs in {
        "KSampler": {"steps": 2},
        "DEIGRefineRegions": {"steps": 2},
        "ImageScaleBy": {"scale_by": 1},
    }.items():
        prompt = with_inputs(prompt, kind, **inputs)
    ids = {n["class_type"]: i for i, n in prompt.items()}
    zeroed = copy.deepcopy(prompt)
    zeroed["zero"] = {
        "class_type": "ConditioningZeroOut",
        "inputs": {"conditioning": prompt[ids["KSampler"]]["inputs"]["positive"]},
    }
    zeroed = with_inputs(zeroed, "KSampler", negative=["zero", 0])
    prompts = (prompt, bypassed(prompt, "DEIGApply", "model"), zeroed, with_inputs(zeroed, "KSampler", cfg=1.0))
    whole, bare, guided, unguided = (run(server, p, f"test {name} {i}")[0] for i, p in enumerate(prompts))
    assert all(p.std() > 3 for p in (whole, bare, guided, unguided))
    assert (whole != bare).mean() > 0.1 and (guided != unguided).mean() > 0.1


def bypassed(prompt, class_type, passed):
    """`prompt` as the page sends it when the nodes of the class are bypassed: what came in at `passed` goes on."""
    through = {i: n["inputs"][passed] for i, n in prompt.items() if n["class_type"] == class_type}

    def source(value):
        return source(through[value[0]]) if isinstance(value, list) and value[0] in through else value

    return {
        i: {**n, "inputs": {k: source(v) for k, v in n["inputs"].items()}}
        for i, n in prompt.items()
        if i not in through
    }


def test_the_template_of_animation_makes_a_film_as_far_as_it_can_without_a_motion_module(server):
    info = server.get("/object_info")
    if "ADE_UseEvolvedSampling" not in info:
        pytest.skip(f"{PACK} is not there: set DEIG_PACKS to a folder with its checkout")
    prompt = json.loads(TEXTS["DEIG animation"])
    for node in prompt.values():
        given, kinds = set(node["inputs"]), info[node["class_type"]]["input"]
        assert {*kinds["required"]} <= given <= {*kinds["required"], *kinds.get("optional", {})}, node["class_type"]
    ids = {n["class_type"]: i for i, n in prompt.items()}
    demo = [ids.pop(kind) for kind in ("CheckpointLoaderSimple", "DEIGLoad", "DEIGLoadTextEncoder")]
    for left_out in (*demo, ids["ADE_LoadAnimateDiffModel"], ids["ADE_ApplyAnimateDiffModelSimple"]):
        del prompt[left_out]
    prompt["demo"] = {"class_type": "DEIGLoadDemo", "inputs": {"weights_seed": 0}}
    for kind, inputs in {
        "DEIGApply": {"model": ["demo", 0], "adapter": ["demo", 2]},
        "DEIGEncode": {"text_encoder": ["demo", 3], "prompt": "", "negative_prompt": ""},
        "VAEDecode": {"vae": ["demo", 1]},
        "KSampler": {"steps": 1},
        "ADE_StandardStaticContextOptions": {"context_length": 8},
    }.items():
        prompt = with_inputs(prompt, kind, **inputs)
    del prompt[ids["ADE_UseEvolvedSampling"]]["inputs"]["m_models"]
    (regions,) = [n["inputs"]["regions"] for n in prompt.values() if n["class_type"] == "DEIGRegions"]
    small = json.dumps({**json.loads(regions), "width": 128, "height": 128})
    entry = server.wait(server.queue(with_inputs(prompt, "DEIGRegions", regions=small)))
    films = [Image.open(path) for path in images(server.host, entry)]
    assert [film.n_frames for film in films] == [16, 16]


def test_a_users_checkout_is_left_as_it_was(server, demo):
    assert server.wait(server.queue(demo))
    assert listing(COMFYUI) == server.before
    # A checkout that has no folder for the database yet would not show that the host wants it there.
    assert "Failed to initialize database" not in server.log.read_text(errors="replace")


def untrained_gligen(path):
    """A GLIGEN file for the demo's UNet, with random weights."""
    config = load_adapter(read_published(files.WEIGHTS / files.ADAPTER)).config
    weights = untrained_adapter(replace(config, position_hidden=512), 1).published_state_dict()  # 512 is core's
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v for k, v in weights.items() if not k.startswith("IDE.")}, path)


LAYOUTS = [
    Layout(
        id=name,
        benchmark="demo",
        prompt=", ".join(text for _, text in things),
        instances=tuple(Instance(box, text, text.split()[-1]) for box, text in things),
        width=128,
        height=128,
    )
    for name, things in (
        ("a", [((0.1, 0.1, 0.5, 0.5), "a blue star"), ((0.5, 0.5, 0.95, 0.9), "a red circle")]),
        ("b", [((0.2, 0.3, 0.8, 0.85), "a green heart")]),
    )
]
RUN = {"steps": 2, "cfg": 3.0, "sampler": "euler", "scheduler": "ddim_uniform", "negative": ""}


@pytest.fixture
def sampler(server):
    """The demo's models by a shipped workflow's name, in place of files that nobody has here; what reads CLIP reads the
    one of tiny_clip.py.
    """

    def made(name, **files):
        workflow = read_workflow(name)
        if "checkpoint" in workflow:
            workflow["checkpoint"] = {"class_type": "TinyCheckpoint", "inputs": {}}
        if workflow.pop("weights", None) and workflow.pop("text_encoder"):
            workflow["demo"] = {"class_type": "DEIGLoadDemo", "inputs": {"weights_seed": 0}}
            workflow["apply"]["inputs"]["adapter"] = ["demo", 2]
            workflow["encode"]["inputs"]["text_encoder"] = ["demo", 3]
        return ComfyUI([Address(server.url)], set_values(workflow, {**RUN, **files}))

    return made


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_the_evaluation_draws_what_a_folder_lacks_by_every_method(sampler, tmp_path):
    drawn = {}
    for name in ("demo", "demo-prompt", "prompt", "gligen", "deig-clip", "deig"):
        given = {"gligen": "tiny.safetensors"} if name == "gligen" else {}
        assert generate(LAYOUTS, tmp_path / name, sampler(name, **given), [5]) == {}
        assert sorted(p.name for p in (tmp_path / name / "5").iterdir()) == ["a.png", "b.png"]
        drawn[name] = pixels(tmp_path / name / "5" / "a.png")
    apart = np.abs(drawn.pop("deig") - drawn["demo"]).max()
    assert apart <= 2, "DEIG by files draws as the demo's one node of the same weights"
    assert all((a != b).any() for a, b in combinations(drawn.values(), 2)), "every method draws in its own way"
    lost, kept = (tmp_path / "gligen" / "5" / f"{name}.png" for name in "ab")
    when = kept.stat().st_mtime_ns
    lost.unlink()
    assert generate(LAYOUTS, tmp_path / "gligen", sampler("gligen", gligen="tiny.safetensors"), [5]) == {}
    assert (pixels(lost) == drawn["gligen"]).all() and kept.stat().st_mtime_ns == when


def test_core_gligen_gets_every_box_and_every_text(sampler, tmp_path):
    whole = sampler("gligen", gligen="tiny.safetensors")
    first, second = LAYOUTS[0].instances
    others = {
        "first-moved": (replace(first, box=(0.1, 0.5, 0.5, 0.9)), second),
        "second-moved": (first, replace(second, box=(0.5, 0.1, 0.9, 0.5))),
        "second-told": (first, replace(second, text="a white cross")),
    }
    layouts = [LAYOUTS[0], *(replace(LAYOUTS[0], id=name, instances=found) for name, found in others.items())]
    assert generate(layouts, tmp_path, whole, [5]) == {}
    same, *moved = (pixels(tmp_path / "5" / f"{layout.id}.png") for layout in layouts)
    assert all((same != picture).any() for picture in moved)


def test_what_the_host_says_against_a_picture_is_said(sampler, tmp_path):
    with pytest.raises(
        DeigError, match=r"^ComfyUI at http://\S+ refused the workflow: GLIGENLoader: Value not in list"
    ):
        generate(LAYOUTS, tmp_path / "a", sampler("gligen", gligen="absent.safetensors"), [5])
    bad = replace(LAYOUTS[0], instances=(replace(LAYOUTS[0].instances[0], box=(0.8, 0.2, 0.4, 0.9)),))
    failures = generate([bad, LAYOUTS[1]], tmp_path / "b", sampler("demo"), [5])
    assert [*failures] == [tmp_path / "b" / "5" / "a.png"]
    assert failures.popitem()[1].endswith("Region 1: box [0.8, 0.2, 0.4, 0.9] has x1 <= x0.")
    assert (tmp_path / "b" / "5" / "b.png").is_file()


def ask(server, path, body, **headers):
    """(status, answer) of a POST; body: a value, or bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def test_the_page_may_ask_how_boxes_are_read(server):
    text = json.dumps([{"bbox_2d": [64, 48, 320, 240], "label": "a dog"}, "a text alone"])
    status, answer = ask(server, "/deig/read", {"text": text, "width": 640, "height": 480})
    assert status == 200 and answer["summary"].startswith("Read as Qwen boxes, xyxy, pixels of 640 x 480, 1 box")
    assert [r["box"] for r in answer["doc"]["regions"]] == [[0.1, 0.1, 0.5, 0.5], None]
    asked = {"text": text, "width": 64, "height": 48, "units": "pixels", "size": [1280, 960]}
    assert ask(server, "/deig/read", asked)[1]["doc"]["regions"][0]["box"] == [0.05, 0.05, 0.25, 0.25]
    status, answer = ask(server, "/deig/read", {"text": "no boxes", "width": 8, "height": 8})
    assert status == 200 and answer["error"].endswith(".")


def test_the_page_may_ask_what_the_text_encoder_knows(server):
    texts = ["a red hoodie", "红色的星星", "a (blue:1.3) star", ""]
    status, answer = ask(server, "/deig/texts", {"texts": texts})
    plain, chinese, marked, empty = answer["texts"]
    assert status == 200 and (plain["tokens"], plain["unknown"], empty["tokens"]) == (8, 0, 0)
    assert chinese["nothing"] and chinese["lost"] == ["红色的星星"] and marked["marks"] == ["(blue:1.3)"]
    assert ask(server, "/deig/texts", {"texts": ["a blue star"], "demo": True})[1]["texts"][0]["unknown"] == 0


@pytest.mark.parametrize("path", ["/deig/read", "/deig/texts"])
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"[]", {}, 400),
        ({}, {}, 200),
        ({"text": 7, "texts": [7], "width": 8, "height": 8}, {}, 200),
        ({"text": "[]", "texts": ["a"] * 999, "width": -1, "height": 1e9}, {}, 200),
        (b" " * (5 * 1024 * 1024), {}, 413),
        ({}, {"Content-Type": "text/plain"}, 415),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
    ids=["cut", "deep", "list", "empty", "kinds", "sizes", "large", "no JSON", "another site"],
)
def test_hostile_requests_are_refused(server, path, body, headers, status):
    found, answer = ask(server, path, body, **headers)
    # Newer hosts refuse other sites themselves, in their own words.
    assert found == status and (status == 403 or answer["error"].endswith("."))


def test_another_sites_page_may_not_ask(server):
    request = urllib.request.Request(
        server.url + "/deig/read",
        b"{}",
        {"Content-Type": "application/json", "Origin": "http://elsewhere.example", "Sec-Fetch-Site": "same-origin"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 403
