"""What makes work pleasant: the background, full screen, the list's texts, keyboard and screen readers, themes,
languages, touch.
"""

import json

import pytest
from hands import REGIONS, document
from pages import EACH_FRONTEND

PICTURE = ".deig-picture"


def test_the_connected_picture_is_the_background_and_gives_its_size(hands):
    hands.start(document())
    hands.page.evaluate(
        """async () => {
            const image = LiteGraph.createNode("EmptyImage");
            const preview = LiteGraph.createNode("PreviewAny");
            image.pos = [600, 0];
            preview.pos = [600, 300];
            app.graph.add(image);
            app.graph.add(preview);
            const set = (name, value) => (image.widgets.find((widget) => widget.name === name).value = value);
            set("width", 640);
            set("height", 320);
            set("color", Math.floor(Math.random() * 0xffffff));
            image.connect(0, app.graph.nodes[0],
                app.graph.nodes[0].inputs.findIndex((input) => input.name === "background"));
            app.graph.nodes[0].connect(1, preview, 0);
            await app.queuePrompt(0, 1);
        }"""
    )
    hands.page.wait_for_function(f"document.querySelector('{PICTURE}').naturalWidth === 640")
    hands.button("Background picture").click()
    hands.page.locator(".deig-pop:visible input[type=range]").fill("0.25")
    assert hands.page.locator(PICTURE).first.evaluate("(image) => getComputedStyle(image).filter") == "brightness(0.25)"
    hands.page.locator(".deig-pop button:visible", has_text="Use the picture").click()
    assert hands.document() == document(width=640, height=320)
    hands.settle()
    rect = hands.stage().bounding_box()
    assert rect["width"] / rect["height"] == pytest.approx(2, rel=0.01)


def test_a_changed_size_keeps_the_boxes_in_place_and_nonsense_is_refused(hands):
    hands.start(document())
    hands.page.locator(".deig-size input").first.fill("1024")
    hands.keys("Enter")
    assert hands.document() == document(width=1024)
    hands.page.locator(".deig-size input").first.fill("4")
    hands.keys("Enter")
    assert hands.document() == document(width=1024)
    assert "whole numbers" in hands.message()
    assert hands.page.locator(".deig-size input").first.input_value() == "1024"
    hands.button("Swap").click()
    assert hands.document() == document(width=512, height=1024)


def test_full_screen_and_back(hands):
    hands.start(document())
    small = hands.stage().bounding_box()["width"]
    hands.button("Full screen").click()
    hands.settle()
    assert hands.stage().bounding_box()["width"] > 1.5 * small
    hands.drag((0.2, 0.2), (0.3, 0.3))
    assert hands.regions()[0]["box"] != REGIONS[0]["box"]
    hands.button("Back to the node").click()
    hands.settle()
    assert hands.stage().bounding_box()["width"] == pytest.approx(small, rel=0.02)
    assert hands.button("Full screen").is_visible(), "the button says again where it leads"
    hands.keys("f", "Escape", "Escape")
    hands.settle()
    assert not hands.page.locator(".deig-full").count(), "Escape leaves too, when nothing else is left to leave"


def test_a_description_grows_is_spell_checked_and_warns_near_the_limit(hands):
    hands.start(document())
    hands.click(0.2, 0.2)
    area = hands.page.locator(".deig-row textarea").first
    assert area.evaluate("(area) => area.spellcheck")
    count = hands.page.locator(".deig-row.open .deig-count")
    assert "9 words" in count.inner_text()
    before = area.bounding_box()["height"]
    area.fill("red " * 60)  # far from the limit by its words, and by its tokens once they are known
    assert area.bounding_box()["height"] > 2 * before
    assert "60 words" in count.inner_text() and "near" not in count.get_attribute("class")
    area.fill("red striped hoodie " * 50)
    assert "near" in count.get_attribute("class")
    assert hands.page.locator(".deig-row.open .deig-note.warns").inner_text().startswith("cut")


def test_everything_has_a_name_and_a_visible_focus(hands):
    hands.start(document())
    assert hands.page.locator(".deig-toolbar").bounding_box()["height"] < 30, "one row in a node as it comes"
    hands.click(0.2, 0.2)
    nameless = hands.page.evaluate(
        """() => [...document.querySelectorAll(".deig-panel :is(button, input, select, textarea, [role=application])")]
            .filter((control) => !(control.ariaLabel || control.textContent.trim() || control.labels?.length))
            .map((control) => control.outerHTML)"""
    )
    assert nameless == []
    hands.stage().focus()
    hands.keys("Escape")
    seen = set()
    for _ in range(40):
        hands.page.keyboard.press("Shift+Tab")
        state = hands.page.evaluate(
            """() => {
                const active = document.activeElement;
                if (!active.closest(".deig-panel")) return null;
                return [active.ariaLabel || active.textContent, getComputedStyle(active).outlineStyle];
            }"""
        )
        if state is None:
            break
        seen.add(state[0])
        assert state[1] == "solid", f"{state[0]} has the focus and does not show it"
    assert {"Full screen (F)", "Add a box (N)", "Draw boxes (B)"} <= seen


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_texts_have_contrast_in_both_themes(hands, palette):
    hands.start(document())
    hands.page.evaluate(
        "async (palette) => { await app.extensionManager.setting.set('Comfy.ColorPalette', palette) }", palette
    )
    hands.page.wait_for_timeout(600)
    hands.click(0.2, 0.2)
    ratios = hands.page.evaluate(
        """() => {
            const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
            const colour = (text) => {
                canvas.fillStyle = text;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            const light = ([r, g, b]) => [r, g, b]
                .map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const panel = getComputedStyle(document.querySelector(".deig-panel"));
            const [text, dim, field, bg] = ["--text", "--dim", "--field", "--bg"]
                .map((name) => light(colour(panel.getPropertyValue(name).trim())));
            const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return [ratio(text, field), ratio(text, bg), ratio(dim, bg)];
        }"""
    )
    hands.page.evaluate("async () => { await app.extensionManager.setting.set('Comfy.ColorPalette', 'dark') }")
    assert min(ratios[:2]) > 4.5 and ratios[2] > 3, ratios


def test_a_finger_draws_and_moves(hands):
    hands.start(document([]))
    session = hands.context.new_cdp_session(hands.page)

    def finger(*points):
        places = [dict(zip("xy", hands.at(*point), strict=True)) for point in points]
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
        for place in places[1:]:
            session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    finger((0.2, 0.2), (0.3, 0.3), (0.5, 0.6))
    assert hands.pixels() == pytest.approx([154, 102, 384, 307], abs=4)
    finger((0.35, 0.4), (0.4, 0.45), (0.45, 0.5))
    assert hands.pixels()[0] == pytest.approx(230, abs=4)


def test_a_pen_draws(hands):
    hands.start(document([]))
    hands.plain()
    x0, y0 = hands.at(0.25, 0.25)
    x1, y1 = hands.at(0.75, 0.5)
    session = hands.context.new_cdp_session(hands.page)
    for kind, x, y in (
        ("mousePressed", x0, y0),
        ("mouseMoved", x0 + 20, y0 + 20),
        ("mouseMoved", x1, y1),
        ("mouseReleased", x1, y1),
    ):
        session.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"},
        )
    assert hands.pixels() == pytest.approx([192, 128, 576, 256], abs=2)


def test_the_wheel_over_the_stage_zooms_the_graph(hands):
    hands.start(document())
    before = hands.page.evaluate("app.canvas.ds.scale")
    hands.page.mouse.move(*hands.at(0.9, 0.1))
    hands.page.mouse.wheel(0, -240)
    hands.page.wait_for_function("(before) => app.canvas.ds.scale > before", arg=before)
    assert json.loads(hands.text()) == document()


@EACH_FRONTEND  # undo makes the editor anew
def test_zoom_and_pan_in_full_screen(hands):
    many = [{**REGIONS[0], "id": f"r{i}", "box": [0.1, 0.1, 0.2, 0.2]} for i in range(20)]
    hands.start(document([*many, {**REGIONS[1], "box": [0.5, 0.5, 0.6, 0.6]}]))
    hands.click(0.55, 0.55)
    hands.keys("f")
    hands.settle()
    row = hands.page.locator(".deig-full .deig-row").last
    rows = hands.page.locator(".deig-full .deig-list").bounding_box()
    assert rows["y"] <= row.bounding_box()["y"] < rows["y"] + rows["height"], "the list shows what is chosen"
    before = hands.stage().bounding_box()
    x, y = hands.at(0.55, 0.55)
    hands.page.mouse.move(x, y)
    hands.page.mouse.wheel(0, -600)
    hands.settle()
    assert hands.stage().bounding_box()["width"] > 1.5 * before["width"]
    assert hands.at(0.55, 0.55) == pytest.approx((x, y), abs=2), "what is under the pointer stays there"
    hands.plain()
    hands.drag((0.55, 0.55), (0.6, 0.6))
    assert hands.regions()[-1]["box"] == pytest.approx([0.55, 0.55, 0.65, 0.65], abs=0.01)
    wide = hands.stage().bounding_box()
    hands.undo()
    assert hands.stage().bounding_box() == pytest.approx(wide, abs=1)
    hands.page.mouse.move(*hands.at(0.5, 0.5))
    hands.page.mouse.down(button="middle")
    hands.page.mouse.move(*[v + 30 for v in hands.at(0.5, 0.5)])
    hands.page.mouse.up(button="middle")
    assert hands.stage().bounding_box()["x"] == pytest.approx(wide["x"] + 30, abs=2)
    hands.stage().focus()
    hands.keys("0")
    assert hands.stage().bounding_box() == pytest.approx(before, abs=1)
    hands.button("Back to the node").click()


def test_an_open_panel_covers_no_more_than_itself(hands):
    hands.start(document([]), size=[900, 640])
    hands.button("Arrange").click()
    panel = hands.page.locator(".deig-pop:visible").bounding_box()
    beside = hands.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).className", [panel["x"] - 20, panel["y"] + panel["height"] / 2]
    )
    assert "deig-panels" not in beside
