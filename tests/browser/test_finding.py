"""How a person comes to the nodes: the search, the blueprint, the templates, their own language."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "example_workflows"
WORDS = {
    "box": "DEIG Regions (",
    "bounding": "DEIG Regions (",
    "layout": "DEIG Regions (",
    "region": "DEIG Regions (",
    "regional prompt": "DEIG Encode",
    "instance": "Apply DEIG",
}


def search(hands, word):
    """Open the page's search, type, and return the locator of its results."""
    page = hands.page
    page.keyboard.press("Escape")
    page.evaluate(
        "() => { app.canvas.canvas.focus(); app.extensionManager.command.execute('Workspace.SearchBox.Toggle') }"
    )
    box = page.locator(".comfy-vue-node-search-box input:visible, [role=search] input:visible").first
    box.wait_for()
    box.fill(word)
    page.wait_for_timeout(700)
    return page.locator(".comfy-vue-node-search-box [role=option]:visible, [role=search] [role=option]:visible")


@pytest.mark.parametrize("word", WORDS)
def test_a_node_is_found_by_the_word_that_people_type(hands, word):
    hands.start(None)
    found = search(hands, word).all_inner_texts()
    hands.keys("Escape", "Escape")
    assert any(WORDS[word] in text for text in found), found


def test_the_blueprint_is_one_node_that_carries_the_whole_workflow(hands):
    hands.start(None)
    hands.page.evaluate("() => app.graph.clear()")
    option = search(hands, "DEIG for SD").filter(has_text="DEIG for SD 1.5").first
    option.click()
    hands.page.mouse.click(700, 300)  # the newest page lets a new node follow the pointer until then
    hands.page.wait_for_function("app.graph.nodes.length === 1")
    hands.stage().wait_for()
    hands.settle()
    sent = hands.prompt()
    kinds = {node["class_type"]: node["inputs"] for node in sent.values()}
    assert set(kinds) >= {"CheckpointLoaderSimple", "DEIGLoad", "DEIGLoadTextEncoder", "DEIGRegions", "DEIGEncode"}
    assert kinds["KSampler"] | {"seed": 0} == {**kinds["KSampler"], "steps": 40, "cfg": 7.5, "seed": 0}
    shown = hands.page.evaluate("() => app.graph.nodes[0].widgets.map((w) => w.name)")
    assert {"regions", "prompt", "ckpt_name", "weights_name", "encoder_name", "strength", "seed"} <= set(shown)
    hands.drag((0.2, 0.2), (0.6, 0.6))
    sent = {node["class_type"]: node["inputs"] for node in hands.prompt().values()}
    assert len(json.loads(sent["DEIGRegions"]["regions"])["regions"]) == 1


MEASURE = """() => {
    const {ds, canvas} = app.canvas, page = canvas.getBoundingClientRect();
    const inGraph = ({left, top, width, height}) =>
        [(left - page.left) / ds.scale - ds.offset[0], (top - page.top) / ds.scale - ds.offset[1],
         width / ds.scale, height / ds.scale];
    return app.graph.nodes.map((node) => {
        const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
        return [node.type, element ? inGraph(element.getBoundingClientRect()) : [...node.getBounding()]];
    });
}"""


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_a_templates_groups_hold_their_nodes(hands, path):
    workflow = json.loads(path.read_text(encoding="utf-8"))
    workflow["extra"] = {"ds": {"scale": 0.5, "offset": [40, 100]}}  # the graph, also of an app
    hands.page.evaluate(
        """async (workflow) => {
            await app.loadGraphData(workflow);
            await new Promise((done) => setTimeout(done, 1200));
        }""",
        workflow,
    )
    out = []
    for kind, (x, y, width, height) in hands.page.evaluate(MEASURE):
        boxes = [group["bounding"] for group in workflow["groups"]]
        if not any(
            x >= a - 2 and y >= b - 2 and x + width <= a + w + 2 and y + height <= b + h + 2 for a, b, w, h in boxes
        ):
            out.append((kind, round(x), round(y), round(width), round(height)))
    assert out == []


def test_the_app_opens_as_one(hands, request):
    """Where the page has App mode: the boxes, the seed and the strength, without the graph."""
    has_app_mode = request.node.callspec.params["hands"].startswith("new")
    workflow = json.loads((EXAMPLES / "DEIG app.json").read_text(encoding="utf-8"))
    hands.page.evaluate("async (workflow) => { await app.loadGraphData(workflow) }", workflow)
    hands.stage().wait_for()
    hands.settle()
    assert hands.page.locator(".deig-stage:visible").count() == 1
    if has_app_mode:
        assert hands.page.locator("[data-testid=linear-widgets]").is_visible()
        hands.page.evaluate("() => app.extensionManager.command.execute('Comfy.ToggleLinear')")
        hands.settle()


LANGUAGE = "async (tag) => { await app.extensionManager.setting.set('Comfy.Locale', tag) }"


@pytest.fixture
def german(hands):
    hands.page.evaluate(LANGUAGE, "de")
    hands.reload()
    yield
    hands.page.evaluate(LANGUAGE, "en")
    hands.reload()


def test_nodes_speak_the_pages_language(hands, german):
    texts = json.loads((ROOT / "locales" / "de" / "nodeDefs.json").read_text(encoding="utf-8"))["DEIGRegions"]
    hands.start(None)
    title, labels, choice = hands.page.evaluate(
        """() => {
            const node = app.graph.nodes[0], mode = node.widgets.find((w) => w.name === "boxes_mode");
            return [node.title, node.outputs.map((o) => o.localized_name), mode.options.getOptionLabel(mode.value)];
        }"""
    )
    assert title == texts["display_name"]
    assert labels == [output["name"] for output in texts["outputs"].values()]
    assert choice == "wenn leer" and hands.prompt()["1"]["inputs"]["boxes_mode"] == "when empty"
