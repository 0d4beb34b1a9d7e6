"""The study of T: what is counted is right, what is trained is alike, and a stopped run goes on."""

import json
import random
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `evaluation`)")
from PIL import Image

from deig_core.demo import files
from deig_core.errors import DeigError
from deig_core.model.config import SD1_FUSERS, DeigConfig
from research.bench.gpu.whole import TINY, Step
from research.demo import models
from research.demo.evaluate import load
from research.demo.train_adapter import with_new_queries
from research.studies import token_accuracy, tokens
from research.studies.token_accuracy import Recipe, accuracies, every, read
from research.studies.token_cost import counted, fitted, memory_line

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr("research.demo.latents.SHARD", 4)
    monkeypatch.setattr("research.demo.latents.CHUNK", 2)
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)


def test_only_the_queries_depend_on_t():
    found = {t: counted(t, DeigConfig(fusers=SD1_FUSERS)) for t in tokens.TOKENS}
    assert found[16] == (297_147_296, 16 * 768, 5 * 16 * 2 * 1280)  # a key and a value each, 1280 channels wide
    assert {t: parameters - found[16][0] for t, (parameters, *_) in found.items()} == {
        t: (t - 16) * 768 for t in tokens.TOKENS
    }


def test_memory_grows_by_the_keys_and_values_of_each_token():
    line = memory_line((4, 16, 64), CPU, (8, 8))
    assert line.exact == 3 * 320 * 4 and line.exact <= line.slope < 1.1 * line.exact
    assert len(line.points) == 9 and line.worst < 0.05
    bases = dict(line.bases)
    assert all(held == pytest.approx(bases[n] + line.slope * n * t, rel=0.05) for n, t, held in line.points)


def test_a_point_off_the_line_is_said():
    points = [(n, t, 1000 * n + 7 * n * t) for n in (1, 5) for t in (4, 8, 16)]
    line = fitted(points, 7)
    assert line.slope == pytest.approx(7) and dict(line.bases) == {1: pytest.approx(1000), 5: pytest.approx(5000)}
    assert line.worst == pytest.approx(0, abs=1e-9)
    assert fitted([*points[:-1], (5, 16, 2 * points[-1][2])], 7).worst > 0.1


def test_another_t_is_the_same_model_with_other_queries():
    step = Step(TINY, CPU)
    with torch.no_grad():
        more = step.with_tokens(9)
        drawn = more.calls(8)[0]()
    assert drawn.shape == (2, 4, 8, 8) and drawn.isfinite().all()
    assert more.adapter.config.tokens == 9 and more.adapter.ide.connector.latents.shape[0] == 9
    pairs = zip(step.adapter.named_parameters(), more.adapter.named_parameters(), strict=True)
    assert all(torch.equal(a, b) for (name, a), (_, b) in pairs if name != "ide.connector.latents")
    assert step.adapter.config.tokens == 4


def test_adapters_of_every_t_begin_alike():
    base = load(files.WEIGHTS / files.ADAPTER)
    made = {t: with_new_queries(base, t, 5) for t in (4, 8, 16)}
    for t, adapter in made.items():
        latents = adapter.ide.connector.latents
        assert adapter.config == replace(base.config, tokens=t) and latents.shape == (t, base.config.width)
        pairs = zip(base.named_parameters(), adapter.named_parameters(), strict=True)
        assert all(torch.equal(a, b) for (name, a), (_, b) in pairs if name != "ide.connector.latents")
    spread = base.ide.connector.latents.detach().std()
    assert float(made[16].ide.connector.latents.detach().std()) == pytest.approx(float(spread), rel=0.1)
    again, other = (with_new_queries(base, 4, seed).ide.connector.latents for seed in (5, 6))
    assert torch.equal(again, made[4].ide.connector.latents) and not torch.equal(again, other)


@pytest.fixture
def folder(tmp_path):
    """A folder of the study whose base has an IDE."""
    for name in (files.UNET, files.VAE, files.SCORER, *(f"{files.TEXT}/{p.name}" for p in _text())):
        target = tmp_path / "weights" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((files.WEIGHTS / name).read_bytes())
    models.write(tmp_path / "weights", models.BASE_IDE, models.base(files.WEIGHTS).ide.state_dict(), {})
    return tmp_path


def _text():
    return list((files.WEIGHTS / files.TEXT).iterdir())


def test_the_whole_study_in_small_and_again(folder, capsys, monkeypatch):
    run = [str(folder), "--tiny", "--tokens", "5", "--seeds", "1", "--steps=1", "--batch=2", "--scenes=4"]
    run += ["--layouts=1", "--rounds=1"]
    assert tokens.main(run) == 0
    said = capsys.readouterr().out
    results = json.loads((folder / tokens.RESULTS).read_text())
    assert [row["tokens"] for row in results["cost"]["rows"]] == [5]
    assert [(row["tokens"], row["seed"]) for row in results["accuracy"]["rows"]] == [(5, 1)]
    assert "--tokens 5" in results["accuracy"]["command"] and str(folder) not in json.dumps(results)
    assert (folder / "tokens.md").read_text().strip() in said
    with Image.open(folder / "tokens.png") as picture:
        assert picture.width > picture.height
    monkeypatch.setattr(token_accuracy, "_made", None)  # nothing is trained again
    more = folder / "tokens-7-0"
    more.mkdir()
    row = results["accuracy"]["rows"][0] | {"tokens": 7, "seed": 0}
    (more / "scores.json").write_text(json.dumps(row))
    assert tokens.main([*run, "--only=accuracy"]) == 0
    both = json.loads((folder / tokens.RESULTS).read_text())
    assert both["cost"] == results["cost"]
    assert [(r["tokens"], r["seed"]) for r in both["accuracy"]["rows"]] == [(7, 0), (5, 1)], "another run's is kept"
    assert "--tokens 5 7 --seeds 0 1" in both["accuracy"]["command"]
    assert tokens.main([*run[:-3], "--layouts=2", "--only=accuracy"]) == 1
    assert "is of another recipe" in capsys.readouterr().err


def test_the_cost_of_another_t_is_added_and_what_was_measured_otherwise_is_not_mixed(tmp_path, capsys):
    run = [str(tmp_path), "--tiny", "--only=cost", "--rounds=1", "--tokens"]
    assert tokens.main([*run, "4"]) == tokens.main([*run, "9"]) == 0
    cost = json.loads((tmp_path / tokens.RESULTS).read_text())["cost"]
    assert [row["tokens"] for row in cost["rows"]] == [4, 9] and "--tokens 4 9" in cost["command"]
    assert {t for _, t, _ in cost["line"]["points"]} == {4, 9}
    run[3] = "--rounds=2"
    assert tokens.main([*run, "9"]) == 1
    assert "holds the cost of T = 4, measured otherwise (rounds): give those" in capsys.readouterr().err
    assert tokens.main([*run, "4", "9"]) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        *("--rounds=0", "--steps=0", "--batch=0", "--scenes=0", "--layouts=0", "--threads=0"),
        *("--tokens=0", "--seeds=-1", "--minutes=-1", "--minutes=nan"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(tmp_path, capsys, wrong):
    with pytest.raises(SystemExit):
        tokens.main([str(tmp_path), wrong])
    assert "positive numbers" in (said := capsys.readouterr().err) or "--minutes is 0 or more" in said


def test_a_study_that_is_out_of_time_says_so_and_keeps_its_rows(folder, capsys):
    run = [str(folder), "--only=accuracy", "--tokens", "2", "--seeds", "0", "--steps=1", "--batch=2", "--scenes=4"]
    assert tokens.main([*run, "--minutes=0"]) == 0
    assert "Stopped before the end" in capsys.readouterr().out
    assert json.loads((folder / tokens.RESULTS).read_text())["accuracy"]["rows"] == []


def test_a_folder_without_the_bases_ide_says_how_to_make_one(folder, capsys):
    (folder / "weights" / models.BASE_IDE).unlink()
    run = [str(folder), "--only=accuracy", "--tokens", "2", "--steps=1", "--scenes=4"]
    assert tokens.main(run) == 1
    assert "--ide-only" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", '{"tokens": 4}', "{"])
def test_rows_that_cannot_be_read_are_named(tmp_path, content):
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(DeigError, match=r"scores\.json cannot be read .* delete it, and the row is judged again"):
        read(tmp_path / "scores.json", 4, 0, Recipe())


def test_every_row_of_a_folder_is_found_and_another_recipes_is_refused(tmp_path):
    for t, seed in ((16, 0), (4, 1), (4, 0)):
        place = tmp_path / f"tokens-{t}-{seed}"
        place.mkdir()
        row = token_accuracy.Accuracy(t, seed, Recipe(), {"all": (0.5, 0.4, 0.6)})
        (place / "scores.json").write_text(json.dumps(row.to_dict()))
    (tmp_path / "tokens-old-copy").mkdir()
    (tmp_path / "tokens-old-copy" / "scores.json").write_text("{}")
    assert [(row.tokens, row.seed) for row in every(tmp_path, Recipe())] == [(4, 0), (16, 0), (4, 1)]
    with pytest.raises(DeigError, match="is of another recipe"):
        every(tmp_path, Recipe(steps=1))


def test_rows_come_seed_by_seed(tmp_path, monkeypatch):
    recipe, asked = Recipe(), []

    def made(folder, place, t, seed, *_):
        asked.append((t, seed))
        return token_accuracy.Accuracy(t, seed, recipe, {"all": (random.random(), 0.0, 1.0)})

    monkeypatch.setattr(token_accuracy, "_made", made)
    rows = list(accuracies(tmp_path, (4, 16), (0, 1), recipe, say=lambda text: None))
    assert asked == [(4, 0), (16, 0), (4, 1), (16, 1)] == [(row.tokens, row.seed) for row in rows]
