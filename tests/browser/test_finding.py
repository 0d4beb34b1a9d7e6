"""How a person comes to the nodes: the search, the blueprint, the app."""

import json
from pathlib import Path

from pages import EACH_FRONTEND

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
    """Open the page's search where it is not open, type, and return the locator of its results."""
    page = hands.page
    box = page.locator(".comfy-vue-node-search-box input:visible, [role=search] input:visible").first
    if not box.is_visible():
        page.evaluate(
            "() => { app.canvas.canvas.focus(); app.extensionManager.command.execute('Workspace.SearchBox.Toggle') }"
        )
        box.wait_for()
    box.fill(word)
    page.wait_for_timeout(700)
    return page.locator(".comfy-vue-node-search-box [role=option]:visible, [role=search] [role=option]:visible")


@EACH_FRONTEND
def test_nodes_are_found_by_the_words_that_people_type(hands):
    hands.start(None)
    for word, node in WORDS.items():
        search(hands, word).filter(has_text=node).first.wait_for(timeout=10000)
    hands.keys("Escape", "Escape")


def place_blueprint(hands, x, y):
    """Take the blueprint out of the search and put it at a place of the screen."""
    before = hands.page.evaluate("app.graph.nodes.length")
    search(hands, "DEIG for SD").filter(has_text="DEIG for SD 1.5").first.click()
    hands.page.wait_for_timeout(600)  # the search takes its leave
    hands.page.mouse.click(x, y)  # the newest page lets a new node follow the pointer until then
    hands.page.wait_for_function("(before) => app.graph.nodes.length === before + 1", arg=before)
    hands.stage().wait_for()
    hands.settle()


def of_blueprints(hands, kind):
    """Inputs of all nodes of a class in what the page would send."""
    return [node["inputs"] for node in hands.prompt().values() if node["class_type"] == kind]


@EACH_FRONTEND
def test_each_blueprint_is_one_node_that_carries_the_whole_workflow_with_regions_and_a_seed_of_its_own(hands):
    hands.start(None)
    hands.page.evaluate("() => app.graph.clear()")
    place_blueprint(hands, 400, 200)
    kinds = {node["class_type"]: node["inputs"] for node in hands.prompt().values()}
    assert set(kinds) >= {"CheckpointLoaderSimple", "DEIGLoad", "DEIGLoadTextEncoder", "DEIGRegions", "DEIGEncode"}
    assert (kinds["KSampler"]["steps"], kinds["KSampler"]["cfg"]) == (40, 7.5)
    # The older page puts the inner node's id before the name.
    shown = hands.page.evaluate("() => app.graph.nodes[0].widgets.map((w) => w.name.replace(/^\\d+: /, ''))")
    assert {"regions", "prompt", "ckpt_name", "weights_name", "encoder_name", "strength", "seed"} <= set(shown)
    hands.page.evaluate("() => { app.canvas.ds.offset[0] -= 700; app.canvas.setDirty(true, true) }")
    place_blueprint(hands, 400, 200)
    hands.page.evaluate(
        """() => {
            const corner = [0, 1].map((axis) => Math.min(...app.graph.nodes.map((node) => node.pos[axis])));
            Object.assign(app.canvas.ds, {scale: 1, offset: [100 - corner[0], 90 - corner[1]]});
            app.canvas.setDirty(true, true);
        }"""
    )
    hands.settle()
    for index, count in ((0, 1), (1, 2)):
        for n in range(count):
            hands.drag((0.1 + 0.4 * n, 0.2), (0.4 + 0.4 * n, 0.6), index=index)
            hands.keys("Escape")
    sent = sorted(len(json.loads(inputs["regions"])["regions"]) for inputs in of_blueprints(hands, "DEIGRegions"))
    assert sent == [1, 2]
    # The page's own part of a run alone: the seeds are drawn anew, and each node shows its own.
    hands.page.evaluate(
        """async () => {
            const queue = app.api.queuePrompt;
            app.api.queuePrompt = async () => ({prompt_id: "none", number: 0, node_errors: {}});
            await app.queuePrompt(0, 1);
            app.api.queuePrompt = queue;
        }"""
    )
    hands.page.wait_for_timeout(300)
    seeds = [inputs["seed"] for inputs in of_blueprints(hands, "KSampler")]
    assert len({42, *seeds}) == 3 and all(isinstance(seed, int) for seed in seeds)
    shown = """() => app.graph.nodes.map((node) => node.widgets.find((w) => /^(\\d+: )?seed$/.test(w.name))?.value)"""
    assert sorted(hands.page.evaluate(shown)) == sorted(seeds)


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
