"""The three commands of docs/training.md, one after the other, on a handful of pictures."""

import json
import re
import runpy
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from tiny import models

from deig_core.checkpoint.read import load_adapter, read_published
from research.training import __main__ as training
from research.training import coco, prepare

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "training.md").read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture
def places(tmp_path):
    models(tmp_path)
    for i in range(3):
        Image.new("RGB", (80, 64), (40 * i, 90, 200)).save(tmp_path / f"{i}.png")
    annotations = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 80, "height": 64} for i in range(3)],
        "categories": [{"id": 1, "name": "star"}],
        "annotations": [
            {"id": 3 * i + k, "image_id": i, "category_id": 1, "bbox": [10 * k + 8, 8, 30, 40]}
            for i in range(3)
            for k in range(i + 1)
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(annotations))
    (tmp_path / "captions.json").write_text(json.dumps({"annotations": [{"image_id": 0, "caption": "a red star"}]}))
    return tmp_path


def test_from_coco_to_an_adapter(places, capsys, monkeypatch):
    data, cache, out = places / "data.jsonl", places / "cache", places / "out"

    def call(command, *options):
        return command.main([str(o) for o in options])

    assert call(coco, places / "instances.json", places / "captions.json", data) == 0
    preparation = (
        "--data",
        data,
        "--pictures",
        places,
        "--autoencoder",
        places / "vae",
        "--text-encoder",
        places / "t5",
        "--cache",
        cache,
        "--side",
        64,
        "--device",
        "cpu",
    )
    assert call(prepare, *preparation) == 0
    made = {p: p.stat().st_mtime_ns for p in cache.iterdir()}
    assert call(prepare, *preparation) == 0
    assert {p: p.stat().st_mtime_ns for p in cache.iterdir()} == made
    run = (
        "--data",
        data,
        "--cache",
        cache,
        "--base",
        places / "base.safetensors",
        "--out",
        out,
        "--side",
        64,
        "--tokens",
        3,
        "--layers",
        1,
        "--autoencoder",
        places / "vae",
        "--batch",
        2,
        "--accumulate",
        1,
        "--sample-every",
        2,
        "--warm-up",
        1,
        "--no-mirror",
    )
    assert call(training, *run, "--steps", 2, "--workers", 1) == 0
    assert call(training, *run, "--steps", 3) == 0
    adapter = load_adapter(read_published(out / "adapter.safetensors"))
    assert adapter.config.tokens == 3 and adapter.config.text_dim == 96 and adapter.config.fuser_heads == 4
    assert [p.name for p in sorted((out / "states").iterdir())] == ["step_000000002.pt", "step_000000003.pt"]
    example = EXAMPLE.replace('load_unet("sd15.safetensors")', 'load_unet("base.safetensors")').replace(
        '"sd15.safetensors"', '"vae"'
    )
    example = example.replace("flan-t5-xl", "t5").replace('"run/', '"out/')
    (places / "example.py").write_text(example)
    regions = [{"box": [0.1, 0.1, 0.6, 0.9], "description": "a red star"}]
    (places / "regions.json").write_text(json.dumps({"version": 1, "width": 64, "height": 64, "regions": regions}))
    monkeypatch.chdir(places)
    runpy.run_path("example.py", run_name="__main__")
    with Image.open(places / "street.png") as picture:
        assert picture.size == (64, 64)
    assert call(training, *run, "--steps", 3, "--gligen", places / "base.safetensors", "--out", places / "new") == 1
    assert "cannot start this adapter" in capsys.readouterr().err
    assert call(training, *run[:6], "--out", out, "--steps", 4) == 1  # 16 tokens, not 3
    assert "holds a run of an adapter with other sizes" in capsys.readouterr().err
    assert (
        call(training, *run[:6], "--out", places / "large", "--steps", 3, "--batch", 2) == 1
    )  # 512 px were not prepared
    assert "run python -m research.training.prepare" in capsys.readouterr().err
