"""What a model is shown, and what pixels say by themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from research.captions.grey import DOUBTFUL, GREY, colour_spread
from research.captions.views import LEAST, Pictures, crop, marked
from research.captions.work import Work

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))


def smooth(size=(300, 400), seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size[::-1], Image.BICUBIC)


def test_a_crop_has_its_context_and_stops_at_the_edge():
    assert np.array_equal(crop(NOISE, (50, 40, 250, 200), 0.0), np.asarray(NOISE)[40:240, 50:300])
    assert np.array_equal(crop(NOISE, (50, 40, 200, 200)), np.asarray(NOISE)[0:280, 10:290])
    assert crop(NOISE, (0, 0, 300, 300)).size == (360, 300)


def test_a_small_crop_is_enlarged():
    assert crop(NOISE, (50, 40, 40, 20), 0.0).size == (LEAST, LEAST // 2)


@given(st.floats(0, 399), st.floats(0, 299), st.floats(0.1, 400), st.floats(0.1, 300))
def test_every_box_of_the_picture_has_a_crop(x, y, w, h):
    found = crop(NOISE, (x, y, min(w, 400 - x), min(h, 300 - y)))
    assert min(found.size) >= 1 and max(found.size) >= LEAST


def test_the_red_line_covers_nothing_of_the_box():
    x, y, w, h = 100, 80, 120, 90
    found, before = np.asarray(marked(NOISE, (x, y, w, h))), np.asarray(NOISE)
    assert np.array_equal(found[y : y + h, x : x + w], before[y : y + h, x : x + w])
    for line in (found[y - 1, x : x + w], found[y + h, x : x + w], found[y : y + h, x - 1], found[y : y + h, x + w]):
        assert (line == (255, 0, 0)).all()
    assert np.array_equal(before, np.asarray(NOISE)) and (found != before).any(2).sum() < 5 * (w + h)


def test_grey_and_toned_pictures_are_told_from_colour():
    grey = smooth().convert("L")
    assert colour_spread(grey) == 0 and colour_spread(grey.convert("RGB")) < 1e-6
    sepia = Image.merge("RGB", [grey.point([round(0.8 * v + more) for v in range(256)]) for more in (40, 20, 0)])
    assert colour_spread(sepia) < GREY
    assert colour_spread(smooth()) > DOUBTFUL
    pale = Image.blend(grey.convert("RGB"), smooth(seed=1), 0.08)
    assert GREY <= colour_spread(pale) < DOUBTFUL


def test_one_thing_of_colour_makes_a_picture_coloured():
    picture = smooth().convert("L").convert("RGB")
    picture.paste((200, 40, 40), (20, 20, 100, 80))
    assert colour_spread(picture) > DOUBTFUL


def work(name, size=(400, 300)):
    return Work("1", name, *size, "", ())


def test_pictures_that_cannot_be_used_say_why(tmp_path):
    pictures = Pictures(tmp_path)
    NOISE.save(tmp_path / "a.jpg")
    assert pictures(work("a.jpg")).size == (400, 300)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:5000])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "in").mkdir()
    for name, size, said in (
        ("a.jpg", (300, 400), r"a\.jpg: it has 400 x 300 pixels and its line says 300 x 400"),
        ("cut.jpg", (400, 300), r"cut\.jpg: it cannot be read"),
        ("text.jpg", (400, 300), r"text\.jpg: it cannot be read"),
        ("none.jpg", (400, 300), r"none\.jpg is not there"),
        ("in", (400, 300), r"in is not there"),
    ):
        with pytest.raises(OSError, match=said):
            pictures(work(name, size))
    for outside in ("../a.jpg", str(tmp_path / "a.jpg")):
        with pytest.raises(OSError, match="lies outside the folder"):
            Pictures(tmp_path / "in")(work(outside))


def test_a_resized_picture_has_the_annotations_size(tmp_path):
    NOISE.resize((200, 150)).save(tmp_path / "a.png")
    assert Pictures(tmp_path)(work("a.png")).size == (400, 300)


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "RGBA", "LA", "P", "I;16"])
def test_files_of_every_kind_are_read(tmp_path, mode):
    name = "a.tif" if mode == "CMYK" else "a.png"
    Image.new(mode, (400, 300)).save(tmp_path / name)
    found = Pictures(tmp_path)(work(name))
    assert found.mode == "RGB" and colour_spread(found) == 0
