"""Models in this process: the real classes at a tiny size, and the demo world's oracle."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

pytest.importorskip("scipy", reason="scipy is not installed (extra `train`)")
import tiny_vlm

from research.demo.render import render
from research.demo.world import Thing, draw_scene, every_thing
from research.engines.contract import Answer, EngineError, Question
from research.engines.oracle import Oracle, thing_in
from research.engines.transformers import Transformers
from research.engines.vllm import Vllm

RED, BLUE = Image.new("RGB", (80, 60), (200, 30, 30)), Image.new("RGB", (60, 90), (30, 30, 200))


@pytest.fixture(scope="module", params=["qwen", "intern"])
def folder(request, tmp_path_factory):
    return getattr(tiny_vlm, request.param)(tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def engine(folder):
    return Transformers(folder, device="cpu")


def test_an_answer_depends_on_its_question_alone(engine):
    questions = [
        Question([RED], "What is this?", most_tokens=8),
        Question([BLUE], "What is this?", most_tokens=8),
        Question([RED, BLUE], "And this?", most_tokens=8, temperature=0.7, seed=3),
        Question([RED, BLUE], "And this?", most_tokens=8, temperature=0.7, seed=4),
    ]
    answers = engine.ask(questions)
    assert engine.ask(questions[::-1]) == answers[::-1]
    assert not any(a.error for a in answers) and len({a.text for a in answers}) >= 3
    assert answers[2] != answers[3]


def test_a_picture_of_an_extreme_shape_is_its_own_questions_error(tmp_path):
    engine = Transformers(tiny_vlm.qwen(tmp_path / "model"), device="cpu")
    line = Image.new("RGB", (402, 2), (9, 9, 9))
    refused, answer = engine.ask([Question([line], "?", most_tokens=2), Question([RED], "?", most_tokens=2)])
    assert "aspect ratio" in refused.error and "\n" not in refused.error and not answer.error


def test_p_yes_is_that_of_the_models_own_logits(engine):
    words = engine._processor.tokenizer.convert_tokens_to_ids(tiny_vlm.ANSWERS)
    head, found = engine._model.get_output_embeddings().weight, []
    for i in range(20):
        with torch.no_grad():
            head[words] *= -1  # likely to one hidden state is unlikely to another
        question = Question([RED], f"Is it {i // 2}?", most_tokens=2, yes_no=True)
        content = [{"type": "image", "image": RED}, {"type": "text", "text": question.text}]
        inputs = engine._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        )
        with torch.no_grad():
            logits = engine._model(**inputs).logits[0, -1]
        (answer,) = engine.ask([question])
        seen = set(words) & set(logits.topk(20).indices.tolist())
        assert (answer.p_yes is None) == (not seen)
        if len(seen) == 2:
            yes, no = logits[words].double()
            assert answer.p_yes == pytest.approx(torch.sigmoid(yes - no).item(), abs=1e-4)
            found.append(answer.p_yes)
    assert len(found) >= 2


def test_what_stops_early_is_cut_and_what_ends_is_not(engine, monkeypatch):
    assert engine.ask([Question([RED], "What?", most_tokens=3)])[0].cut
    end = engine._processor.tokenizer.eos_token_id

    def generate(input_ids, **_):
        words = engine._processor.tokenizer("a dog").input_ids
        return SimpleNamespace(sequences=torch.tensor([[*input_ids[0].tolist(), *words, end]]))

    monkeypatch.setattr(engine._model, "generate", generate)
    assert engine.ask([Question([RED], "What?", most_tokens=6)]) == [Answer("a dog")]


def test_a_model_that_gives_nothing_finite_says_so(engine, monkeypatch):
    def generate(input_ids, **_):
        return SimpleNamespace(
            sequences=torch.cat([input_ids, input_ids[:, :1]], 1), logits=[torch.full((1, 9), torch.nan)]
        )

    monkeypatch.setattr(engine._model, "generate", generate)
    assert engine.ask([Question([RED], "?", yes_no=True)]) == [Answer(error="The model's logits are not finite.")]


def test_memory_that_does_not_suffice_is_said(engine, monkeypatch):
    def generate(**_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(engine._model, "generate", generate)
    with pytest.raises(EngineError, match="no memory left for one question: fewer than 589824 pixels"):
        engine.ask([Question([RED], "?")])


def test_another_file_is_another_fingerprint(engine, folder):
    before = engine.fingerprint()
    assert before["engine"] == "transformers" and before["dtype"] == "float32"
    config = folder / "generation_config.json"
    old = config.read_text()
    config.write_text(json.dumps(json.loads(old) | {"top_k": 3}))
    try:
        assert engine.fingerprint()["model"] != before["model"]
    finally:
        config.write_text(old)


@pytest.mark.parametrize("missing", ["chat_template.jinja", "model.safetensors", "preprocessor_config.json"])
def test_a_folder_that_lacks_something_is_refused_in_a_sentence(tmp_path, missing):
    folder = tiny_vlm.qwen(tmp_path / "model")
    files = [folder / missing] if (folder / missing).exists() else [folder / "processor_config.json"]
    for file in files:
        file.unlink()
    with pytest.raises(EngineError, match=r"model (holds no|is no model)") as error:
        Transformers(folder, device="cpu")
    assert "\n" not in str(error.value)


def test_a_processor_without_its_torchvision_says_what_to_install(tmp_path, monkeypatch):
    from transformers import AutoProcessor

    def broken(*_, **__):
        raise AttributeError("VIDEO_PROCESSOR_MAPPING has no attribute _extra_content")

    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(AutoProcessor, "from_pretrained", broken)
    with pytest.raises(EngineError, match=r"needs a torchvision that fits torch \d"):
        Transformers(tmp_path)


def test_what_vllm_is_asked_and_how_its_answers_are_read(monkeypatch, tmp_path):
    """Against vLLM's names alone: the package needs a GPU, or a build of its own for CPUs."""
    asked = []

    class LLM:
        llm_engine = SimpleNamespace(model_config=SimpleNamespace(dtype="torch.bfloat16"))

        def __init__(self, path, **options):
            asked.append((path, options))

        def chat(self, chats, how, use_tqdm):
            asked.extend(zip(chats, how, strict=True))
            first = {
                1: SimpleNamespace(decoded_token="Yes", logprob=-0.1),
                2: SimpleNamespace(decoded_token="No", logprob=-2.0),
            }
            output = SimpleNamespace(text="Yes\n", finish_reason="length", logprobs=[first])
            return [SimpleNamespace(outputs=[output])] * len(chats)

    def broken():
        raise OSError("truncated")

    fake = SimpleNamespace(LLM=LLM, SamplingParams=lambda **k: k, __version__="0")
    monkeypatch.setitem(sys.modules, "vllm", fake)
    (tmp_path / "config.json").write_text("{}")
    engine = Vllm(tmp_path, more={"max_model_len": 2048})
    line = Image.new("RGB", (402, 2))
    asking = [Question([broken], "?"), Question([RED], "?", seed=5, most_tokens=3, yes_no=True), Question([line], "?")]
    answers = engine.ask(asking)
    assert answers[2] == Answer(error="The picture's sides are more than 200 to 1: 402 x 2.")
    assert answers[0] == Answer(error="The picture cannot be read: truncated.")
    assert answers[1].text == "Yes" and answers[1].cut and 0.8 < answers[1].p_yes < 0.9
    (path, options), (chat, how) = asked
    assert path == str(tmp_path) and options["max_model_len"] == 2048 and options["limit_mm_per_prompt"] == {"image": 2}
    assert how == {"temperature": 0.0, "max_tokens": 3, "seed": 5, "logprobs": 20}
    assert [c["type"] for c in chat[0]["content"]] == ["image_url", "text"]
    engine = Vllm(tmp_path, more={"pixels": 1, "engine": "another", "dtype": "half"})
    found = engine.fingerprint()
    assert (found["engine"], found["pixels"], found["dtype"]) == ("vllm", 768 * 768, "bfloat16")
    assert '"engine": "another"' in found["options"] and "torch " in found["version"]


def test_what_vllm_raises_is_a_sentence(monkeypatch, tmp_path):
    class LLM:
        llm_engine = SimpleNamespace(model_config=SimpleNamespace(dtype="torch.bfloat16"))

        def __init__(self, path, **options):
            if options.get("dtype"):
                raise ValueError("torch.half is not supported\nfor this model")

        def chat(self, *_, **__):
            raise RuntimeError("Engine core died")

    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(LLM=LLM, SamplingParams=lambda **k: k, __version__="0"))
    with pytest.raises(EngineError, match=r"holds no config\.json"):
        Vllm(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EngineError, match=r"^vLLM cannot load .*: torch.half is not supported \(its own lines"):
        Vllm(tmp_path, more={"dtype": "half"})
    with pytest.raises(EngineError, match=r"^vLLM does not answer: Engine core died"):
        Vllm(tmp_path).ask([Question([RED], "?")])


def crops(seeds, margin=0.2):
    for seed in seeds:
        scene = draw_scene(seed)
        picture = Image.fromarray((render(scene) * 255).round().astype("uint8"))
        for placed in scene.things:
            x0, y0, x1, y1 = placed.box
            more_x, more_y = margin * (x1 - x0), margin * (y1 - y0)
            box = max(0, x0 - more_x), max(0, y0 - more_y), min(128, x1 + more_x), min(128, y1 + more_y)
            yield placed.thing, picture.crop(tuple(map(round, box)))


def test_the_oracle_tells_things_apart():
    engine, seen = Oracle(), list(crops(range(31_000_000, 31_000_030)))
    described = engine.ask([Question([crop], "Describe it.") for _, crop in seen])
    right = [a.text == thing.describe() for a, (thing, _) in zip(described, seen, strict=True)]
    assert sum(right) >= 0.97 * len(right)
    whether = engine.ask([Question([crop], f"Is this {thing.describe()}?", yes_no=True) for thing, crop in seen])
    assert sum(a.text == "Yes" and a.p_yes >= 0.5 for a in whether) >= 0.97 * len(whether)
    others = [Thing(t.shape, "red" if t.colour != "red" else "cyan", t.pattern, t.second, t.outline) for t, _ in seen]
    whether = engine.ask(
        [Question([crop], f"Is this {o.describe()}?", yes_no=True) for o, (_, crop) in zip(others, seen, strict=True)]
    )
    assert sum(a.text == "No" and a.p_yes < 0.5 for a in whether) >= 0.97 * len(whether)
    assert engine.ask([Question([seen[0][1]], "Is it blurred?", yes_no=True)]) == [Answer("No", 0.0)]


def test_the_oracle_reads_every_description_of_its_world():
    for thing in every_thing()[::7]:
        assert thing_in(f"Is this {thing.describe()}? Answer yes or no.") == thing
    assert thing_in("a dog with a red collar") is None
