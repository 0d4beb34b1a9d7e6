"""Nothing that the user presses moves under the pointer: the stage's size and place follow from the node's alone."""

import pytest
from hands import REGIONS, document

MANY = [
    {**REGIONS[0], "id": f"r{i}", "box": [0.02 + 0.12 * (i % 8), 0.1 + 0.2 * (i // 8), 0.12 + 0.12 * (i % 8), 0.28]}
    for i in range(8)
]
SHAPES = {"wide": (768, 512), "square": (512, 512), "tall": (256, 1024), "flat": (2048, 256)}


def rect(hands):
    return hands.stage().bounding_box()


@pytest.mark.parametrize("shape", SHAPES)
def test_choosing_drawing_and_typing_leave_the_stage_where_it_is(hands, shape):
    hands.start(document([], *SHAPES[shape]))
    before = rect(hands)
    assert before["width"] > 100 and before["height"] > 50
    for i in range(3):
        hands.drag((0.05 + 0.3 * i, 0.1), (0.25 + 0.3 * i, 0.6))
        assert rect(hands) == before, "drawing"
        hands.page.keyboard.type("a long ")
        hands.page.keyboard.insert_text("description of what is in this box " * 6)
        assert rect(hands) == before, "typing"
    hands.keys("Escape")
    for i in range(3):
        hands.click(0.1 + 0.3 * i, 0.3)
        assert rect(hands) == before, "choosing"
    hands.keys("Control+a", "l", "h", "Escape")
    assert rect(hands) == before, "locking, hiding, choosing all and nothing"
    hands.button("Add a box").click()
    hands.keys("Escape", "Delete")
    assert rect(hands) == before, "adding and deleting"
    hands.drag((0.02, 0.98), (0.98, 0.02), "Shift")
    assert rect(hands) == before, "messages"


@pytest.mark.parametrize("regions", [REGIONS, MANY], ids=["two", "eight"])
def test_a_box_stays_under_the_pointer(hands, regions):
    hands.start(document(regions, 512, 512))
    hands.plain()
    x0, y0, x1, y1 = regions[0]["box"]
    x, y = hands.at((x0 + x1) / 2, (y0 + y1) / 2)
    box = hands.page.locator(".deig-box").first
    before = box.bounding_box()
    hands.page.mouse.move(x, y)
    hands.page.mouse.down()
    for step in range(1, 6):
        dx, dy = 17 * step, 11 * step
        hands.page.mouse.move(x + dx, y + dy)
        now = box.bounding_box()
        # Boxes move by whole pixels of the picture, which is shown smaller than it is.
        assert now["x"] - before["x"] == pytest.approx(dx, abs=1)
        assert now["y"] - before["y"] == pytest.approx(dy, abs=1)
    hands.page.mouse.up()


@pytest.mark.parametrize("point", [(0.2, 0.2), (0.15, 0.55), (0.6, 0.8), (0.65, 0.5)])
def test_a_double_click_writes(hands, point):
    hands.start(document(REGIONS, 512, 512))
    hands.page.mouse.dblclick(*hands.at(*point))
    hands.page.keyboard.type("x")
    texts = [region["description"] for region in hands.regions()]
    assert sorted(texts) != sorted(r["description"] for r in REGIONS)
    assert "x" in texts


def test_the_panel_of_properties_does_not_change_the_editors_size(hands):
    is_open = "(on) => app.extensionManager.setting.set('Comfy.RightSidePanel.IsOpen', on)"
    if hands.page.evaluate("app.extensionManager.setting.get('Comfy.RightSidePanel.IsOpen')") is None:
        pytest.skip("this page has no panel of properties")
    hands.start(document())
    before = rect(hands)["width"]
    hands.page.evaluate("() => app.canvas.selectItems([app.graph.getNodeById(1)])")
    for on in (True, False):
        hands.page.evaluate(is_open, on)
        hands.page.wait_for_timeout(600)
        hands.settle()
        assert rect(hands)["width"] == pytest.approx(before, abs=1)


def test_the_wheel_scrolls_the_list_and_zooms_over_the_stage(hands):
    hands.start(document([{**REGIONS[0], "id": f"r{i}"} for i in range(30)]))
    view = "app.canvas.ds.scale"
    before = hands.page.evaluate(view)
    box = hands.page.locator(".deig-list").bounding_box()
    hands.page.mouse.move(box["x"] + 100, box["y"] + 40)
    hands.page.mouse.wheel(0, 300)
    hands.page.wait_for_function("document.querySelector('.deig-list').scrollTop > 100")
    assert hands.page.evaluate(view) == before
    hands.page.mouse.move(*hands.at(0.9, 0.1))
    hands.page.mouse.wheel(0, -240)
    hands.page.wait_for_function(f"(before) => {view} > before", arg=before)
