"""Nodes and their choices speak the page's language; what Python reads stays the same."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
