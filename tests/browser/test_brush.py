"""A region's shape under the brush, from the page to Python."""

import time

import pytest
from hands import REGIONS, document


def test_paint_erase_and_what_python_makes_of_it(hands):
    hands.start(document([], 256, 192))
    hands.stage().focus()
    hands.keys("p")
    hands.drag((0.3, 0.3), (0.7, 0.7))
    hands.page.keyboard.type("a snake")
    hands.keys("Escape", "e")
    hands.drag((0.5, 0.5), (0.52, 0.52))
    (region,) = hands.regions()
    assert region["description"] == "a snake"
    assert len(str(region["mask"])) < 4096
    assert hands.document()["version"] == 2
    assert hands.page.locator(".deig-box.masked canvas").count() == 1

    prompt = hands.prompt()
    prompt["2"] = {"class_type": "DEIGRegionsToBoxes", "inputs": {"regions": ["1", 0]}}
    prompt["3"] = {"class_type": "MaskToImage", "inputs": {"mask": ["2", 2]}}
    name = f"deig-brush-{time.time_ns()}"
    prompt["4"] = {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": name}}
    file = hands.server.wait(hands.server.queue(prompt), timeout=60)["outputs"]["4"]["images"][0]
    from PIL import Image

    picture = Image.open(hands.base / "output" / file["subfolder"] / file["filename"]).convert("L")

    def belongs(x, y):
        return picture.getpixel((round(x * 256), round(y * 192))) > 127

    assert [belongs(x, x) for x in (0.35, 0.65, 0.51)] == [True, True, False], "on the stroke, and where it was erased"
    assert not belongs(0.35, 0.65), "in the box, off the stroke"

    hands.undo()
    assert hands.regions()[0]["mask"] != region["mask"]
    hands.click(0.02, 0.02)


def test_a_box_is_cut_by_erasing_and_whole_again_by_its_button(hands):
    hands.start(document([REGIONS[0]]))
    hands.click(0.2, 0.2)
    hands.button("Erase").click()
    hands.drag((0.25, 0.1), (0.25, 0.6))
    assert hands.regions()[0]["mask"]
    before = hands.stage().bounding_box()
    hands.button("Select boxes").click()
    assert hands.stage().bounding_box() == before
    hands.click(0.12, 0.3)
    hands.button("The whole box again").click()
    assert "mask" not in hands.regions()[0]
    assert hands.document()["version"] == 1


def test_the_brush_is_as_large_on_the_screen_in_every_picture(hands):
    shares = []
    for side in (128, 1024):
        hands.start(document([], side, side))
        hands.button("Paint").click()
        hands.page.mouse.move(*hands.at(0.5, 0.5))
        circle = hands.page.locator(".deig-brush:visible").bounding_box()
        shares.append(circle["width"] / hands.stage().bounding_box()["width"])
        hands.drag((0.5, 0.5), (0.5, 0.505))
        x0, y0, x1, y1 = hands.regions()[0]["box"]
        assert (x1 - x0, y1 - y0) == pytest.approx((shares[-1],) * 2, abs=0.04)
        hands.keys("Escape")
    assert shares == pytest.approx([1 / 8, 1 / 8], abs=0.02)
