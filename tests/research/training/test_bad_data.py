"""What is wrong with a training set: one bad picture is skipped and said, a broken file is named with its place."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from deig_core.errors import DeigError
from research.training import cached, skipped, state
from research.training.pictures import Picture, read_pictures
from research.training.store import Store, digest

BOX = ((1.0, 1.0, 8.0, 8.0),)


def picture(name, width=24, height=16):
    return Picture(name, width, height, "a", BOX, ("b",))


def encode(pictures):
    return torch.zeros(len(pictures), 4, 1, 1)


def test_bad_pictures_are_skipped_counted_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)  # Pillow refuses twice as many
    Image.new("RGB", (24, 16)).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    Image.new("RGB", (16, 24)).save(tmp_path / "turned.png")
    Image.new("L", (64, 64)).save(tmp_path / "bomb.png")
    pictures = [picture(n) for n in ("good.png", "broken.png", "missing.png", "turned.png")]
    pictures.append(picture("bomb.png", 64, 64))
    store = Store(tmp_path / "cache", "latents")
    reasons = cached.cache_pictures(store, pictures, tmp_path, encode, 8)
    assert set(reasons) == {"broken.png", "missing.png", "turned.png", "bomb.png"}
    assert reasons["turned.png"] == "it has 16 x 24 pixels and its line says 24 x 16"
    said = skipped.remember(tmp_path / "cache", reasons, pictures)
    assert said.startswith("4 of 5 pictures were skipped")
    kept, told = skipped.without_skipped(tmp_path / "cache", pictures)
    assert [p.file_name for p in kept] == ["good.png"] and told.startswith("4 of 5")
    assert len(cached.CachedPictures(kept, store, 8)[0].boxes) == 1
    with pytest.raises(DeigError, match="None of the 1 pictures"):
        skipped.remember(tmp_path / "cache", {"x": "y"}, [picture("x")])


def test_a_picture_that_exif_turns_is_taken_as_its_line_says(tmp_path):
    image = Image.fromarray((np.arange(24 * 16 * 3) % 255).astype(np.uint8).reshape(16, 24, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    assert cached.read_square(tmp_path / "a.png", 8, picture("a.png", 24, 16)).shape == (3, 8, 8)
    turned = cached.read_square(tmp_path / "a.png", 8, picture("a.png", 16, 24))
    Image.open(tmp_path / "a.png").transpose(Image.Transpose.ROTATE_270).save(tmp_path / "b.png")
    assert torch.equal(turned, cached.read_square(tmp_path / "b.png", 8))


@pytest.mark.parametrize("mode", ["uint16", "int32", "float32"])
def test_pictures_of_more_than_8_bits_keep_their_brightness(tmp_path, mode):
    grey = {"uint16": 32768, "int32": 32768, "float32": 0.5}[mode]
    Image.fromarray(np.full((16, 16), grey, mode)).save(tmp_path / "a.tiff")
    assert cached.read_square(tmp_path / "a.tiff", 8).mean() == pytest.approx(0.5, abs=0.01)


def test_files_with_a_mark_at_the_beginning_and_nested_too_deeply(tmp_path):
    line = {"file_name": "a", "width": 8, "height": 8, "caption": "", "instances": []}
    (tmp_path / "a.jsonl").write_text("\ufeff" + json.dumps(line), encoding="utf-8")
    assert len(read_pictures(tmp_path / "a.jsonl")) == 1
    for text in ("[" * 100_000, json.dumps(line)[:-1] + ', "instances": [{"bbox": [1, 1, ' + "9" * 400 + "]}]}"):
        (tmp_path / "b.jsonl").write_text(text)
        with pytest.raises(DeigError, match=r"b.jsonl, line 1"):
            read_pictures(tmp_path / "b.jsonl")
    (tmp_path / "utf16.jsonl").write_text(json.dumps(line), encoding="utf-16")
    for name in ("utf16.jsonl", "gone.jsonl"):
        with pytest.raises(DeigError, match=rf"{name} cannot be read as UTF-8"):
            read_pictures(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"cut"])
def test_a_damaged_shard_is_named(tmp_path, content):
    store = Store(tmp_path, "latents")
    store.add({digest("a"): torch.zeros(1)})
    (tmp_path / "latents_000000.safetensors").write_bytes(content)
    with pytest.raises(DeigError, match=r"latents_000000.safetensors .* is damaged: delete it"):
        Store(tmp_path, "latents")


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    from research.training import store as module

    def full(*_: object):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(DeigError, match="is the disk full"):
        Store(tmp_path / "a", "latents").add({digest("a"): torch.zeros(1)})
    monkeypatch.setattr(state.torch, "save", full)
    with pytest.raises(DeigError, match="free space"):
        state.save(tmp_path / "b", 1, {}, keep=1)
    assert not [*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()]


def test_other_pictures_than_before_are_said(tmp_path):
    pictures = [picture("a.png"), picture("b.png")]
    assert skipped.changed_since(tmp_path, pictures) == "" == skipped.changed_since(tmp_path, pictures)
    assert "2 before, 1 now" in skipped.changed_since(tmp_path, pictures[:1])
    assert "1 before, 2 now" in skipped.changed_since(tmp_path, pictures[::-1])
