"""The editor when its node is inside a subgraph, and when it is shown on the subgraph's own node."""

import json

from hands import REGIONS, document

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


def into_subgraph(hands, promoted):
    hands.start(document())
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
