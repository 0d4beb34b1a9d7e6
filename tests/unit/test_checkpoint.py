"""Weights files: nothing is executed, nothing is overlooked, nothing is left half written."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from small_adapter import SMALL

from deig_core.checkpoint import (
    PublishedCheckpoint,
    load_adapter,
    read,
    read_published,
    save_adapter,
    write_safetensors,
)
from deig_core.checkpoint import __main__ as cli
from deig_core.checkpoint.base_unet import sd1_unet_shapes
from deig_core.errors import WeightsError
from deig_core.model.adapter import DeigAdapter, is_deig_key, module_key, published_name
from deig_core.model.config import SD1_FUSERS, DeigConfig, infer_config

GOLDEN = Path(__file__).parents[1] / "golden"
REAL = {k: tuple(v) for k, v in json.loads((GOLDEN / "real_size_state_dict_shapes.json").read_text()).items()}


@pytest.fixture
def small():
    torch.manual_seed(0)
    adapter = DeigAdapter(SMALL)
    return {k: torch.randn_like(v) for k, v in adapter.published_state_dict().items()}


def published(path, deig, **extras):
    torch.save({"model": deig, "autoencoder": {}, "diffusion": {"betas": torch.zeros(3)}, **extras}, path)
    return path


def test_all_1095_keys_of_the_published_model_are_accounted_for():
    config = infer_config(REAL)
    assert config == DeigConfig(fusers=SD1_FUSERS)
    deig = {k: tuple(v.shape) for k, v in DeigAdapter(config, device="meta").published_state_dict().items()}
    assert {**deig, **sd1_unet_shapes()} == REAL
    assert len(deig) == 409 and set(deig) == {k for k in REAL if is_deig_key(k)}
    assert all(published_name(module_key(k)) == k for k in deig)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda w: w.pop("position_net.linears.2.bias"), "missing: position_net.linears.2.bias"),
        (lambda w: w.update({"IDE.extra": torch.zeros(1)}), "not expected: IDE.extra"),
        (
            lambda w: w.update({"middle_block.1.transformer_blocks.0.fuser.norm1.bias": torch.zeros(7)}),
            "norm1.bias is [7] where [32] was expected",
        ),
    ],
)
def test_keys_that_do_not_fit_are_named(small, tmp_path, spoil, named):
    spoil(small)
    with pytest.raises(WeightsError, match=named.replace("[", r"\[")):
        load_adapter(read_published(published(tmp_path / "model.pth", small)))


def test_plain_extras_load_and_weights_are_untouched(small, tmp_path):
    path = published(tmp_path / "model.pth", small, iters=800000, config={"lr": 1e-4, "names": ["a", None, True]})
    adapter = load_adapter(read_published(path))
    assert all(torch.equal(v, small[k]) for k, v in adapter.published_state_dict().items())


class Runs:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_runs_code_is_refused_and_nothing_ran(small, tmp_path, legacy):
    path, marker = tmp_path / "model.pth", tmp_path / "ran"
    torch.save({"model": small, "extra": Runs(marker)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(WeightsError, match=r"mkdir.*nothing in it was run"):
        read_published(path)
    assert not marker.exists()
    with pytest.raises(FileExistsError):  # the trap was armed: an ordinary unpickler springs it
        marker.mkdir()
        torch.load(path, weights_only=False)


def test_objects_that_are_no_plain_values_are_named(small, tmp_path):
    import argparse

    with pytest.raises(WeightsError, match=r"argparse\.Namespace"):
        read_published(published(tmp_path / "model.pth", small, args=argparse.Namespace(a=1)))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["lora_unet_down_blocks_0.lora_up.weight"], "is a LoRA"),
        (
            ["position_net.null_positive_feature", "input_blocks.1.1.transformer_blocks.0.fuser.linear.weight"],
            "is a GLIGEN file",
        ),
        (["model.diffusion_model.out.2.bias"], "is an ordinary checkpoint"),
        (["encoder.block.0.layer.0.SelfAttention.q.weight"], "is a T5 text encoder"),
        (["something.weight"], "holds no DEIG weights"),
    ],
)
def test_other_files_are_called_by_their_name(tmp_path, keys, said):
    path = tmp_path / "other.safetensors"
    write_safetensors(path, {k: torch.zeros(2) for k in keys}, torch.float32, {})
    with pytest.raises(WeightsError, match=said):
        read_published(path)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x80\x04K\x01."])
@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_damaged_files_are_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=name):
        read_published(tmp_path / name)


@pytest.mark.parametrize("dtype", ["fp16", "bf16", "fp32"])
def test_convert_keeps_every_weight(small, tmp_path, dtype, capsys):
    source, target = published(tmp_path / "model.pth", small), tmp_path / "out.safetensors"
    assert cli.main(["convert", str(source), str(target), "--dtype", dtype]) == 0
    adapter = load_adapter(read_published(target))
    assert adapter.config == SMALL
    for key, value in adapter.published_state_dict().items():
        assert torch.equal(value, small[key].to(cli.DTYPES[dtype]))
    with safe_open(target, "pt") as file:
        assert file.metadata()["provenance"].startswith("model.pth, ")


def test_heads_come_back_from_the_metadata(small, tmp_path):
    from dataclasses import replace

    config = replace(SMALL, heads=4, fuser_heads=2)
    save_adapter(tmp_path / "a.safetensors", small, config, dtype=torch.float32)
    adapter = load_adapter(read_published(tmp_path / "a.safetensors"))
    assert adapter.config == config and adapter.fuser(("middle", 0, 0)).attn.heads == 2


def test_a_failed_conversion_leaves_the_old_file(small, tmp_path):
    target = tmp_path / "out.safetensors"
    target.write_bytes(b"old")
    small["IDE.connector.latents"] = torch.full((4, 32), 1e6)
    assert cli.main(["convert", str(published(tmp_path / "model.pth", small)), str(target)]) == 1
    assert target.read_bytes() == b"old" and sorted(p.name for p in tmp_path.iterdir()) == [
        "model.pth",
        "out.safetensors",
    ]


def test_base_needs_the_whole_sd1_unet(small, tmp_path, capsys):
    source = published(tmp_path / "model.pth", {**small, "out.2.bias": torch.zeros(4)})
    assert (
        cli.main(
            ["convert", str(source), str(tmp_path / "out.safetensors"), "--base", str(tmp_path / "base.safetensors")]
        )
        == 1
    )
    assert "missing: time_embed.0.weight" in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(("part", "key"), [("base", "out.2.bias"), ("autoencoder", "decoder.conv_in.weight")])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_base_that_is_not_finite_is_refused_by_name(part, key, bad, monkeypatch):
    shapes = sd1_unet_shapes(channels=32, multipliers=(1, 2), res_blocks=1, context=64, attention_levels=2)
    monkeypatch.setattr(read, "sd1_unet_shapes", lambda: shapes)
    base = {k: torch.zeros(s) for k, s in shapes.items()}
    checkpoint = PublishedCheckpoint({}, base, {"decoder.conv_in.weight": torch.zeros(8, 4, 3, 3)}, {})
    read.check_base(checkpoint)
    weight = getattr(checkpoint, part)[key].clone()
    weight.view(-1)[-1] = bad
    getattr(checkpoint, part)[key] = weight
    with pytest.raises(WeightsError, match=rf"{part}.* are damaged: {key.replace('.', '[.]')} holds NaN or infinity"):
        read.check_base(checkpoint)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("middle_block.1.transformer_blocks.0.fuser.linear.weight", ()),
        ("position_net.linears.0.weight", (48, 8)),
        ("IDE.connector.latents", (4, 0)),
        ("IDE.connector.latents", (0, 32)),
        ("IDE.time_embedding.linear_1.weight", (24,)),
    ],
)
def test_shapes_of_no_adapter_are_refused(small, key, shape):
    with pytest.raises(WeightsError, match=key.replace(".", r"\.")):
        infer_config({**{k: tuple(v.shape) for k, v in small.items()}, key: shape})


@pytest.mark.parametrize(
    "text",
    ["null", "5", '"heads"', "{", "[" * 100_000, '{"heads": NaN}', '{"heads": true}', '{"heads": 0}', '{"heads": 7}'],
)
def test_metadata_of_no_adapter_is_refused(text):
    with pytest.raises(WeightsError, match="convert the weights again"):
        SMALL.with_heads(text)
