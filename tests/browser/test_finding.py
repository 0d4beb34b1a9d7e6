"""How a person comes to the nodes: the search, the blueprint, the app."""

import json
from pathlib import Path

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


def test_nodes_are_found_by_the_words_that_people_type(hands):
    hands.start(None)
    found = {word: search(hands, word).all_inner_texts() for word in WORDS}
    hands.keys("Escape", "Escape")
    assert {word: texts for word, texts in found.items() if not any(WORDS[word] in text for text in texts)} == {}


def test_the_blueprint_is_one_node_that_carries_the_whole_workflow(hands):
    hands.start(None)
    hands.page.evaluate("() => app.graph.clear()")
    option = search(hands, "DEIG for SD").filter(has_text="DEIG for SD 1.5").first
    option.click()
    hands.page.wait_for_timeout(600)  # the search takes its leave
    hands.page.mouse.click(400, 200)  # the newest page lets a new node follow the pointer until then
    hands.page.wait_for_function("app.graph.nodes.length === 1")
    hands.stage().wait_for()
    hands.settle()
    sent = hands.prompt()
    kinds = {node["class_type"]: node["inputs"] for node in sent.values()}
    assert set(kinds) >= {"CheckpointLoaderSimple", "DEIGLoad", "DEIGLoadTextEncoder", "DEIGRegions", "DEIGEncode"}
    assert (kinds["KSampler"]["steps"], kinds["KSampler"]["cfg"]) == (40, 7.5)
    # The older page puts the inner node's id before the name.
    shown = hands.page.evaluate("() => app.graph.nodes[0].widgets.map((w) => w.name.replace(/^\\d+: /, ''))")
    assert {"regions", "prompt", "ckpt_name", "weights_name", "encoder_name", "strength", "seed"} <= set(shown)
    hands.drag((0.2, 0.2), (0.6, 0.6))
    sent = {node["class_type"]: node["inputs"] for node in hands.prompt().values()}
    assert len(json.loads(sent["DEIGRegions"]["regions"])["regions"]) == 1


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
