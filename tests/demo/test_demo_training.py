"""The demo's stages can be killed and go on; the sampler visits DDIM's timesteps."""

import pytest
import torch
from torch import nn

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from transformers import T5TokenizerFast

from deig_core.demo.loop import run_stage
from deig_core.demo.sampling import sample, timesteps
from deig_core.demo.text import write_tokenizer
from deig_core.demo.world import draw_scene, every_thing
from deig_core.text_encoder import MAX_TOKENS
from deig_core.training.noise import alphas_cumprod, generator


def stage(state, steps, until=float("inf"), losses=None):
    torch.manual_seed(0)
    module = nn.Linear(4, 4)

    def loss(step):
        x = torch.randn(8, 4, generator=generator(7, step))
        value = (module(x) - x.flip(1)).square().mean()
        if losses is not None:
            losses.append(float(value.detach()))
        return value

    done = run_stage("test", module, loss, state, steps=steps, peak=1e-2, save_every=10, until=until)
    return module, done


def test_a_stage_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch):
    whole, done = stage(tmp_path / "whole.pt", 60)
    assert done
    clock = iter(range(10_000))
    monkeypatch.setattr("deig_core.demo.loop.time.monotonic", lambda: next(clock))
    _, done = stage(tmp_path / "parts.pt", 60, until=27)
    assert not done
    parts, done = stage(tmp_path / "parts.pt", 60)
    assert done
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))


def test_a_weight_that_stands_still_is_named(tmp_path):
    module = nn.ModuleDict({"moves": nn.Linear(2, 2), "stands": nn.Linear(2, 2)})
    with pytest.raises(RuntimeError, match=r"stands\.weight"):
        run_stage("test", module, lambda step: module["moves"](torch.ones(1, 2)).sum(), tmp_path / "s.pt", steps=60, peak=1e-2)


def test_ddims_timesteps():
    assert timesteps(40)[:3] == [976, 951, 926] and timesteps(40)[-2:] == [26, 1] and len(timesteps(40)) == 40


def test_a_perfect_prediction_leads_to_the_picture():
    target, noise = torch.randn(1, 4, 8, 8, generator=generator(1)), torch.randn(1, 4, 8, 8, generator=generator(2))
    kept = alphas_cumprod()

    def predict(x, t):
        return (x - kept[t].sqrt() * target) / (1 - kept[t]).sqrt()

    assert (sample(predict, noise, 20) - target).abs().max() < 1e-4


def test_the_tokenizer_knows_every_word_and_leaves_room(tmp_path):
    written = write_tokenizer(tmp_path)
    loaded = T5TokenizerFast.from_pretrained(str(tmp_path), local_files_only=True)
    for text in [t.describe() for t in every_thing()[::97]] + ["A Red circle, a Blue star"]:
        ids = loaded(text).input_ids
        assert ids == written(text).input_ids and loaded.unk_token_id not in ids and ids[-1] == 1
        assert len(ids) == len(text.replace(",", " ,").split()) + 1
    assert max(len(loaded(draw_scene(i, 5).caption()).input_ids) for i in range(40)) < MAX_TOKENS
