"""The models that look at pictures: the real classes at a tiny size."""

import numpy as np
import pytest
import tiny_clips
import tiny_models
import torch
from hand import LEFT, RIGHT
from PIL import Image

from research.engines.contract import Answer, EngineError
from research.evaluation.layout import Instance, Layout
from research.evaluation.procedures.instdiff import LABEL_PROMPT, LABELS
from research.evaluation.witness import NOT_FINITE, Failure, Sight
from research.evaluation.witnesses.detector import FLOOR, Detector
from research.evaluation.witnesses.judge import Judge
from research.evaluation.witnesses.labeller import Labeller
from research.evaluation.witnesses.segmenter import Segmenter

RED_LEFT = Image.new("RGB", (96, 64), (30, 30, 200))
RED_LEFT.paste((200, 30, 30), (0, 0, 48, 64))
NOISE = Image.effect_noise((96, 64), 90).convert("RGB")


def layout(*instances, id="a"):
    made = (Instance(box, f"red {noun}", noun, {"attribute": "colour", "label": "red"}) for box, noun in instances)
    return Layout(id, "instdiff", "x", tuple(made), 96, 64)


CUPS = layout((LEFT, "cup"), (RIGHT, "cup"), (LEFT, "teddy bear"))


def sights(of=CUPS, picture=RED_LEFT):
    return [Sight(of, i, lambda: picture) for i in range(len(of.instances))]


@pytest.fixture(scope="module")
def detector(dino_folder):
    return Detector(dino_folder, device="cpu")


@pytest.fixture(scope="module")
def segmenter(sam_folder):
    return Segmenter(sam_folder, device="cpu")


@pytest.fixture(scope="module")
def labeller(clip_folder):
    return Labeller(clip_folder, device="cpu")


@pytest.fixture(scope="module")
def open_labeller(tmp_path_factory):
    """By the library and with the vocabulary of the published numbers."""
    pytest.importorskip("open_clip", reason="open_clip_torch (extra `evaluation`) is not installed")
    return Labeller(tiny_clips.open_clip_clip(tmp_path_factory.mktemp("open_clip")), device="cpu")


def test_detections_are_those_of_transformers_own_postprocessing(detector):
    cups, _, bears = detector.look(sights())
    for noun, word in (("cup", cups), ("teddy bear", bears)):
        inputs = detector._processor(images=RED_LEFT, text=f"{noun}.", return_tensors="pt")
        with torch.no_grad():
            out = detector._model(**inputs)
        (expected,) = detector._processor.post_process_grounded_object_detection(
            out, inputs["input_ids"], threshold=FLOOR, text_threshold=FLOOR, target_sizes=[(1, 1)]
        )
        found = np.array(word["boxes"])
        assert len(found) > 0
        assert found[:, :4] == pytest.approx(expected["boxes"].numpy(), abs=2e-6)
        assert found[:, 4] == pytest.approx(expected["scores"].numpy(), abs=2e-6)
    assert cups != bears, "each noun is asked for by itself"


def test_a_noun_is_asked_for_once_a_picture(detector, monkeypatch):
    asked = []
    forward = detector._detect
    monkeypatch.setattr(detector, "_detect", lambda picture, noun: asked.append(noun) or forward(picture, noun))
    first, second, _ = detector.look(sights())
    assert asked == ["cup", "teddy bear"]
    assert first is second


def test_the_mask_is_the_best_of_three_for_the_given_box(segmenter):
    left, right, _ = segmenter.look(sights())
    for word, box in ((left, (0, 0, 48, 64)), (right, (48, 0, 96, 64))):
        inputs = segmenter._processor(RED_LEFT, input_boxes=[[[*map(float, box)]]], return_tensors="pt")
        with torch.no_grad():
            out = segmenter._model(
                pixel_values=inputs["pixel_values"], input_boxes=inputs["input_boxes"].float(), multimask_output=True
            )
        (masks,) = segmenter._processor.image_processor.post_process_masks(
            out.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"]
        )
        mask = masks[0, out.iou_scores[0, 0].argmax()].numpy()
        assert mask.shape == (64, 96)
        assert word["pixels"] == mask.sum() > 0
        pixels = np.asarray(RED_LEFT)[mask]
        assert word["shares"]["red"] == pytest.approx((pixels[:, 0] > pixels[:, 2]).mean(), abs=1e-6)
    assert left != right


def test_an_instances_word_does_not_depend_on_the_others(detector, segmenter, labeller):
    for witness in (detector, segmenter, labeller):
        every = witness.look(sights())
        assert witness.look(sights()[1:2]) == every[1:2], witness.kind
        assert witness.look(sights()[::-1]) == every[::-1], witness.kind


@pytest.mark.parametrize("name", ["labeller", "open_labeller"])
def test_cosines_are_of_the_crop(name, request):
    labeller = request.getfixturevalue(name)
    word = labeller.look(sights())[0]
    red = Image.new("RGB", (48, 64), (200, 30, 30))
    picture, texts = labeller._clip.pictures([red])[0], [LABEL_PROMPT.format(c) for c in LABELS["colour"]]
    expected = labeller._clip.texts(texts) @ picture
    assert list(word["labels"].values()) == pytest.approx(expected.tolist(), abs=1e-6)
    assert word["phrase"] == pytest.approx(float(labeller._clip.texts(["red cup"])[0] @ picture), abs=1e-6)


def test_a_phrase_too_long_for_clip_and_one_without_attribute_are_failures(labeller):
    long = Layout("a", "instdiff", "x", (Instance(LEFT, "red " * 40, "cup", {"attribute": "colour"}),), 96, 64)
    none = Layout("a", "instdiff", "x", (Instance(LEFT, "red cup", "cup"),), 96, 64)
    (too_long,), (no_label,) = labeller.look(sights(long)), labeller.look(sights(none))
    assert "and CLIP reads 77" in too_long.error
    assert "has no attribute of colour, texture" in no_label.error


@pytest.mark.parametrize("name", ["detector", "segmenter", "labeller"])
def test_numbers_that_are_none_are_a_failure(name, request, monkeypatch):
    witness = request.getfixturevalue(name)
    inner = witness._clip if name == "labeller" else witness
    weights = next(p for p in inner._model.parameters() if p.ndim > 1)
    before = weights.detach().clone()
    with torch.no_grad():
        weights.fill_(float("nan"))
    try:
        assert witness.look(sights()[:1]) == [NOT_FINITE]
    finally:
        with torch.no_grad():
            weights.copy_(before)


class Asked:
    """An engine that remembers what it was asked."""

    shards_at_once = 1

    def __init__(self, *answers):
        self.answers, self.questions = answers, []

    def ask(self, questions):
        self.questions += questions
        return list(self.answers)

    def fingerprint(self):
        return {"engine": "asked"}


def test_the_judge_sees_the_crop_and_is_asked_in_the_scripts_words():
    engine = Asked(Answer("yes", 0.9), Answer(error="the server answered 413"), Answer("no", None, cut=True))
    judge = Judge(engine, "qwen")
    words = judge.look(sights())
    assert words == [
        {"text": "yes", "p_yes": 0.9},
        Failure("the server answered 413"),
        {"text": "no", "p_yes": None, "cut": True},
    ]
    question = engine.questions[0]
    (crop,) = question.images()
    assert crop.size == (48, 64) and crop.getcolors() == [(48 * 64, (200, 30, 30))]
    assert question.text == (
        "Does this image meet the description 'red cup'? If so, please answer a single 'yes'; if not, please answer a "
        "single 'no'"
    )
    assert (question.temperature, question.yes_no) == (0, True)
    assert judge.fingerprint().keys() >= {"engine", "question", "temperature"}


@pytest.mark.parametrize("kind", [Detector, Segmenter, Labeller])
def test_a_folder_without_a_model_is_refused_in_a_sentence(kind, tmp_path):
    with pytest.raises(EngineError, match=r"holds no config.json: the folder of a Hugging Face model was expected\."):
        kind(tmp_path)


def test_a_folder_without_processor_or_of_another_model(tmp_path):
    folder = tiny_models.sam(tmp_path / "sam")
    with pytest.raises(EngineError, match="Grounding DINO of transformers"):
        Detector(folder, device="cpu")
    for file in folder.glob("*processor*"):
        file.unlink()
    with pytest.raises(EngineError, match="processor"):
        Segmenter(folder, device="cpu")
