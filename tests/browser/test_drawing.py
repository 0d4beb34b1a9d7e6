"""Boxes under a person's pointer."""

import json

import pytest
from hands import REGIONS, document


def test_draw_a_box(hands):
    hands.start(document([]))
    hands.plain()
    hands.drag((0.25, 0.25), (0.75, 0.5))
    assert hands.pixels() == pytest.approx([192, 128, 576, 256], abs=2)
    region = hands.regions()[0]
    assert (region["enabled"], region["locked"], region["strength"], region["negative"]) == (True, False, 1, "")
    assert hands.chosen() == 1


def test_draw_over_other_boxes_with_ctrl(hands):
    hands.start(document())
    hands.drag((0.15, 0.15), (0.35, 0.35), "Control")
    assert len(hands.regions()) == 3
    assert hands.regions()[:2] == REGIONS


def test_move(hands):
    hands.start(document())
    hands.plain()
    hands.drag((0.2, 0.2), (0.3, 0.3))
    assert hands.pixels() == pytest.approx([154, 102, 384, 358], abs=2)
    assert hands.regions()[1] == REGIONS[1]


def test_resize_by_a_corner_and_keep_the_aspect_with_shift(hands):
    hands.start(document())
    hands.plain()
    hands.click(0.2, 0.2)
    hands.drag((0.4, 0.6), (0.5, 0.7))
    assert hands.pixels() == pytest.approx([77, 51, 384, 358], abs=2)
    hands.drag((0.5, 0.7), (0.6, 0.9), "Shift")
    x0, y0, x1, y1 = hands.pixels()
    assert (x1 - x0) / (y1 - y0) == pytest.approx(307 / 307, abs=0.03)


def test_a_group_resizes_as_one(hands):
    hands.start(document())
    hands.plain()
    hands.click(0.2, 0.2)
    hands.keys("Control+a")
    hands.drag((0.7, 0.9), (0.4, 0.5))
    assert hands.pixels(0) == pytest.approx([77, 51, 192, 179], abs=2)
    assert hands.pixels(1) == pytest.approx([154, 128, 307, 256], abs=2)


def test_alt_click_goes_through_overlapping_boxes(hands):
    hands.start(document())
    hands.click(0.35, 0.5)
    assert "chosen" in hands.page.locator(".deig-box").nth(1).get_attribute("class")
    hands.click(0.35, 0.5, "Alt")
    assert "chosen" in hands.page.locator(".deig-box").nth(0).get_attribute("class")
    assert hands.document() == document(), "picking must not change anything"


def test_select_many_and_move_them_together(hands):
    hands.start(document())
    hands.plain()
    hands.click(0.2, 0.2)
    hands.click(0.6, 0.8, "Shift")
    assert hands.chosen() == 2
    hands.drag((0.6, 0.8), (0.7, 0.85))
    first, second = hands.pixels(0), hands.pixels(1)
    assert [second[i] - first[i] for i in range(4)] == pytest.approx([154, 153, 230, 154], abs=1)
    assert first[0] == pytest.approx(154, abs=2)
    hands.click(0.02, 0.02)
    assert hands.chosen() == 0
    hands.drag((0.02, 0.98), (0.98, 0.02), "Shift")
    assert hands.chosen() == 2


def test_a_locked_box_stays(hands):
    hands.start(document())
    hands.click(0.2, 0.2)
    hands.keys("l")
    assert hands.regions()[0]["locked"] is True
    hands.keys("Delete", "ArrowRight")
    assert [r["box"] for r in hands.regions()] == [r["box"] for r in REGIONS]


def test_alt_resizes_from_the_centre(hands):
    hands.start(document())
    hands.plain()
    hands.click(0.2, 0.2)
    hands.drag((0.4, 0.6), (0.45, 0.65), "Alt")
    assert hands.pixels() == pytest.approx([38, 26, 346, 333], abs=2)


def test_alt_drag_pulls_off_a_copy(hands):
    hands.start(document())
    hands.drag((0.2, 0.2), (0.6, 0.2), "Alt")
    assert hands.regions()[:2] == REGIONS
    assert hands.regions()[2]["description"] == REGIONS[0]["description"]


def test_escape_cancels_a_gesture(hands):
    hands.start(document())
    hands.drag((0.2, 0.2), (0.4, 0.3), release=False)
    hands.keys("Escape")
    hands.page.mouse.move(*hands.at(0.5, 0.5))
    hands.page.mouse.up()
    assert hands.document() == document()
    assert hands.chosen() == 1, "Escape ends the gesture alone"


def test_a_full_canvas_has_room_for_another_box_by_the_button(hands):
    hands.start(document([{**REGIONS[0], "box": [0, 0, 1, 1]}]))
    hands.button("Add a box").click()
    added = hands.regions()[1]
    assert added["color"] != REGIONS[0]["color"]
    assert hands.chosen() == 1
    hands.drag((added["box"][0] + 0.1, added["box"][1] + 0.1), (0.9, 0.9))
    assert hands.regions()[1]["box"] != added["box"], "the new box is the one that is chosen and moves"
    assert hands.regions()[0]["box"] == [0, 0, 1, 1]


def test_edges_attract_with_a_guide_and_the_size_is_shown_while_dragging(hands):
    hands.start(document())
    hands.drag((0.2, 0.2), (0.205, 0.501), release=False)
    assert hands.page.locator(".deig-layer > i:visible").count() >= 1
    assert hands.page.locator(".deig-measure").inner_text().startswith("230 × 256")
    hands.page.mouse.up()
    assert hands.pixels()[1] == round(0.4 * 512), "the top edge rests on that of the other box"
    assert hands.page.locator(".deig-layer > i:visible").count() == 0
    assert not hands.page.locator(".deig-measure").is_visible()


def test_a_grid(hands):
    hands.start(document([]))
    hands.plain()
    hands.button("Arrange").click()
    hands.page.locator("select[aria-label=Grid]").select_option("32")
    hands.drag((0.26, 0.67), (0.74, 0.92))
    assert [v % 32 for v in hands.pixels()] == [0, 0, 0, 0]


def test_align_distribute_and_duplicate(hands):
    three = [
        {**REGIONS[0], "id": f"r{i}", "box": [x, 0.1 + 0.1 * i, x + 0.1, 0.3 + 0.1 * i]}
        for i, x in enumerate((0.1, 0.25, 0.7))
    ]
    hands.start(document(three))
    hands.click(0.15, 0.2)
    hands.keys("Control+a")
    hands.button("Arrange").click()
    hands.button("Align top").click()
    hands.button("Equal gaps across").click()
    boxes = [hands.pixels(i) for i in range(3)]
    assert len({box[1] for box in boxes}) == 1
    assert boxes[1][0] - boxes[0][2] == pytest.approx(boxes[2][0] - boxes[1][2], abs=1)
    hands.button("Duplicate").click()
    assert len(hands.regions()) == 6
    assert len({json.dumps(r["box"]) for r in hands.regions()}) == 6


def test_arrow_keys_nudge_by_pixels(hands):
    hands.start(document())
    before = hands.pixels()
    hands.click(0.2, 0.2)
    hands.keys("ArrowRight", "ArrowDown", "Shift+ArrowDown")
    assert [a - b for a, b in zip(hands.pixels(), before, strict=True)] == [1, 9, 1, 9]
    hands.keys("Alt+ArrowRight")
    assert [a - b for a, b in zip(hands.pixels(), before, strict=True)] == [1, 9, 2, 9]


def test_tab_goes_to_the_next_box_and_reorders_hide_and_lock_by_keys(hands):
    hands.start(document())
    hands.stage().focus()
    hands.keys("Tab")
    assert "a woman" in hands.message()
    hands.keys("Tab", "[", "h")
    assert [r["id"] for r in hands.regions()] == ["r2", "r1"]
    assert [r["enabled"] for r in hands.regions()[:1]] == [False]
    hands.keys("End")
    assert [r["id"] for r in hands.regions()] == ["r1", "r2"]


def test_the_list_reorders_by_its_numbers_and_colours(hands):
    hands.start(document())
    first, second = (hands.page.locator(".deig-badge").nth(i).bounding_box() for i in (0, 1))
    hands.page.mouse.move(first["x"] + 8, first["y"] + 8)
    hands.page.mouse.down()
    hands.page.mouse.move(second["x"] + 8, second["y"] + second["height"] + 20, steps=6)
    hands.page.mouse.up()
    assert [r["id"] for r in hands.regions()] == ["r2", "r1"]
    hands.click(0.2, 0.2)
    hands.page.locator("input[type=color]:visible").fill("#123456")
    assert hands.regions()[1]["color"] == "#123456"
    assert "18, 52, 86" in hands.page.locator(".deig-box").nth(1).evaluate("(box) => getComputedStyle(box).borderColor")


def test_strength_negative_and_sides_in_the_list(hands):
    hands.start(document())
    hands.click(0.2, 0.2)
    hands.page.locator(".deig-row.open .deig-details textarea").fill("a hat")
    row = hands.page.locator(".deig-row.open")
    for name, value in (("Strength", "0.5"), ("X", "100"), ("W", "64")):
        row.locator(f"input[type=number][aria-label='{name}']").fill(value)
        hands.keys("Enter")
    region = hands.regions()[0]
    assert (region["negative"], region["strength"]) == ("a hat", 0.5)
    assert hands.pixels() == [100, 51, 164, 307]


def test_choosing_a_region_scrolls_the_list_and_not_the_page(hands):
    many = [
        {**REGIONS[0], "id": f"r{i}", "box": [i / 12, 0.1, i / 12 + 0.08, 0.5], "description": "word " * 30}
        for i in range(12)
    ]
    hands.start(document(many))
    hands.page.evaluate("() => { app.canvas.ds.offset[1] += 420; app.canvas.setDirty(true, true) }")
    hands.settle()
    before = hands.stage().bounding_box()
    hands.click(11.4 / 12, 0.2)
    hands.page.wait_for_timeout(300)
    assert hands.stage().bounding_box() == before
    assert hands.page.locator(".deig-list").evaluate("(list) => list.scrollTop") > 100
