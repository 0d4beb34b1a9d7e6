"""Regions from and to other nodes, programs and people."""

import json

import pytest
from hands import REGIONS, document


def test_copy_and_paste_between_two_nodes(hands):
    hands.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hands.start(document(), document([], 512, 512))
    hands.click(0.2, 0.2)
    hands.keys("Control+c")
    hands.click(0.5, 0.5, index=1)
    hands.keys("Control+v")
    hands.page.wait_for_timeout(200)
    copy = hands.regions(2)
    assert len(copy) == 1 and copy[0]["description"] == REGIONS[0]["description"]
    assert hands.page.evaluate("app.graph.nodes.length") == 2, "the graph must not paste as well"
    hands.keys("Control+v")
    hands.page.wait_for_timeout(200)
    first, second = hands.regions(2)
    assert first["box"] != second["box"], "a second copy must not hide behind the first"


def test_copy_and_paste_between_two_workflows(hands):
    hands.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hands.start(document())
    hands.click(0.2, 0.2)
    hands.keys("Control+c")
    hands.start(document([]))
    hands.click(0.5, 0.5)
    hands.keys("Control+v")
    hands.page.wait_for_timeout(200)
    assert [r["description"] for r in hands.regions()] == [REGIONS[0]["description"]]
    assert hands.regions()[0]["box"] == REGIONS[0]["box"]


def paste_json(hands, text, button="Add"):
    hands.button("Import and export").click()
    hands.page.locator(".deig-pop textarea:visible").fill(text)
    hands.page.locator(".deig-pop button:visible", has_text=button).first.click()
    # The server has read it, or has said why not.
    hands.page.wait_for_function(
        """() => ![...document.querySelectorAll(".deig-pop textarea")].some((e) => e.checkVisibility())
            || [...document.querySelectorAll(".deig-said, .deig-status > span")].some((e) => e.textContent)"""
    )


def test_a_models_sloppy_answer_is_read(hands):
    hands.start(document())
    paste_json(hands, 'Sure!\n```json\n[{"box_2d": [200, 100, 900, 600], "label": "a red hoodie",},]\n```')
    assert len(hands.regions()) == 3, hands.said()
    assert hands.regions()[:2] == REGIONS
    added = hands.regions()[2]
    assert (added["box"], added["description"]) == ([0.1, 0.2, 0.6, 0.9], "a red hoodie")
    assert not hands.page.locator(".deig-pop:visible").count()


def test_how_it_was_read_is_said_and_can_be_changed(hands):
    hands.start(document([], 640, 480))
    paste_json(hands, json.dumps([{"bbox_2d": [64, 48, 320, 240], "label": "a dog"}]))
    bar = hands.page.locator(".deig-reading:visible")
    assert "Read as Qwen boxes, xyxy, pixels of 640 x 480, 1 box." in bar.inner_text()
    assert hands.pixels() == [64, 48, 320, 240]
    bar.locator("select").nth(1).select_option("0..1000")
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).regions[0].box[0] < 0.07")
    assert [round(1000 * v) for v in hands.regions()[0]["box"]] == [64, 48, 320, 240]
    bar.locator("select").nth(1).select_option("pixels")
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).regions[0].box[0] > 0.07")
    for side, value in enumerate(("1280", "960")):
        bar.locator("input").nth(side).fill(value)
        bar.locator("input").nth(side).blur()
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).regions[0].box[3] < 0.3")
    assert hands.pixels() == [32, 24, 160, 120]
    bar.locator("input").first.fill("640")
    bar.locator("input").first.blur()
    bar.locator("input").last.fill("480")
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).regions[0].box[2] > 0.3")
    assert bar.locator("input").last.input_value() == "480", "an answer leaves alone what is being typed"
    bar.locator("input").last.blur()
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).regions[0].box[3] > 0.3")
    assert len(hands.regions()) == 1, "it is read again, not added again"


def test_boxes_pasted_on_the_stage_are_read_once_more_and_what_was_typed_since_stays(hands):
    hands.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hands.start(document([], 640, 480))
    boxes = json.dumps([{"bbox_2d": [64, 48, 320, 240], "label": "a dog"}])
    hands.page.evaluate("(text) => navigator.clipboard.writeText(text)", boxes)
    hands.click(0.5, 0.5)
    hands.keys("Control+v")
    bar = hands.page.locator(".deig-reading:visible")
    bar.wait_for()
    assert "pixels of 640 x 480" in bar.inner_text()
    hands.page.locator(".deig-row textarea").first.fill("a white dog")
    bar.locator("select").nth(1).select_option("0..1000")
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).regions[0].box[0] < 0.07")
    (region,) = hands.regions()
    assert [round(1000 * v) for v in region["box"]] == [64, 48, 320, 240]
    assert region["description"] == "a white dog"


@pytest.mark.parametrize("size", [None, [1000, 560], [420, 900]], ids=["usual", "wide", "tall"])
def test_what_was_read_covers_no_row_and_moves_no_picture(hands, size):
    hands.start(document(REGIONS, *((512, 1024) if size and size[0] < size[1] else (768, 512))), size=size)
    before = hands.stage().bounding_box()
    paste_json(hands, json.dumps([{"bbox_2d": [10, 400, 200, 500], "label": "a dog"}, {"zone": [1, 2, 3, 4]}]))
    bar, row = (hands.page.locator(f"{name}:visible").bounding_box() for name in (".deig-reading", ".deig-row.open"))
    beside = row["x"] >= bar["x"] + bar["width"]
    assert beside or row["y"] >= bar["y"] + bar["height"]
    panel = hands.page.locator(".deig-panel:visible").bounding_box()
    assert bar["y"] + bar["height"] <= panel["y"] + panel["height"] + 1, "what is below the editor is not covered"
    assert hands.stage().bounding_box() == before


def test_good_boxes_are_added_and_bad_ones_named(hands):
    hands.start(document([]))
    paste_json(hands, json.dumps([{"box": [0, 0, 0.5, 1], "label": "a"}, {"zone": [1, 2, 3, 4], "label": "b"}]))
    said = hands.page.locator(".deig-reading:visible").inner_text()
    assert "Left out: Region 2" in said and "zone" in said
    assert [r["description"] for r in hands.regions()] == ["a"]


def test_wildcards_work_in_regions_as_in_prompts(hands):
    hands.start(document([{**REGIONS[0], "description": "a {red|blue} star"}]))
    sent = json.loads(hands.prompt()["1"]["inputs"]["regions"])["regions"][0]["description"]
    assert sent in ("a red star", "a blue star")
    assert hands.regions()[0]["description"] == "a {red|blue} star", "the workflow keeps them"


def test_what_cannot_be_read_is_said_and_stays_in_the_field(hands):
    hands.start(document())
    paste_json(hands, "a picture of a dog")
    assert "no readable JSON" in hands.message()
    assert hands.page.locator(".deig-pop textarea:visible").input_value() == "a picture of a dog"
    assert hands.document() == document()


def test_a_document_replaces_everything_and_can_be_undone(hands):
    hands.start(document())
    whole = document([{**REGIONS[1], "future": 1}], 640, 960, note="kept")
    paste_json(hands, json.dumps(whole), "Replace all")
    assert hands.document() == whole
    hands.undo()
    assert hands.document() == document()


def test_what_did_not_fit_is_read_where_it_is_said(hands):
    hands.start(document([{"box": [0, 0, (n + 1) / 100, 0.5], "description": "a"} for n in range(63)]))
    paste_json(hands, json.dumps(document()))
    assert len(hands.regions()) == 64
    assert hands.message() == "One region did not fit: at most 64 are possible."


def test_copy_as_json_is_the_document(hands):
    hands.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hands.start(document())
    hands.button("Import and export").click()
    hands.page.locator(".deig-pop button:visible", has_text="Copy as JSON").click()
    assert json.loads(hands.page.evaluate("navigator.clipboard.readText()")) == document()


def test_save_as_file_and_drop_of_a_file(hands, tmp_path):
    hands.start(document())
    hands.button("Import and export").click()
    with hands.page.expect_download() as download:
        hands.page.locator(".deig-pop button:visible", has_text="Save as file").click()
    download.value.save_as(tmp_path / "regions.json")
    saved = (tmp_path / "regions.json").read_text(encoding="utf-8")
    assert json.loads(saved) == document()
    hands.start(document([]))
    hands.page.evaluate(
        """(text) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], "regions.json", {type: "application/json"}));
            for (const type of ["dragover", "drop"])
                document.querySelector(".deig-stage").dispatchEvent(
                    new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}));
        }""",
        saved,
    )
    hands.page.wait_for_function("app.graph.nodes[0].widgets[0].value.includes('hoodie')")
    assert [r["box"] for r in hands.regions()] == [r["box"] for r in REGIONS]
    assert hands.page.evaluate("app.graph.nodes.length") == 1, "the page must not open the file as a workflow"


BOXES = json.dumps([{"box": [0.5, 0.1, 0.9, 0.4], "label": "a blue dog"}, "a text without a box"])


@pytest.mark.parametrize(
    ("mode", "drawn", "then"),
    [("when empty", [], 2), ("when empty", REGIONS, 2), ("always", REGIONS, 2), ("add", REGIONS, 4)],
)
def test_incoming_boxes_are_shown_and_can_be_taken_over(hands, mode, drawn, then):
    hands.start(document(drawn))
    hands.page.evaluate(
        """async ([boxes, mode]) => {
            const node = app.graph.nodes[0];
            const source = LiteGraph.createNode("PrimitiveStringMultiline");
            source.pos = [600, 0];
            app.graph.add(source);
            source.widgets[0].value = boxes;
            source.connect(0, node, node.inputs.findIndex((input) => input.name === "boxes"));
            node.widgets.find((widget) => widget.name === "boxes_mode").value = mode;
            const sink = LiteGraph.createNode("DEIGDrawRegions");
            const image = LiteGraph.createNode("EmptyImage");
            const preview = LiteGraph.createNode("PreviewImage");
            for (const [i, one] of [sink, image, preview].entries()) {
                one.pos = [600, 250 + 250 * i];
                app.graph.add(one);
            }
            image.widgets.find((widget) => widget.name === "width").value = 64 + Math.round(Math.random() * 64);
            image.connect(0, sink, 0);
            node.connect(0, sink, sink.inputs.findIndex((input) => input.name === "regions"));
            sink.connect(0, preview, 0);
            await app.queuePrompt(0, 1);
        }""",
        [BOXES, mode],
    )
    ghosts = hands.page.locator(".deig-box.ghost")
    hands.page.wait_for_function(
        "app.nodeOutputs?.[app.graph.nodes.find((node) => node.type === 'PreviewImage').id]?.images"
    )
    if mode == "when empty" and drawn:
        assert ghosts.count() == 0
        assert hands.regions() == REGIONS
        offer = hands.page.locator(".deig-status > button")
        assert offer.inner_text().startswith("2 incoming boxes do not count")
        offer.click()
        assert len(hands.regions()) == 4
        assert not offer.is_visible()
        return
    ghosts.first.wait_for()
    assert ghosts.count() == 2
    hands.capture()
    hands.page.locator(".deig-status > button").click()
    regions = hands.regions()
    assert (
        len(regions) == then
        and regions[-2]["description"] == "a blue dog"
        and regions[-1]["description"] == "a text without a box"
    )
    assert ghosts.count() == 0, "now they are the editor's own"
    assert hands.prompt()["1"]["inputs"]["boxes_mode"] == "when empty"
    hands.undo()
    assert hands.document()["regions"] == drawn
    assert hands.prompt()["1"]["inputs"]["boxes_mode"] == mode
