"""Overlays: every script that the machine has a font for, pictures of every kind."""

import pytest
import torch
from parity import pack_module
from PIL import Image, ImageDraw, ImageFont


def drawn(graph, text, shape=(1, 128, 256, 3)):
    cls = graph.host.NODE_CLASS_MAPPINGS["DEIGDrawRegions"]
    regions = graph.regions([{"box": [0, 0, 1, 1], "description": text}], width=256, height=128)
    return cls.EXECUTE_NORMALIZED(image=torch.full(shape, 0.5), regions=regions, texts=True)


@pytest.mark.parametrize("shape", [(2, 128, 256, 3), (1, 128, 256, 1), (1, 128, 256, 4)])
def test_pictures_of_every_kind(graph, shape):
    assert drawn(graph, "a dog", shape).args[0].shape == (*shape[:3], 3)


def test_an_empty_batch_and_no_picture(graph):
    assert drawn(graph, "a dog", (0, 8, 8, 3)).args[0].shape == (0, 8, 8, 3)
    with pytest.raises(ValueError, match="needs pictures"):
        drawn(graph, "a dog", (8, 8, 3))


def test_letters_without_a_font_are_said_and_no_rectangles_are_drawn(graph):
    private = "\U000f0000"  # no font has this one
    assert "no font" in drawn(graph, f"a {private}").ui["deig_notes"][0]
    assert drawn(graph, "a dog").ui is None


def test_text_without_blanks_is_wrapped(graph):
    fonts = pack_module(graph.host, "nodes.fonts")
    writer = fonts.Writer(ImageDraw.Draw(Image.new("RGB", (100, 100))), 12)
    rows = writer.wrapped("w" * 60 + " end", 100)
    assert len(rows) > 4 and "".join(rows).replace(" ", "") == "w" * 60 + "end"
    assert all(writer.width(row) <= 100 for row in rows)


def letter_is_drawn(font, letter):
    """Whether pixels are drawn, and others than for a letter that no font has."""

    def pixels(character):
        picture = Image.new("L", (100, 100))
        ImageDraw.Draw(picture).text((20, 20), character, font=font, fill=255)
        return picture.tobytes()

    return any(pixels(letter)) and pixels(letter) != pixels("\U000f0000")


def test_every_letter_is_drawn_with_a_font_that_has_it(graph):
    fonts = pack_module(graph.host, "nodes.fonts")
    writer = fonts.Writer(ImageDraw.Draw(Image.new("RGB", (100, 100))), 12)
    letters = [c for c in "яñ€あ红نक" if not c.isascii()]
    for letter in letters:
        ((_, font),) = writer.runs(letter)
        if font is None:
            assert not any(letter_is_drawn(ImageFont.truetype(str(path), 40), letter) for path in fonts._files()[:50])
        else:
            assert letter_is_drawn(font, letter)


@pytest.fixture
def machine(graph, monkeypatch, tmp_path):
    """fonts, on a machine that has these files and no others."""
    fonts = pack_module(graph.host, "nodes.fonts")
    names = ["Zapf.otf", "DejaVuSans-Bold.ttf", "NotoSans-Regular.ttf", "Aller_Italic.ttf", "Aller.TTF", "read.me"]
    for folder, of_it in (("a", names[:3]), ("b/deeper", [*names[3:], "NotoSansCJK-Regular.ttc", "DejaVuSans.ttf"])):
        (tmp_path / folder).mkdir(parents=True)
        for name in of_it:
            (tmp_path / folder / name).touch()
    monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path / "a", tmp_path / "b", tmp_path / "gone"])
    remembered = (fonts._files, fonts._opened, fonts._font_for)
    for function in remembered:
        function.cache_clear()
    yield fonts
    for function in remembered:
        function.cache_clear()


def test_fonts_that_know_many_scripts_come_first_and_regular_ones_before_bold(machine):
    assert [path.name for path in machine._files()] == [
        *("NotoSansCJK-Regular.ttc", "NotoSans-Regular.ttf", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
        *("Aller.TTF", "Zapf.otf", "Aller_Italic.ttf"),
    ]


def test_the_first_font_that_has_the_letter_is_taken_and_broken_files_are_passed_over(machine, monkeypatch):
    assert machine._opened(next(p for p in machine._files() if p.name == "Zapf.otf"), 12) is None, "it is empty"
    monkeypatch.setattr(machine, "_opened", lambda path, size: None if "CJK" in path.name else path.name)
    monkeypatch.setattr(machine, "_draws", lambda font, letter: letter == "я" or font.startswith("Zapf"))
    assert machine._font_for("я", 12) == "NotoSans-Regular.ttf"
    assert machine._font_for("红", 12) == "Zapf.otf"


def test_a_mask_is_a_line_along_its_edge(graph):
    mask = torch.zeros(1, 64, 64)
    mask[:, 16:48, :40] = 1
    (regions, *_) = graph.node("DEIGRegionsFromMasks", masks=mask, descriptions="a red circle")
    picture = torch.full((1, 256, 256, 3), 0.5)
    (drawn,) = graph.node("DEIGDrawRegions", image=picture, regions=regions, texts=False)
    changed = (drawn - picture).abs().amax(-1)[0] > 0.1
    assert not changed[100:160, 40:140].any()  # inside
    assert changed[100:160, :2].all() and changed[100:160, 158:160].all()  # its edges, the picture's too
    assert not changed[:60].any() and not changed[:, 170:].any()  # outside
