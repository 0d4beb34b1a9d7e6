"""CLIP's score: the real class at a tiny size, with CLIP's own vocabulary where a ComfyUI is at hand."""

import os
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from deig_core.errors import DeigError
from research.captions.score import ClipScore, OracleScore

ROOT = Path(__file__).resolve().parents[3]
TEXT = "a woman in a long red coat with large black buttons, grey trousers and white running shoes, walking ahead"
COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
CROPS = [partial(Image.new, "RGB", (40, 30 + i), colour) for i, colour in enumerate(COLOURS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random CLIP that reads 77 tokens of CLIP's vocabulary."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizerFast

    comfyui = Path(os.environ.get("DEIG_COMFYUI", ROOT / ".dev" / "comfyui"))
    vocabulary = comfyui / "comfy" / "sd1_tokenizer"
    if not (vocabulary / "merges.txt").is_file():
        pytest.skip(f"no CLIP vocabulary at {vocabulary}: run `python dev.py test`")
    path = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**tower, "vocab_size": 49408, "max_position_embeddings": 77, "projection_dim": 16},
        vision_config={**tower, "image_size": 32, "patch_size": 8, "projection_dim": 16},
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(path)
    tokenizer = CLIPTokenizerFast.from_pretrained(vocabulary, local_files_only=True)
    CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32), tokenizer).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def clip(folder):
    return ClipScore(folder, device="cpu")


def test_tokens_are_clips_own(clip):
    assert clip.tokens("a photo of a cat") == 5 and clip.tokens("") == 0
    assert clip.tokens("skateboarder") == 2 and clip.tokens(TEXT) == len(TEXT.split()) + TEXT.count(",")


def test_a_description_of_the_papers_length_fits_and_a_longer_one_is_read_in_parts(clip):
    assert clip.windows(TEXT) == [TEXT]
    longer = ", ".join([TEXT] * 5)
    windows = clip.windows(longer)
    assert " ".join(windows) == longer and len(windows) == 2 and all(clip.tokens(w) <= 75 for w in windows)
    parts = clip.windows("ab" * 2000)
    assert "".join(parts) == "ab" * 2000 and all(clip.tokens(w) <= 75 for w in parts)


def test_scores_are_cosines_of_the_models_features(clip):
    pairs = [(0, 0), (1, 0), (2, 1), (0, 2)]
    texts = [TEXT, "a blue square", ", ".join([TEXT] * 5)]
    scores = clip.pairs(CROPS, texts, pairs)
    model, processor = clip._clip._model, clip._clip._processor

    def expected(crop, text):
        with torch.no_grad():
            inputs = processor(text=[text], images=[CROPS[crop]()], return_tensors="pt")
            logits = model(**inputs).logits_per_image
        return (logits / model.logit_scale.exp()).item()

    for (crop, text), score in zip(pairs[:3], scores, strict=False):
        assert score == pytest.approx(expected(crop, texts[text]), abs=1e-5) and abs(score) <= 1
    parts = [expected(0, window) for window in clip.windows(texts[2])]
    assert scores[3] == pytest.approx(sum(parts) / 2, abs=1e-5)


def test_a_score_does_not_depend_on_what_is_scored_beside_it(clip):
    alone = clip.pairs(CROPS[2:], ["a blue square"], [(0, 0)])
    assert clip.pairs(CROPS, [TEXT, "a blue square"], [(0, 0), (2, 1)])[1] == pytest.approx(alone[0], abs=1e-6)


def test_a_folder_that_is_no_clip_is_refused(tmp_path, folder):
    with pytest.raises(DeigError, match=r"holds no config\.json"):
        ClipScore(tmp_path)
    assert ClipScore(folder, device="cpu").fingerprint() == ClipScore(folder, device="cpu").fingerprint()


def test_the_oracle_scores_what_it_sees():
    from research.captions.views import crop
    from research.demo.render import render
    from research.demo.world import draw_scene

    scene = draw_scene(31_500_000, 3)
    picture = Image.fromarray((render(scene) * 255).round().astype("uint8"))
    score = OracleScore()
    boxes = [(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in (p.box for p in scene.things)]
    crops = [partial(crop, picture, box, score.context) for box in boxes]
    texts = [p.thing.describe() for p in scene.things]
    scores = score.pairs(crops, texts, [(c, t) for c in range(3) for t in range(3)])
    assert all((scores[3 * c + t] > 0.5) == (c == t) for c in range(3) for t in range(3))
