"""The editor as a part of the page: its node, the zoom, the workflow, Python."""

import json
import time

import pytest
from hands import REGIONS, document
from pages import EACH_FRONTEND


def test_delete_removes_the_box_and_not_the_node(hands):
    hands.start(document())
    hands.page.evaluate("app.canvas.selectItems?.([app.graph.nodes[0]])")
    hands.click(0.2, 0.2)
    hands.keys("Delete")
    assert [r["id"] for r in hands.regions()] == ["r2"]
    hands.click(0.6, 0.8)
    hands.keys("Backspace", "Backspace", "Delete")
    assert hands.regions() == []
    assert hands.page.evaluate("app.graph.nodes.length") == 1


@pytest.mark.parametrize("scale", [0.5, 2])
def test_zoomed(hands, scale):
    hands.start(document([]), scale=scale)
    hands.page.evaluate("() => { localStorage.setItem('deig.editor', JSON.stringify({magnet: false})) }")
    if (
        hands.page.evaluate("() => getComputedStyle(document.querySelector('.deig-stage').parentElement).pointerEvents")
        == "none"
    ):
        pytest.skip("this frontend switches all widgets off in Nodes 2.0 when it is zoomed out this far")
    rect = hands.stage().bounding_box()
    assert rect["width"] == pytest.approx(460 * scale, rel=0.1)
    if scale == 2:
        hands.page.evaluate("() => { app.canvas.ds.offset[1] -= 150; app.canvas.setDirty(true, true) }")
        hands.settle()
    hands.drag((0.25, 0.25), (0.75, 0.5))
    assert hands.pixels() == pytest.approx([192, 128, 576, 256], abs=4)


def test_resizing_the_node_keeps_the_shape_of_the_picture(hands):
    hands.start(document())
    for size in ([900, 700], [420, 900], [600, 600]):
        hands.page.evaluate("(size) => { app.graph.nodes[0].setSize(size); app.canvas.setDirty(true, true) }", size)
        hands.page.wait_for_timeout(250)
        hands.settle()
        rect = hands.stage().bounding_box()
        assert rect["width"] / rect["height"] == pytest.approx(1.5, rel=0.01)
        assert rect["width"] > 200
    assert hands.document() == document()


def test_the_panel_of_properties_keeps_no_room_for_the_editor(hands, request):
    hands.start(document())
    setting = "Comfy.RightSidePanel.IsOpen"
    if hands.page.evaluate("(name) => app.extensionManager.setting.get(name)", setting) is None:
        assert request.node.callspec.params["hands"].startswith("host"), "the newest page has one, under this name"
        pytest.skip("this page has no such panel")
    set_to = "([name, to]) => app.extensionManager.setting.set(name, to)"
    hands.page.evaluate("() => app.canvas.selectItems([app.graph.nodes[0]])")
    hands.page.evaluate(set_to, [setting, True])
    try:
        items = hands.page.locator(".widget-item:visible")
        items.filter(has_text="boxes_mode").first.wait_for()
        tall = items.evaluate_all("(all) => Math.max(...all.map((item) => item.getBoundingClientRect().height))")
        assert tall < 200
    finally:
        hands.page.evaluate(set_to, [setting, False])
    assert hands.stage().is_visible()


def test_collapse(hands):
    hands.start(document())
    hands.page.evaluate("() => { app.graph.nodes[0].collapse(); app.canvas.setDirty(true, true) }")
    hands.stage().wait_for(state="hidden")
    hands.page.evaluate("() => { app.graph.nodes[0].collapse(); app.canvas.setDirty(true, true) }")
    hands.stage().wait_for(state="visible")
    hands.settle()
    hands.drag((0.2, 0.2), (0.3, 0.3))
    assert hands.regions()[0]["box"] != REGIONS[0]["box"]


@EACH_FRONTEND
def test_save_and_load_keeps_the_document_to_the_letter(hands):
    text = json.dumps(document([{**REGIONS[0], "future": {"a": [1, 2]}}], note="kept"))
    hands.start(text)
    hands.page.evaluate(
        "async () => { const saved = JSON.parse(JSON.stringify(app.graph.serialize())); await "
        "app.loadGraphData(saved) }"
    )
    hands.settle()
    assert hands.text() == text
    assert hands.page.locator(".deig-box").count() == 1
    hands.drag((0.2, 0.2), (0.3, 0.3))
    after = hands.document()
    assert after["note"] == "kept" and after["regions"][0]["future"] == {"a": [1, 2]}


def test_values_written_from_outside_show_at_once(hands):
    hands.start(document([]))
    hands.page.evaluate("(text) => { app.graph.nodes[0].widgets[0].value = text }", json.dumps(document()))
    assert hands.page.locator(".deig-box").count() == 2
    hands.page.evaluate("(doc) => { app.graph.nodes[0].widgets[0].value = doc }", document([REGIONS[0]]))
    assert hands.page.locator(".deig-box").count() == 1
    assert hands.document() == document([REGIONS[0]])


@EACH_FRONTEND
def test_a_newer_document_is_kept_and_explained(hands):
    newer = json.dumps({"version": 2, "layers": []})
    hands.start(newer)
    assert hands.text() == newer
    assert hands.page.locator(".deig-refusal").is_visible()
    hands.drag((0.2, 0.2), (0.6, 0.6))
    hands.stage().focus()
    hands.keys("n", "Control+d")
    hands.button("Add a box").click()
    hands.button("Swap").click()
    assert hands.text() == newer, "it is kept until the person decides"
    hands.page.locator(".deig-refusal button").click()
    assert hands.document() == document([], 512, 512)


@EACH_FRONTEND
def test_switch_of_renderer(hands):
    hands.start(document())
    switch = "async (on) => { await app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on) }"
    for mode in (not hands.vue, hands.vue):
        hands.page.evaluate(switch, mode)
        hands.page.wait_for_timeout(900)
        hands.stage().wait_for(state="visible")
        hands.settle()
        before = hands.regions()[0]["box"]
        hands.drag((before[0] + 0.05, before[1] + 0.05), (before[0] + 0.09, before[1] + 0.09))
        assert hands.regions()[0]["box"] != before
    assert hands.page.locator(".deig-stage").count() == 1


@EACH_FRONTEND
def test_what_arrives_in_python_is_what_is_drawn(hands):
    """Draw, then run the graph: Draw DEIG Regions paints the outline where the box is on the screen."""
    hands.start(document([], 256, 192))
    hands.drag((0.25, 0.25), (0.75, 0.75))
    drawn = hands.pixels()
    prompt = hands.page.evaluate("async () => (await app.graphToPrompt()).output")
    assert json.loads(prompt["1"]["inputs"]["regions"]) == hands.document()
    prompt["2"] = {"class_type": "EmptyImage", "inputs": {"width": 256, "height": 192, "batch_size": 1, "color": 0}}
    prompt["3"] = {"class_type": "DEIGDrawRegions", "inputs": {"image": ["2", 0], "regions": ["1", 0], "texts": True}}
    prompt["4"] = {
        "class_type": "SaveImage",
        "inputs": {"images": ["3", 0], "filename_prefix": f"deig-test-{time.time_ns()}"},
    }
    entry = hands.server.wait(hands.server.queue(prompt), timeout=60)
    from PIL import Image

    file = entry["outputs"]["4"]["images"][0]
    painted = (
        Image.open(hands.base / "output" / file["subfolder"] / file["filename"])
        .convert("L")
        .point(lambda v: 255 if v else 0)
        .getbbox()
    )
    assert list(painted) == pytest.approx(drawn, abs=1)
