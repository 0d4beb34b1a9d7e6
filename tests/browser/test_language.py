"""Nodes, their choices and the editor speak the page's language; what Python reads stays the same."""

import json
from pathlib import Path

import pytest
from hands import document

ROOT = Path(__file__).parents[2]
READ = {
    "de": "Gelesen als Qwen boxes, xyxy, Pixel von 768 x 512, 1 Rahmen.",
    "fr": "Lu comme Qwen boxes, xyxy, pixels de 768 x 512, 1 cadre.",
}


def texts(tag, file):
    return json.loads((ROOT / "locales" / tag / file).read_text(encoding="utf-8"))


@pytest.fixture
def language(hands):
    """A language that the page offers: newer ones have no German, the oldest knows French nodes too late."""
    for tag in READ:
        hands.post("/api/settings", {"Comfy.Locale": tag})
        hands.reload()
        title = hands.page.evaluate("LiteGraph.registered_node_types.DEIGRegions.title")
        if title == texts(tag, "nodeDefs.json")["DEIGRegions"]["display_name"]:
            break
    yield tag
    hands.post("/api/settings", {"Comfy.Locale": "en"})
    hands.reload()


def test_nodes_and_the_editor_speak_the_pages_language(hands, language):
    node, editor = texts(language, "nodeDefs.json")["DEIGRegions"], texts(language, "main.json")["deig"]["editor"]
    hands.start(document([]))
    title, labels, choice = hands.page.evaluate(
        """() => {
            const node = app.graph.nodes[0], mode = node.widgets.find((w) => w.name === "boxes_mode");
            return [node.title, node.outputs.map((o) => o.localized_name), mode.options.getOptionLabel(mode.value)];
        }"""
    )
    assert title == node["display_name"]
    assert labels == [output["name"] for output in node["outputs"].values()]
    assert choice == node["inputs"]["boxes_mode"]["options"]["when empty"] != "when empty"
    assert hands.prompt()["1"]["inputs"]["boxes_mode"] == "when empty"

    assert hands.page.locator(".deig-hint").inner_text() == editor["Drag to draw a box"]
    assert hands.button(editor["Full screen (F)"]).is_visible()
    hands.button(editor["Import and export"]).click()
    hands.page.locator(".deig-pop textarea:visible").fill(json.dumps([{"bbox_2d": [10, 40, 200, 500]}]))
    hands.page.locator(".deig-pop button:visible", has_text=editor["Add"]).first.click()
    said = hands.page.locator(".deig-reading:visible")
    said.wait_for()
    assert said.inner_text().startswith(READ[language])
