"""The example workflows load in the page as they were saved, and are the API forms that the tests run."""

import json
from pathlib import Path

import pytest
from pages import EACH_FRONTEND

EXAMPLES = Path(__file__).parents[2] / "example_workflows"
NEEDS = {"DEIG animation": "ComfyUI-AnimateDiff-Evolved"}


PLACES = """() => {
    const {ds, canvas} = app.canvas, page = canvas.getBoundingClientRect();
    const inGraph = ({left, top, width, height}) =>
        [(left - page.left) / ds.scale - ds.offset[0], (top - page.top) / ds.scale - ds.offset[1],
         width / ds.scale, height / ds.scale];
    const nodes = app.graph.nodes.map((node) => {
        const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
        return [node.type, ...(element ? inGraph(element.getBoundingClientRect()) : node.getBounding())];
    });
    // As they are now: a page may spread a graph that was laid out for the classic canvas.
    return [nodes, app.graph.groups.map((group) => [...group.boundingRect])];
}"""


def outside(nodes, groups, slack=2):
    """Nodes that stick out of every group."""

    def holds(group, x, y, width, height):
        left, top, wide, high = group
        return (
            x + slack >= left
            and y + slack >= top
            and x + width <= left + wide + slack
            and y + height <= top + high + slack
        )

    return [(kind, *map(round, place)) for kind, *place in nodes if not any(holds(g, *place) for g in groups)]


@EACH_FRONTEND  # and the higher nodes in the newest
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_example_workflow_loads_whole_and_is_its_api_form(hands, path, request):
    """And its groups hold its nodes, which are higher in Nodes 2.0."""
    workflow = json.loads(path.read_text(encoding="utf-8"))
    workflow["extra"].pop("linearMode", None)  # the graph, also of an app
    api = json.loads((EXAMPLES / "api" / path.name).read_text(encoding="utf-8"))
    if pack := NEEDS.get(path.stem):
        known = hands.page.evaluate("Object.keys(LiteGraph.registered_node_types)")
        if not {node["type"] for node in workflow["nodes"]} <= {*known, "MarkdownNote"}:
            pytest.skip(f"{pack} is not there: set DEIG_PACKS to a folder with its checkout")
    prompt, unknown, inputs = hands.page.evaluate(
        """async (workflow) => {
            await app.loadGraphData(workflow);
            await new Promise((done) => setTimeout(done, 800));
            const prompt = (await app.graphToPrompt()).output;
            const unknown = app.graph._nodes.map((node) => node.type)
                .filter((type) => !LiteGraph.registered_node_types[type]);
            const inputs = app.graph._nodes.map((node) => [String(node.id), node.inputs.map(({name}) => name)]);
            return [prompt, unknown, Object.fromEntries(inputs)];
        }""",
        workflow,
    )
    assert unknown == []
    # Nodes of newer hosts have more inputs, which the API form says too.
    for number, node in api.items():
        node["inputs"] = {name: value for name, value in node["inputs"].items() if name in inputs[number]}
    # The oldest page makes nodes a fifth larger in Nodes 2.0, and leaves the groups as they are.
    if request.node.callspec.params["hands"] != "host-nodes2":
        assert outside(*hands.page.evaluate(PLACES)) == []
    assert {k: {"class_type": v["class_type"], "inputs": v["inputs"]} for k, v in prompt.items()} == api


@EACH_FRONTEND
def test_the_demo_with_apply_deig_bypassed_by_its_key(hands):
    """Ctrl+B on Apply DEIG is how a person compares with and without; it ended in a shape error."""
    workflow = json.loads((EXAMPLES / "DEIG demo.json").read_text(encoding="utf-8"))
    hands.page.evaluate(
        """async (workflow) => {
            await app.loadGraphData(workflow);
            await new Promise((done) => setTimeout(done, 800));
            app.canvas.selectItems([app.graph._nodes.find((node) => node.type === "DEIGApply")]);
            app.canvas.canvas.focus();
        }""",
        workflow,
    )
    hands.keys("Control+b")
    prompt = hands.prompt()
    sampler = next(n for n in prompt.values() if n["class_type"] == "KSampler")
    assert (
        "DEIGApply" not in {n["class_type"] for n in prompt.values()}
        and prompt[sampler["inputs"]["model"][0]]["class_type"] == "DEIGLoadDemo"
    )
    sampler["inputs"]["steps"] = 2
    assert hands.server.wait(hands.server.queue(prompt), timeout=120)["status"]["status_str"] == "success"
