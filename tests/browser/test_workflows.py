"""The example workflows load in the page as they were saved, and are the API forms that the tests run."""

import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "example_workflows"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_example_workflow_loads_whole_and_is_its_api_form(hands, path):
    workflow = json.loads(path.read_text(encoding="utf-8"))
    api = json.loads((EXAMPLES / "api" / path.name).read_text(encoding="utf-8"))
    prompt, unknown = hands.page.evaluate(
        """async (workflow) => {
            await app.loadGraphData(workflow);
            await new Promise((done) => setTimeout(done, 800));
            const prompt = (await app.graphToPrompt()).output;
            const unknown = app.graph._nodes.filter((node) => !LiteGraph.registered_node_types[node.type]).map((node) => node.type);
            return [prompt, unknown];
        }""", workflow)
    assert unknown == []
    assert {k: {"class_type": v["class_type"], "inputs": v["inputs"]} for k, v in prompt.items()} == api
