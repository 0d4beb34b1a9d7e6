"""From annotations and pictures to what the trainer reads."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from deig_core.errors import DeigError
from research.training import cached, coco
from research.training.pictures import Picture, cropped, read_pictures, write_pictures
from research.training.store import APART, Store, digest, fingerprint

LINE = {
    "file_name": "a.png",
    "width": 8,
    "height": 4,
    "caption": "c",
    "instances": [{"bbox": [1, 1, 2, 2], "description": "d"}],
}


def test_lines_come_back(tmp_path):
    pictures = [
        Picture("ä.png", 10, 20, "a «b»", ((0.5, 1.0, 3.0, 4.0),), ("é\n",)),
        Picture("b.png", 5, 5, "", (), ()),
    ]
    write_pictures(tmp_path / "d.jsonl", pictures)
    assert read_pictures(tmp_path / "d.jsonl") == pictures


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": None}, r"line 2: width and height are None and 4"),
        ({"caption": 3}, "line 2: file_name, caption and description must be texts"),
        ({"instances": [{"bbox": [0, 0, 0, 2], "description": ""}]}, r"line 2: bbox \[0.0, 0.0, 0.0, 2.0\] is no box"),
        ({"instances": [{"bbox": [0, 0, float("nan"), 2], "description": ""}]}, r"is no box"),
        ({"instances": [{"bbox": [0, 0, 1, 1]}]}, "line 2 has no 'description'"),
        ({"instances": 3}, "line 2 cannot be read"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, change, said):
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + json.dumps(LINE | change) + "\n")
    with pytest.raises(DeigError, match=said):
        read_pictures(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "d.jsonl").write_text("\n")
    with pytest.raises(DeigError, match="holds no pictures"):
        read_pictures(tmp_path / "d.jsonl")


@given(
    st.integers(8, 900), st.integers(8, 900), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1), st.floats(0.01, 1)
)
def test_a_box_stays_on_its_pixels(width, height, x, y, w, h):
    x, y = x * width * 0.9, y * height * 0.9
    box = (x, y, min(w * width, width - x), min(h * height, height - y))
    boxes, texts = cropped(Picture("", width, height, "", (box,), ("t",)), 64)
    size, seen = min(width, height), 0.0
    left, top = (width - size) / 2, (height - size) / 2
    inside = [max(box[0], left), max(box[1], top), min(box[0] + box[2], left + size), min(box[1] + box[3], top + size)]
    if inside[0] < inside[2] and inside[1] < inside[3]:
        seen = (inside[2] - inside[0]) * (inside[3] - inside[1]) / (box[2] * box[3])
    if boxes:
        assert texts == ("t",) and seen > 0.299
        back = [
            boxes[0][0] * size + left,
            boxes[0][1] * size + top,
            boxes[0][2] * size + left,
            boxes[0][3] * size + top,
        ]
        assert max(abs(a - b) for a, b in zip(back, inside, strict=True)) < 1e-6 * size
    else:
        assert seen < 0.301 or min(inside[2] - inside[0], inside[3] - inside[1]) <= size / 64


def test_coco():
    instances = {
        "images": [
            {"id": 1, "file_name": "1.jpg", "width": 10, "height": 8},
            {"id": 2, "file_name": "2.jpg", "width": 4, "height": 4},
            {"id": 3, "file_name": "3.jpg", "width": 4, "height": 4},
        ],
        "categories": [{"id": 7, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "iscrowd": 0},
            {
                "id": 2,
                "image_id": 1,
                "category_id": 7,
                "bbox": [0, 0, 2, 2],
                "description": "a brown dog with a red collar",
            },
            {"id": 3, "image_id": 1, "category_id": 7, "bbox": [0, 0, 9, 8], "iscrowd": 1},
            {"id": 4, "image_id": 2, "category_id": 7, "bbox": [0, 0, 1, 0]},
            {"id": 5, "image_id": 3, "category_id": 7, "bbox": [0, 0, 1, 1]},
        ],
    }
    captions = {"annotations": [{"image_id": 1, "caption": " Two dogs. "}, {"image_id": 1, "caption": "Another"}]}
    first, third = coco.from_coco(instances, captions)
    assert first == Picture(
        "1.jpg", 10, 8, "Two dogs.", ((1, 2, 3, 4), (0, 0, 2, 2)), ("a dog", "a brown dog with a red collar")
    )
    assert third.caption == "a dog"
    with pytest.raises(DeigError, match="no COCO annotations"):
        coco.from_coco({"images": []})


def test_a_store_is_added_to_and_never_half(tmp_path):
    values = {digest(i): torch.full((2, 3), float(i), dtype=torch.bfloat16) for i in range(5)}
    keys = list(values)
    store = Store(tmp_path, "x")
    store.add({k: values[k] for k in keys[:2]})
    (tmp_path / "x_000001.partial").write_bytes(b"what a kill left")
    assert store.missing([*keys, keys[4], keys[0]]) == [2, 3, 4]
    store.add({k: values[k] for k in keys[2:]})
    import pickle

    sent = pickle.loads(pickle.dumps(store))  # noqa: S301 (our own object, sent to another process)
    for again in (Store(tmp_path, "x"), sent):
        assert len(again) == 5 and all(
            torch.equal(again[k], v) and again[k].dtype == v.dtype for k, v in values.items()
        )
    with pytest.raises(DeigError, match=r"lacks an item of the data: run python -m research\.training\.prepare"):
        store[digest("other")]


def test_what_is_added_replaces_no_shard_even_where_one_was_deleted(tmp_path):
    keys = [digest(i) for i in range(3)]
    for key in keys[:2]:
        Store(tmp_path, "x").add({key: torch.zeros(1)})
    (tmp_path / "x_000000.safetensors").unlink()
    Store(tmp_path, "x").add({keys[2]: torch.ones(1)})
    assert Store(tmp_path, "x").missing(keys) == [0]


def test_what_another_model_made_is_not_added_to(tmp_path):
    folder, file = tmp_path / "t5", tmp_path / "vae.safetensors"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"1" * 100)
    file.write_bytes(b"vae")
    before = fingerprint(folder)
    assert before == fingerprint(folder) != fingerprint(file)
    Store(tmp_path, "x", before).add({digest(1): torch.zeros(1)})
    (folder / "model.safetensors").write_bytes(b"2" * 100)
    with pytest.raises(DeigError, match=r"were made with another model's file: use that one, or another folder"):
        Store(tmp_path, "x", fingerprint(folder))
    assert len(Store(tmp_path, "x", before)) == len(Store(tmp_path, "x")) == 1


def test_a_fingerprint_sees_far_into_a_file_and_not_what_a_download_left(tmp_path):
    model = tmp_path / "model.safetensors"
    model.write_bytes(bytes(APART + 10))
    before = fingerprint(model), fingerprint(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "download.json").write_text("{}")
    (tmp_path / "README.md").write_text("new")
    assert (fingerprint(model), fingerprint(tmp_path)) == before
    model.write_bytes(bytes(APART) + b"1" + bytes(9))
    assert fingerprint(model) != before[0] and fingerprint(tmp_path) != before[1]


def test_the_target_of_the_coco_converter_cannot_be_the_captions(tmp_path, capsys):
    with pytest.raises(SystemExit):
        coco.main([str(tmp_path / "instances.json"), str(tmp_path / "captions.json")])
    assert "the file to write must end with .jsonl, and captions.json does not" in capsys.readouterr().err


def test_coco_without_captions_is_joined_from_descriptions(tmp_path):
    (tmp_path / "instances.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "1.jpg", "width": 10, "height": 8}],
                "categories": [{"id": 7, "name": "dog"}],
                "annotations": [{"id": i, "image_id": 1, "category_id": 7, "bbox": [0, 0, i, i]} for i in (2, 3)],
            }
        )
    )
    assert coco.main([str(tmp_path / "instances.json"), str(tmp_path / "data.jsonl")]) == 0
    assert json.loads((tmp_path / "data.jsonl").read_text())["caption"] == "a dog, a dog"


def test_texts_are_encoded_once_and_a_stopped_run_goes_on(tmp_path):
    asked = []

    def features(texts):
        if len(asked) == 4:
            raise KeyboardInterrupt
        asked.extend(texts)
        return torch.tensor([float(len(t)) for t in texts])[:, None, None].expand(-1, 2, 3).clone()

    texts = ["", "a", "bb", "ccc", "dddd"]
    with pytest.raises(KeyboardInterrupt):
        cached.cache_texts(Store(tmp_path, "f"), texts, features, shard=2)
    asked.append(None)
    cached.cache_texts(Store(tmp_path, "f"), [*texts, "eeeee"], features, shard=2)
    assert asked == ["", "a", "bb", "ccc", None, "dddd", "eeeee"]
    found = cached.CachedFeatures(Store(tmp_path, "f"))(["bb", "", "eeeee", "bb"])
    assert found.dtype == torch.bfloat16 and found[:, 0, 0].tolist() == [2, 0, 5, 2]


def test_pictures_are_cut_square_and_encoded_with_their_mirror_image(tmp_path):
    image = Image.new("RGB", (96, 64))
    image.paste((255, 0, 0), (0, 0, 32, 64))  # the square in the middle begins at 16
    image.save(tmp_path / "p.png")
    picture = Picture("p.png", 96, 64, "c", ((0.0, 0.0, 32.0, 64.0),), ("red",))
    store, seen = Store(tmp_path, "latents"), []

    def encode(pictures):
        seen.append(pictures)
        return torch.nn.functional.avg_pool2d(pictures, 8)[:, [0, 1, 2, 2]]

    for _ in range(2):
        cached.cache_pictures(store, [picture], tmp_path, encode, 64)
    assert len(seen) == 2
    example = cached.CachedPictures([picture], store, 64)[0]
    assert example.boxes == ((0.0, 0.0, 0.25, 1.0),) and example.latent.shape == (4, 8, 8)
    red = example.latent[0, 4] > 0.5
    assert red.tolist() == [True, True] + [False] * 6 and torch.equal((example.mirror[0, 4] > 0.5), red.flip(0))
