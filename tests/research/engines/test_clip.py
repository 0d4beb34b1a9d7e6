"""CLIP by both libraries: the real classes at a tiny size."""

import pytest
import tiny_clips
import torch
from PIL import Image

from research.engines.clip import TooLong, load_clip
from research.engines.contract import EngineError

RED, BLUE = Image.new("RGB", (80, 60), (200, 30, 30)), Image.new("RGB", (60, 90), (30, 30, 200))


@pytest.fixture(scope="module", params=["transformers_clip", "open_clip_clip"])
def clip(request, tmp_path_factory):
    if request.param == "open_clip_clip":
        pytest.importorskip("open_clip", reason="open_clip_torch (extra `evaluation`) is not installed")
    return load_clip(getattr(tiny_clips, request.param)(tmp_path_factory.mktemp(request.param)), "cpu")


def test_vectors_have_length_1_and_depend_on_nothing_else(clip):
    both, texts = clip.pictures([RED, BLUE]), clip.texts(["a red cup", "a dog"])
    assert both.norm(dim=1) == pytest.approx(torch.ones(2))
    assert torch.equal(both[1:], clip.pictures([BLUE]))
    assert torch.equal(texts[1:], clip.texts(["a dog"]))
    assert not torch.allclose(texts[0], texts[1])


def test_long_texts_are_refused_rather_than_cut(clip):
    longest = next(n for n in range(200) if clip.count("a " * (n + 1)) > clip.context)
    clip.texts(["a " * longest])
    with pytest.raises(TooLong, match=r"has 7[89] tokens, and CLIP reads 77"):
        clip.texts(["a " * (longest + 1)])


def test_open_clip_counts_with_clips_real_vocabulary(tmp_path):
    pytest.importorskip("open_clip", reason="open_clip_torch (extra `evaluation`) is not installed")
    clip = load_clip(tiny_clips.open_clip_clip(tmp_path), "cpu")
    assert clip.count("a photo of a polka-dotted teddy bear") == 11


def test_the_model_is_part_of_the_fingerprint(clip, tmp_path):
    again = load_clip(tiny_clips.transformers_clip(tmp_path), "cpu")
    assert (clip.fingerprint() == again.fingerprint()) == (clip.fingerprint()["engine"] == "transformers")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (None, "", "holds no config.json"),
        ("config.json", "{}", "is no|holds no"),
        ("open_clip_config.json", "{}", "no CLIP model of open_clip"),
    ],
)
def test_other_folders_are_refused(tmp_path, file, content, said):
    if file == "open_clip_config.json":
        pytest.importorskip("open_clip", reason="open_clip_torch (extra `evaluation`) is not installed")
    if file:
        (tmp_path / file).write_text(content)
    with pytest.raises(EngineError, match=said):
        load_clip(tmp_path, "cpu")


def test_a_folder_without_processor_and_another_model(tmp_path):
    folder = tiny_clips.transformers_clip(tmp_path)
    for file in folder.glob("*processor*"):
        file.unlink()
    with pytest.raises(EngineError, match="processor"):
        load_clip(folder, "cpu")
