"""Undo and redo are the page's own, one step for each gesture or text."""

import json

from hands import REGIONS, document
from pages import EACH_FRONTEND


def test_undo_and_redo_by_keys_keep_the_selection_and_the_focus(hands):
    hands.start(document())
    before = hands.text()
    hands.drag((0.2, 0.2), (0.3, 0.25))
    moved = hands.text()
    hands.pause()
    hands.keys("ArrowRight", "ArrowRight")
    nudged = hands.text()
    assert len({before, moved, nudged}) == 3
    hands.undo()
    hands.undo()
    assert hands.document() != json.loads(nudged)
    hands.undo()
    assert json.loads(hands.text()) == json.loads(before)
    hands.redo()
    assert json.loads(hands.text()) == json.loads(moved)
    hands.undo()
    assert hands.chosen() == 1, "the selection survives, and below the focus"
    hands.keys("Shift+ArrowRight")
    assert hands.pixels()[0] == 85


@EACH_FRONTEND
def test_typing_a_description_is_one_step(hands):
    hands.start(document())
    area = hands.page.locator(".deig-row textarea").first
    area.click()
    hands.page.wait_for_timeout(300)  # the page looks at its graph after every click; nobody types so soon
    hands.page.keyboard.press("End")
    hands.page.keyboard.type(", long hair", delay=5)
    assert hands.regions()[0]["description"].endswith("stripes, long hair")
    hands.click(0.95, 0.05)
    hands.undo()
    assert hands.regions() == REGIONS


def test_undo_and_redo_buttons(hands):
    hands.start(document())
    hands.drag((0.2, 0.2), (0.3, 0.25))
    moved = hands.regions()
    hands.undo(hands.button("Undo").click)
    assert hands.document() == document()
    hands.redo(hands.button("Redo").click)
    assert hands.regions() == moved


def test_a_field_in_which_nothing_was_typed_leaves_undo_to_the_graph(hands):
    hands.start(document())
    hands.drag((0.2, 0.2), (0.3, 0.25))
    hands.page.locator(".deig-row textarea").first.click()
    hands.undo()
    assert hands.regions() == REGIONS
    hands.click(0.2, 0.2)
    slider = hands.page.locator(".deig-row input[type=range]")
    slider.focus()
    hands.keys("ArrowRight")
    assert hands.regions()[0]["strength"] == 1.05
    hands.undo()
    assert hands.regions() == REGIONS


@EACH_FRONTEND
def test_a_field_being_typed_in_has_its_own_undo(hands):
    hands.start(document())
    hands.drag((0.2, 0.2), (0.3, 0.25))
    moved = hands.regions()
    area = hands.page.locator(".deig-row textarea").first
    area.click()
    hands.keys("End", "x", "Control+z")
    assert area.input_value() == REGIONS[0]["description"]
    assert hands.regions() == moved


def test_undo_in_full_screen_stays_there(hands):
    hands.start(document())
    hands.stage().focus()
    hands.keys("f")
    hands.settle()
    hands.drag((0.2, 0.2), (0.3, 0.25))
    assert hands.regions() != REGIONS
    hands.undo()
    assert hands.regions() == REGIONS
    assert hands.page.locator(".deig-full .deig-stage:visible").count() == 1
    hands.page.wait_for_timeout(700)
    assert hands.page.locator(".deig-full .deig-stage:visible").count() == 1
