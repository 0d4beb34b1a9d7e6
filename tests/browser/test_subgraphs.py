"""The editor when its node is inside a subgraph, and when it is shown on the subgraph's own node."""

import json
from pathlib import Path

import pytest
from hands import REGIONS, document

BLUEPRINT = Path(__file__).parents[2] / "subgraphs" / "DEIG for SD 1.5.json"
STAR = document([{"box": [0.1, 0.1, 0.4, 0.6], "description": "a {red|blue} star"}])

# What "Convert to Subgraph" does; the history then sees it as a step of its own.
CONVERT = """async (promoted) => {
    const {node} = app.canvas.graph.convertToSubgraph(new Set([app.graph.nodes[0]]));
    if (promoted) {
        const saved = JSON.parse(JSON.stringify(app.graph.serialize()));
        const inner = saved.definitions.subgraphs[0].nodes[0];
        Object.assign(saved.nodes[0], {pos: [0, 0], size: [560, 720]});
        saved.nodes[0].properties.proxyWidgets = [[String(inner.id), "regions"]];
        await app.loadGraphData(saved);
    } else {
        // As a person's second click would come: within one tick the page keeps showing what was there.
        await new Promise((done) => setTimeout(done, 500));
        app.canvas.openSubgraph(node.subgraph, node);
    }
    const graph = app.canvas.graph;
    app.canvas.ds.offset = [120 - graph.nodes[0].pos[0], 90 - graph.nodes[0].pos[1]];
    app.canvas.setDirty(true, true);
    const history = app.extensionManager.workflow.activeWorkflow.changeTracker;
    (history.captureCanvasState ?? history.checkState).call(history);
}"""


def sent(hands):
    (inputs,) = [node["inputs"] for node in hands.prompt().values() if node["class_type"] == "DEIGRegions"]
    return json.loads(inputs["regions"])


def into_subgraph(hands, promoted, shown=None):
    hands.start(shown or document())
    hands.page.evaluate(CONVERT, promoted)
    hands.stage().wait_for()
    hands.settle()
    hands.page.wait_for_function(
        """() => {
            const stage = [...document.querySelectorAll(".deig-stage")].find((one) => one.checkVisibility());
            const {left, top, width, height} = stage.getBoundingClientRect();
            return stage.contains(document.elementFromPoint(left + width / 2, top + height / 2));
        }"""
    )


def test_inside_a_subgraph(hands):
    into_subgraph(hands, promoted=False)
    hands.drag((0.2, 0.2), (0.3, 0.3))
    assert sent(hands)["regions"][0]["box"] != REGIONS[0]["box"]
    hands.undo()
    assert sent(hands) == document()
    assert hands.page.evaluate("app.canvas.graph !== app.graph"), "undo must not leave the subgraph"
    hands.drag((0.2, 0.2), (0.3, 0.3))
    assert sent(hands)["regions"][0]["box"] != REGIONS[0]["box"]


def test_promoted_to_the_subgraphs_node(hands):
    into_subgraph(hands, promoted=True)
    assert hands.page.evaluate("app.canvas.graph === app.graph && app.graph.nodes[0].isSubgraphNode()")
    hands.drag((0.2, 0.2), (0.3, 0.3))
    moved = sent(hands)
    assert moved["regions"][0]["box"] != REGIONS[0]["box"]
    hands.undo()
    assert sent(hands) == document()
    hands.redo()
    assert sent(hands) == moved
    assert hands.page.locator(".deig-stage:visible").count() == 1
    hands.keys("Delete")
    assert hands.page.evaluate("app.graph.nodes.length") == 1


def check_star(hands):
    """A run gets one of the two, whenever it is asked for, and the workflow keeps both."""
    texts = {sent(hands)["regions"][0]["description"] for _ in range(20)}
    assert texts == {"a red star", "a blue star"}
    saved = hands.page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).workflow)")
    assert "a {red|blue} star" in saved


def test_wildcards_in_an_editor_promoted_to_the_subgraphs_node(hands):
    into_subgraph(hands, promoted=True, shown=STAR)
    check_star(hands)


@pytest.mark.parametrize("nested", [False, True], ids=["", "nested"])
def test_wildcards_in_the_blueprint(hands, nested):
    """Whose editor is connected to the subgraph's input, and which may stand in a subgraph itself."""
    blueprint = json.loads(BLUEPRINT.read_text(encoding="utf-8"))
    blueprint["nodes"][0]["widgets_values"][0] = json.dumps(STAR)
    hands.start(document())
    hands.page.evaluate(
        """async ([blueprint, nested]) => {
            // Its models are not here, which a dialog over the page would say.
            const quiet = {showMissingNodesDialog: false, showMissingModelsDialog: false};
            await app.loadGraphData(blueprint, true, true, null, quiet);
            await new Promise((done) => setTimeout(done, 500));
            if (nested) app.graph.convertToSubgraph(new Set([app.graph.nodes[0]]));
            await new Promise((done) => setTimeout(done, 500));
        }""",
        [blueprint, nested],
    )
    check_star(hands)
    assert not hands.page.locator(".p-dialog-mask").count()
