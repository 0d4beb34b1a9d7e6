import io

import pytest
from PIL import Image

from deig_core.errors import DeigError
from research.evaluation.layout import Instance, Layout
from research.evaluation.pictures import crop, find, load, runs

LAYOUT = Layout("a", "deig", "a cup", (Instance((0, 0, 1, 1), "a cup", "cup"),), 64, 64)


def saved(picture, form, **how):
    content = io.BytesIO()
    picture.save(content, form, **how)
    return content.getvalue()


def put(folder, content, name="a.png"):
    (folder / name).write_bytes(content)
    return find([LAYOUT], folder)["a"]


RED = Image.new("RGB", (64, 64), "red")
TRUNCATED = saved(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")[:-300]


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (TRUNCATED, "a.jpg", "truncated"),
        (b"", "a.png", "cannot identify"),
        (b"<html>", "a.png", "cannot identify"),
        (saved(Image.new("1", (8001, 8000)), "PNG"), "a.png", "at most 64000000 were expected"),
        (saved(RED.resize((96, 64)), "PNG"), "a.png", "96 x 64, of another shape than 64 x 64"),
        (saved(RED.resize((64, 63)), "PNG"), "a.png", "another shape"),
        (saved(Image.new("RGBA", (64, 64), (255, 0, 0, 254)), "PNG"), "a.png", "transparent"),
        (saved(Image.new("I;16", (64, 64)), "PNG"), "a.png", "8 bits a channel"),
    ],
    ids=["cut off", "empty", "a web page", "a bomb", "wide", "a row short", "half transparent", "16 bits"],
)
def test_what_cannot_be_judged_says_why(tmp_path, content, name, problem):
    found = put(tmp_path, content, name)
    assert problem in found.problem
    assert found.sha1 is None


@pytest.mark.parametrize(
    ("content", "name", "colour"),
    [
        (saved(RED, "PNG"), "a.png", (255, 0, 0)),
        (saved(RED, "PNG"), "a.PNG", (255, 0, 0)),
        (saved(RED, "WEBP", lossless=True), "a.webp", (255, 0, 0)),
        (saved(Image.new("L", (64, 64), 90), "PNG"), "a.png", (90, 90, 90)),
        (saved(RED.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"), "a.png", (255, 0, 0)),
        (saved(Image.new("RGBA", (64, 64), (255, 0, 0, 255)), "PNG"), "a.png", (255, 0, 0)),
        (saved(Image.new("CMYK", (64, 64), (255, 255, 0, 0)), "TIFF"), "a.png", (0, 0, 255)),
    ],
    ids=["png", "PNG", "webp", "grey", "palette", "opaque alpha", "CMYK"],
)
def test_modes_that_mean_a_picture_are_read(tmp_path, content, name, colour):
    found = put(tmp_path, content, name)
    assert found.problem is None and found.resized_from is None
    picture = load(LAYOUT, found)
    assert picture.mode == "RGB" and picture.getpixel((5, 5)) == colour


def test_another_size_of_the_same_shape_is_resized_and_said(tmp_path):
    found = put(tmp_path, saved(RED.resize((128, 128)), "PNG"))
    assert found.resized_from == (128, 128)
    assert load(LAYOUT, found).size == (64, 64)


def test_stretch(tmp_path):
    put(tmp_path, saved(RED.resize((64, 96)), "PNG"))
    found = find([LAYOUT], tmp_path, stretch=True)["a"]
    assert found.resized_from == (64, 96)
    assert load(LAYOUT, found).size == (64, 64)


def test_half_a_folder_and_doubles(tmp_path):
    put(tmp_path, saved(RED, "PNG"))
    layouts = [LAYOUT, Layout("b", "deig", "x", LAYOUT.instances, 64, 64)]
    assert find(layouts, tmp_path)["b"].problem == "the picture is missing"
    assert "a.jpg and a.png are both there" in put(tmp_path, saved(RED, "JPEG"), "a.jpg").problem


def test_a_file_of_no_reasonable_size_is_not_read(tmp_path):
    put(tmp_path, saved(RED, "PNG"))
    with open(tmp_path / "a.png", "r+b") as file:
        file.truncate(300 << 20)  # a hole
    assert "more than 256 MiB" in find([LAYOUT], tmp_path)["a"].problem


def test_foreign_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(DeigError, match="no folder"):
        runs(tmp_path / "none")
    with pytest.raises(DeigError, match="holds no pictures"):
        runs(tmp_path)
    with pytest.raises(DeigError, match=r"None of the 1 pictures .* named after a layout: a.png"):
        put(tmp_path, saved(RED, "PNG"), "holiday.png")


def test_seeds_are_folders_and_in_order(tmp_path):
    folder = tmp_path / "deig"
    for seed in ("100", "42", "evidence"):
        (folder / seed).mkdir(parents=True)
    assert list(runs(folder)) == ["deig/42", "deig/100"]
    put(folder / "42", saved(RED, "PNG"))
    assert list(runs(folder / "42")) == ["42"]


def test_a_picture_that_changes_meanwhile_is_refused(tmp_path):
    found = put(tmp_path, saved(RED, "PNG"))
    put(tmp_path, saved(RED.transpose(Image.Transpose.ROTATE_90).convert("L"), "PNG"))
    with pytest.raises(DeigError, match="has changed while"):
        load(LAYOUT, found)


def test_crops_are_at_least_a_pixel():
    ramp = Image.new("RGB", (64, 64))
    ramp.putdata([(x, y, 0) for y in range(64) for x in range(64)])
    part = crop(ramp, (0.25, 0.5, 0.75, 1))
    assert part.size == (32, 32) and part.getpixel((0, 0)) == (16, 32, 0)
    assert crop(ramp, (0.999, 0.999, 1, 1)).size == (1, 1)
