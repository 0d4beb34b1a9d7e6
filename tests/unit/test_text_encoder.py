"""The text encoder is T5 as DEIG was trained with it, however its files are laid out."""

import json
import os
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from deig_core.errors import WeightsError
from deig_core.text.encoder import MAX_TOKENS, load_text_encoder
from deig_core.text.tokenizer import tokenizer_folder

transformers = pytest.importorskip("transformers")
TOKENIZER = (
    Path(os.environ.get("DEIG_COMFYUI", Path(__file__).parents[2] / ".dev" / "comfyui"))
    / "comfy"
    / "text_encoders"
    / "t5_tokenizer"
)
pytestmark = pytest.mark.skipif(not TOKENIZER.is_dir(), reason=f"no ComfyUI with a T5 tokenizer at {TOKENIZER}")
TEXTS = ["a woman in a red hoodie with white stripes and round glasses", "", "a yellow raincoat"]


@pytest.fixture(scope="module")
def whole():
    """A whole T5 (encoder, decoder, head) of the Flan kind, tiny."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=32128,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=3,
        num_heads=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )
    return transformers.T5ForConditionalGeneration(config).eval()


@pytest.fixture(scope="module")
def expected(whole):
    tokenizer = transformers.T5TokenizerFast.from_pretrained(str(TOKENIZER))
    tokens = tokenizer(TEXTS, padding="max_length", max_length=128, truncation=True, return_tensors="pt")
    with torch.no_grad():
        return whole.encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state


def one_file(whole, folder, encoder_only):
    keep = {
        k: v.contiguous().clone()
        for k, v in whole.state_dict().items()
        if not encoder_only or k.startswith(("encoder.", "shared."))
    }
    save_file(keep, folder / "t5.safetensors")
    return folder / "t5.safetensors"


def hf_folder(whole, folder, **options):
    whole.save_pretrained(folder, **options)
    transformers.T5TokenizerFast.from_pretrained(str(TOKENIZER)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda w, p: one_file(w, p, True), id="encoder-only"),
        pytest.param(lambda w, p: one_file(w, p, False), id="whole-t5"),
        pytest.param(hf_folder, id="folder"),
        pytest.param(lambda w, p: hf_folder(w, p, max_shard_size="2MB"), id="sharded-folder"),
    ],
)
def test_every_layout_gives_the_same_features(whole, expected, tmp_path, make):
    encoder = load_text_encoder(make(whole, tmp_path), fallback_tokenizer=TOKENIZER)
    found = torch.stack([f.tensor for f in encoder.encode(TEXTS)])
    assert found.shape == (3, MAX_TOKENS, 32)
    assert (found - expected).abs().max() < 1e-5


def test_a_file_takes_the_tokenizer_beside_it_where_there_is_no_other(whole, expected, tmp_path):
    path = one_file(whole, tmp_path, True)
    with pytest.raises(
        WeightsError, match=r"t5\.safetensors comes without a tokenizer: put tokenizer\.json of Flan-T5-XL beside it"
    ):
        load_text_encoder(path)
    transformers.T5TokenizerFast.from_pretrained(str(TOKENIZER)).save_pretrained(tmp_path)
    assert (load_text_encoder(path).encode(TEXTS[:1])[0].tensor - expected[0]).abs().max() < 1e-5


DEMO = Path(__file__).parents[2] / "deig_core" / "demo" / "weights" / "t5" / "tokenizer.json"


@pytest.mark.parametrize(
    ("beside", "own"),
    [
        pytest.param({"tokenizer.json": DEMO.read_text(encoding="utf-8")}, True, id="alone"),
        pytest.param(
            {"tokenizer.json": DEMO.read_text(encoding="utf-8"), "clip_l.safetensors": ""}, False, id="among others"
        ),
        pytest.param({"tokenizer.json": '{"model": {"vocab": {"<|startoftext|>": 0}}}'}, False, id="CLIP's"),
        pytest.param({}, False, id="none"),
    ],
)
def test_one_file_in_a_folder_of_its_own_keeps_the_tokenizer_beside_it(whole, tmp_path, beside, own):
    """Wherever the host has a tokenizer to fall back to."""
    path = one_file(whole, tmp_path, True)
    for name, text in beside.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert tokenizer_folder(path, TOKENIZER) == (tmp_path if own else TOKENIZER)
    tokens = load_text_encoder(path, fallback_tokenizer=TOKENIZER).look("a raincoat")
    assert tokens.count == (11 if own else 5), "the demo's vocabulary spells raincoats letter by letter"


def test_a_damaged_tokenizer_beside_one_file_is_named(whole, tmp_path):
    path = one_file(whole, tmp_path, True)
    (tmp_path / "tokenizer.json").write_text("<html>", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        load_text_encoder(path, fallback_tokenizer=TOKENIZER)


def test_sharding_really_shards(whole, tmp_path):
    assert len(list(hf_folder(whole, tmp_path, max_shard_size="2MB").glob("*.safetensors"))) > 1


def test_float16_keeps_feed_forward_outputs_in_float32(whole, expected, tmp_path):
    encoder = load_text_encoder(one_file(whole, tmp_path, True), dtype=torch.float16, fallback_tokenizer=TOKENIZER)
    weights = encoder.model.state_dict()
    assert {v.dtype for k, v in weights.items() if k.endswith("wo.weight")} == {torch.float32}
    assert {v.dtype for k, v in weights.items() if not k.endswith("wo.weight")} == {torch.float16}
    assert (encoder.encode(TEXTS)[0].tensor.float() - expected[0]).abs().max() < 0.05


def test_changing_one_description_encodes_one(whole, tmp_path):
    encoder = load_text_encoder(one_file(whole, tmp_path, True), fallback_tokenizer=TOKENIZER)
    rows = []
    encoder.model.register_forward_pre_hook(
        lambda _, __, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    first = encoder.encode(TEXTS)
    again = encoder.encode([TEXTS[0], "a blue raincoat", TEXTS[1]])
    assert rows == [3, 1]
    assert again[0].key == first[0].key and torch.equal(again[2].tensor, first[1].tensor)


def test_features_survive_a_cache_smaller_than_one_call(whole, tmp_path):
    encoder = load_text_encoder(one_file(whole, tmp_path, True), fallback_tokenizer=TOKENIZER)
    encoder.encode(TEXTS[:1])
    encoder._features.max_bytes = encoder._features.size  # new texts push the remembered one out
    assert [f.tensor.shape for f in encoder.encode(TEXTS)] == [(MAX_TOKENS, 32)] * 3


def test_a_long_text_says_where_it_is_cut(whole, tmp_path):
    encoder = load_text_encoder(one_file(whole, tmp_path, True), fallback_tokenizer=TOKENIZER)
    words = [f"word{i}" for i in range(100)]
    text = " ".join(words)
    tokens = encoder.look(text)
    assert tokens.count == len(encoder.tokenizer(text, truncation=False).input_ids) > MAX_TOKENS
    ids = encoder.tokenizer(text[: tokens.kept]).input_ids
    assert MAX_TOKENS - 8 < len(ids) <= MAX_TOKENS and ids[-1] == 1


@pytest.mark.parametrize(
    ("text", "unknown", "nothing"),
    [
        *(
            ("a red hoodie", 0, False),
            ("", 0, False),
            ("niño", 1, False),
            ("红色的星星", 1, True),
            ("赤い 服", 2, True),
        ),
        *(("a 红色 hoodie", 1, False), ("نجمة", 1, True), ("🙂", 1, True), ("Привет мир", 1, False)),
    ],
)
def test_unknown_tokens_are_counted(whole, tmp_path, text, unknown, nothing):
    encoder = load_text_encoder(one_file(whole, tmp_path, True), fallback_tokenizer=TOKENIZER)
    tokens = encoder.look(text)
    assert (tokens.unknown > 0, tokens.nothing) == (unknown > 0, nothing)
    assert all(piece in text for piece in tokens.lost)


def test_other_files_are_refused_in_a_sentence(tmp_path):
    save_file({"model.diffusion_model.x": torch.zeros(1)}, tmp_path / "sd.safetensors")
    with pytest.raises(WeightsError, match=r"sd\.safetensors is no T5 text encoder"):
        load_text_encoder(tmp_path / "sd.safetensors", fallback_tokenizer=TOKENIZER)
    packed = {"encoder.block.0.layer.0.SelfAttention.q.qweight": torch.zeros(2, 2, dtype=torch.int32)}
    save_file({**packed, "shared.weight": torch.zeros(2, 2)}, tmp_path / "gptq.safetensors")
    with pytest.raises(WeightsError, match="quantised in a way"):
        load_text_encoder(tmp_path / "gptq.safetensors", fallback_tokenizer=TOKENIZER)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="holds no weights"):
        load_text_encoder(tmp_path / "empty")


def test_a_shard_index_cannot_point_outside_its_folder(whole, tmp_path):
    secret = tmp_path / "secret.safetensors"
    save_file({"shared.weight": torch.zeros(2, 2)}, secret)
    folder = tmp_path / "t5"
    folder.mkdir()
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"shared.weight": "../secret.safetensors"}})
    )
    with pytest.raises(WeightsError, match="secret"):
        load_text_encoder(folder)


@pytest.mark.parametrize("bad", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_refused_by_name(whole, tmp_path, bad):
    path = one_file(whole, tmp_path, True)
    weights = load_file(path)
    key = "encoder.block.1.layer.0.SelfAttention.v.weight"
    weights[key][3, 5] = bad
    save_file(weights, path)
    with pytest.raises(WeightsError, match=rf"t5\.safetensors are damaged: {re.escape(key)} holds NaN"):
        load_text_encoder(path, fallback_tokenizer=TOKENIZER)
