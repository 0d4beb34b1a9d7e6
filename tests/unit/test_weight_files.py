"""Files that are not what their name says: each is one sentence that says what it is, at once, and nothing runs."""

import json
import pickle
import zipfile

import pytest
import torch
from at_once import at_once
from safetensors.torch import save_file

from deig_core.checkpoint import read_published, read_tensors
from deig_core.checkpoint.__main__ import main as convert
from deig_core.errors import WeightsError
from deig_core.text.encoder import load_text_encoder
from deig_core.text.quantised import dequantised

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4600000000\n"
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LFS, "Git LFS pointer"),
        (HTML, "web page"),
        (b'{"model_type": "t5"}', "JSON text"),
        (b"Access to model is restricted.\nPlease log in.", "begins with 'Access to model is restricted."),
        (b"", "empty"),
        (b"\x80", "1 bytes"),
        (b"\x80\x02}q\x01U\x05abc", "no readable"),
        (b"PK\x03\x04 nothing follows here at all", "no readable"),
        (b"\x80\x02c__builtin__\nlist\n(K\x01" + b"R" * 40, "model"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_what_it_is_instead(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with at_once(), pytest.raises(WeightsError) as error:
        read_published(path)
    text = str(error.value)
    assert text.startswith((name, "model")) and "\n" not in text and len(text) < 300
    assert said in text


def test_folders_and_dangling_links(tmp_path):
    (tmp_path / "model.pth").mkdir()
    (tmp_path / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match="is a folder"):
        read_tensors(tmp_path / "model.pth")
    with pytest.raises(WeightsError, match="cannot be opened"):
        read_tensors(tmp_path / "gone.safetensors")


@pytest.fixture
def saved(tmp_path):
    weights = {f"w{i}": torch.randn(64, 64, generator=torch.Generator().manual_seed(i)) for i in range(4)}
    torch.save(weights, tmp_path / "model.pth")
    return weights, tmp_path / "model.pth"


def test_a_file_that_was_zipped_again_is_read_rightly(saved, tmp_path):
    weights, path = saved
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "again.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for record in old.infolist():
            new.writestr(record.filename, old.read(record))
    found, _ = read_tensors(tmp_path / "again.pth")
    assert all(torch.equal(found[k], v) for k, v in weights.items())


def test_a_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10_000_000)
    with pytest.raises(WeightsError, match="hundred times"):
        read_tensors(tmp_path / "bomb.pth")


@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_anywhere(saved, tmp_path, legacy):
    weights, path = saved
    if legacy:
        torch.save(weights, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    for part in (0.02, 0.3, 0.6, 0.9, 0.999):
        path.write_bytes(data[: int(part * len(data))])
        with pytest.raises(WeightsError, match="download it again"):
            read_tensors(path)


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (torch.ones(3, 3).to_sparse(), "sparse"),
        (torch.ones(3, 3, device="meta"), "without data"),
        (torch.ones(3, 3, dtype=torch.int64), "int64"),
        (torch.ones(3, 3, dtype=torch.bool), "bool"),
    ],
    ids=["sparse", "meta", "int", "bool"],
)
def test_weights_that_are_no_floats_are_named(tmp_path, weight, said):
    torch.save({"model": {"IDE.connector.latents": weight}}, tmp_path / "model.pth")
    with pytest.raises(WeightsError, match=rf"IDE.connector.latents is .*{said}"):
        read_published(tmp_path / "model.pth")


def test_more_weights_than_any_file_has(tmp_path):
    save_file({f"IDE.{i}": torch.zeros(1) for i in range(9000)}, tmp_path / "many.safetensors")
    with pytest.raises(WeightsError, match="9000 weights"):
        read_published(tmp_path / "many.safetensors")
    digits = f"input_blocks.{'9' * 5000}.1.transformer_blocks.0.fuser.linear.weight"
    torch.save({"model": {digits: torch.zeros(1, 1), "IDE.x": torch.zeros(1)}}, tmp_path / "model.pth")
    read_published(tmp_path / "model.pth")  # a key like any other that does not belong


def test_convert_never_overwrites_what_it_reads(saved, tmp_path, capsys):
    _, path = saved
    before = path.read_bytes()
    (tmp_path / "same.safetensors").symlink_to(path)
    for arguments in (
        [str(path), str(path)],
        [str(path), str(tmp_path / "same.safetensors")],
        [str(path), str(tmp_path / "a.safetensors"), "--base", str(tmp_path / "a.safetensors")],
        [str(path), str(tmp_path / "a.zip")],
    ):
        assert convert(["convert", *arguments]) == 1
        assert capsys.readouterr().err.startswith("convert: ")
    assert path.read_bytes() == before and not (tmp_path / "a.safetensors").exists()


def test_scales_of_8_bit_weights_are_applied():
    weight = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    scale = weight.abs().max() / 400
    small = (weight / scale).to(torch.float8_e4m3fn)
    rows = weight.abs().amax(1, keepdim=True) / 400
    for keys in (
        {"a.weight": small, "a.scale_weight": scale, "scaled_fp8": torch.zeros(2), "a.scale_input": torch.ones(1)},
        {"a.weight": small, "a.weight_scale": scale[None], "a.comfy_quant": note("float8_e4m3fn")},
        {"a.weight": (weight / rows).to(torch.float8_e4m3fn), "a.weight_scale": rows},
    ):
        found = dequantised(keys, "t5")
        assert list(found) == ["a.weight"] and (found["a.weight"] - weight).abs().max() < 0.1


def note(kind):
    return torch.tensor(list(json.dumps({"format": kind}).encode()), dtype=torch.uint8)


@pytest.mark.parametrize(
    "keys",
    [
        {"a.weight": torch.zeros(4, 4), "a.weight_scale": torch.zeros(3)},
        {"a.weight_scale": torch.zeros(1)},
        {"a.weight": torch.zeros(4, 4), "a.weight_scale_inv": torch.zeros(1, 1)},
        {"a.weight": torch.zeros(4, 4), "a.SCB": torch.zeros(4)},
        {"a.weight": torch.zeros(4, 4), "a.weight.quant_state.bitsandbytes__nf4": torch.zeros(4)},
        {"a.qweight": torch.zeros(4, 4), "a.qzeros": torch.zeros(4)},
        {"a.weight": torch.zeros(4, 4), "a.comfy_quant": note("nvfp4")},
    ],
    ids=lambda keys: list(keys)[-1],
)
def test_other_quantisations_are_refused_by_name(keys):
    with pytest.raises(WeightsError, match=r"^t5.*(is not read|does not fit)"):
        dequantised(keys, "t5")


@pytest.fixture
def folder(tmp_path):
    """A tiny T5 encoder as a Hugging Face folder without its tokenizer."""
    transformers = pytest.importorskip("transformers")
    config = transformers.T5Config(
        vocab_size=100, d_model=16, d_kv=4, d_ff=16, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    torch.manual_seed(0)
    transformers.T5EncoderModel(config).save_pretrained(tmp_path / "t5")
    return tmp_path / "t5"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", LFS, "Git LFS pointer"),
        ("config.json", HTML, "web page"),
        ("config.json", b"{", "is damaged"),
        ("config.json", b"[1]", "holds list"),
        ("config.json", b"[" * 100_000, "is damaged"),
        ("config.json", b'{"layer_norm_epsilon": NaN}', "layer_norm_epsilon"),
        ("config.json", b'{"num_layers": 1000000000}', "num_layers"),
        ("config.json", b'{"relative_attention_max_distance": "far"}', "max_distance"),
        ("tokenizer.json", LFS, "Git LFS pointer"),
        ("tokenizer.json", b"{}", "tokenizer in t5 cannot be read"),
        ("model.safetensors.index.json", HTML, "web page"),
        ("model.safetensors.index.json", b"{}", "weight_map"),
        ("model.safetensors", LFS, "Git LFS pointer"),
    ],
    ids=str,
)
def test_a_text_encoders_folder(folder, name, content, said):
    (folder / name).write_bytes(content)
    with pytest.raises(WeightsError, match=said) as error:
        load_text_encoder(folder)
    assert "\n" not in str(error.value)


def test_a_text_encoder_under_other_names(folder, tmp_path):
    plain, _ = read_tensors(folder / "model.safetensors")
    other = {f"text_encoders.t5.transformer.{k}": v.clone() for k, v in plain.items()}
    save_file(other, tmp_path / "packed.safetensors")
    with pytest.raises(WeightsError, match="comes without a tokenizer"):  # and all else was right
        load_text_encoder(tmp_path / "packed.safetensors")
    save_file({k: v.clone() for k, v in plain.items() if "block.1" in k}, tmp_path / "t5-00002-of-00002.safetensors")
    with pytest.raises(WeightsError, match="one shard of several"):
        load_text_encoder(tmp_path / "t5-00002-of-00002.safetensors")


def test_nothing_in_a_pickle_runs(tmp_path):
    class Runs:
        def __reduce__(self):
            return (print, ("ran",))

    (tmp_path / "model.pth").write_bytes(pickle.dumps({"model": Runs()}))
    with pytest.raises(WeightsError):
        read_published(tmp_path / "model.pth")
