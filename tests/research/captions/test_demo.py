"""The demo world from annotations to training steps, with its oracle, killed twice on the way."""

import json

import pytest
import torch
from safetensors.torch import save_file

pytest.importorskip("scipy", reason="scipy is not installed (extra `train`)")
pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from diffusers import AutoencoderTiny
from sets import call
from tiny import tiny_unet

from deig_core.diffusers_unet.names import original_state_dict
from research.captions.demo import FIRST_SEED, demo
from research.demo.text import new_t5, write_tokenizer
from research.demo.world import draw_scene
from research.training import __main__ as training
from research.training import prepare
from research.training.pictures import read_pictures


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions-demo")
    demo(folder, kills=(1, 2), count=24)
    return folder


def test_what_the_world_does_wrong_is_found_and_named(shown):
    report = json.loads((shown / "run" / "selected" / "report.json").read_text())
    things = [len(draw_scene(FIRST_SEED + n).things) for n in range(24)]
    verdicts = [json.loads(line) for line in (shown / "run" / "selected" / "verdicts.jsonl").read_text().splitlines()]
    assert len(verdicts) == report["instances"] == sum(things) + 1
    why = {}
    for v in verdicts:
        why.setdefault(int(v["picture"]), []).append(v["reasons"])
    assert all("grey picture" in reasons for n in (0, 1) for reasons in why[n])
    assert all(reasons == ["unreadable picture"] for n in (2, 5) for reasons in why[n])
    assert all("does not name it" in reasons for reasons in why[3])
    assert why[4][-1] == ["unsure"], "there is nothing in this box"
    good = [reasons for n in range(6, 24) for reasons in why[n]]
    assert sum(not reasons for reasons in good) >= 0.95 * len(good)
    assert report["control"]["auc"] > 0.95


def test_what_is_kept_is_what_is_there(shown):
    pictures = read_pictures(shown / "run" / "selected" / "data.jsonl")
    truth = {f"{n:04d}.png": draw_scene(FIRST_SEED + n) for n in range(24)}
    pairs = [
        (text, next(t.thing.describe() for t in truth[p.file_name].things if t.box[:2] == tuple(box[:2])))
        for p in pictures
        for text, box in zip(p.descriptions, p.boxes, strict=True)
    ]
    assert sum(a == b for a, b in pairs) >= 0.95 * len(pairs)
    assert all(p.caption == truth[p.file_name].caption() for p in pictures)


def test_the_trainer_takes_it_as_it_is(shown, tmp_path):
    torch.manual_seed(0)
    unet = tiny_unet()
    base = tmp_path / "base.safetensors"
    tensors = {k: v.contiguous() for k, v in original_state_dict(unet).items()}
    save_file(tensors, base, {"unet_config": json.dumps(dict(unet.config))})
    AutoencoderTiny().save_pretrained(tmp_path / "vae")
    new_t5(len(write_tokenizer(tmp_path / "t5"))).save_pretrained(tmp_path / "t5")
    data = ("--data", shown / "run" / "selected" / "data.jsonl", "--cache", tmp_path / "cache", "--side", 64)
    models = ("--autoencoder", tmp_path / "vae", "--text-encoder", tmp_path / "t5", "--device", "cpu")
    pictures = ("--pictures", shown / "world" / "pictures")
    assert prepare.main([str(a) for a in (*data, *pictures, *models)]) == 0
    steps = ("--steps", 2, "--batch", 2, "--accumulate", 1, "--tokens", 3, "--layers", 1, "--warm-up", 1)
    assert training.main([str(a) for a in (*data, "--base", base, "--out", tmp_path / "out", *steps)]) == 0
    assert (tmp_path / "out" / "adapter.safetensors").is_file()


def test_a_folder_that_is_no_run_is_said(tmp_path, capsys):
    assert call("status", tmp_path) == 1
    assert "holds no plan: run python -m research.captions plan first" in capsys.readouterr().err
