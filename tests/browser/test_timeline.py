"""Regions over frames: a person scrubs, sets keys and sees where things are between them."""

import json

import pytest
from hands import REGIONS, document


def frame(hands, number):
    field = hands.page.locator(".deig-timeline input[type=number]")
    field.fill(str(number))
    field.press("Enter")
    hands.stage().focus()


def shown(hands, index=0):
    """Left edge of a box on the stage, in fractions of the picture."""
    stage, box = hands.stage().bounding_box(), hands.page.locator(".deig-box").nth(index).bounding_box()
    return (box["x"] - stage["x"]) / stage["width"]


def test_keys_are_set_at_frames_and_the_box_is_between_them(hands):
    hands.start(document())
    assert not hands.page.locator(".deig-timeline").is_visible()
    hands.button("Frames").click()
    hands.click(0.2, 0.2)
    hands.keys("k")
    assert hands.regions()[0]["keyframes"] == [{"frame": 0, "box": REGIONS[0]["box"]}]
    frame(hands, 10)
    hands.keys(*["Shift+ArrowRight"] * 12)  # 96 of 768 pixels
    keys = hands.regions()[0]["keyframes"]
    assert [key["frame"] for key in keys] == [0, 10] and keys[1]["box"][0] == pytest.approx(0.1 + 96 / 768, abs=1e-3)
    assert hands.regions()[0]["box"] == REGIONS[0]["box"], "for readers that know no frames"
    frame(hands, 5)
    assert shown(hands) == pytest.approx(0.1 + 48 / 768, abs=0.01)
    assert shown(hands, 1) == pytest.approx(0.3, abs=0.01), "what has no keys stands still"
    hands.button("Next key").click()
    assert hands.page.locator(".deig-timeline input[type=number]").input_value() == "10"
    hands.button("Remove the key").click()
    assert [key["frame"] for key in hands.regions()[0]["keyframes"]] == [0]
    hands.button("Frames").click()
    assert not hands.page.locator(".deig-timeline").is_visible()


def test_undo_takes_a_key_back_and_the_frame_stays(hands):
    keys = [{"frame": 0, "box": REGIONS[0]["box"]}, {"frame": 8, "box": [0.5, 0.1, 0.8, 0.6]}]
    hands.start(document([{**REGIONS[0], "keyframes": keys}]))
    hands.button("Frames").click()
    frame(hands, 8)
    hands.drag((0.65, 0.3), (0.55, 0.3))
    assert hands.regions()[0]["keyframes"][1]["box"][0] < 0.45
    hands.undo()
    assert hands.regions()[0]["keyframes"] == keys and shown(hands) == pytest.approx(0.5, abs=0.01)


def test_a_document_that_replaces_all_keeps_its_own_keys_at_whatever_frame(hands):
    keys = [{"frame": 0, "box": REGIONS[0]["box"]}, {"frame": 8, "box": [0.5, 0.1, 1.2, 0.6]}]
    hands.start(document([{**REGIONS[0], "keyframes": keys}]))
    hands.button("Frames").click()
    frame(hands, 8)
    hands.click(0.7, 0.3)
    hands.keys("k", "Shift+ArrowLeft")
    step = 8 / 768
    nudged = hands.regions()[0]["keyframes"][1]["box"]
    assert nudged == pytest.approx([0.5 - step, 0.1, 1.2 - step, 0.6], abs=1e-5), "what lies beyond goes along"
    whole = document([{**REGIONS[0], "keyframes": [{"frame": 4, "box": [0.2, 0.2, 0.4, 0.4]}]}], 640, 960)
    hands.button("Import and export").click()
    hands.page.locator(".deig-pop textarea:visible").fill(json.dumps(whole))
    hands.page.locator(".deig-pop button:visible", has_text="Replace all").click()
    hands.page.wait_for_function("JSON.parse(app.graph.nodes[0].widgets[0].value).width === 640")
    assert hands.document() == whole
    assert shown(hands) == pytest.approx(0.2, abs=0.01)
