"""Nodes and their choices speak the page's language; what Python reads stays the same."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def texts(tag):
    return json.loads((ROOT / "locales" / tag / "nodeDefs.json").read_text(encoding="utf-8"))["DEIGRegions"]


@pytest.fixture
def language(hands):
    """A language that the page offers: newer ones have no German, the oldest knows French nodes too late."""
    for tag in ("de", "fr"):
        hands.post("/api/settings", {"Comfy.Locale": tag})
        hands.reload()
        title = hands.page.evaluate("LiteGraph.registered_node_types.DEIGRegions.title")
        if title == texts(tag)["display_name"]:
            break
    yield texts(tag)
    hands.post("/api/settings", {"Comfy.Locale": "en"})
    hands.reload()


def test_nodes_speak_the_pages_language(hands, language):
    hands.start(None)
    title, labels, choice = hands.page.evaluate(
        """() => {
            const node = app.graph.nodes[0], mode = node.widgets.find((w) => w.name === "boxes_mode");
            return [node.title, node.outputs.map((o) => o.localized_name), mode.options.getOptionLabel(mode.value)];
        }"""
    )
    assert title == language["display_name"]
    assert labels == [output["name"] for output in language["outputs"].values()]
    assert choice == language["inputs"]["boxes_mode"]["options"]["when empty"] != "when empty"
    assert hands.prompt()["1"]["inputs"]["boxes_mode"] == "when empty"
