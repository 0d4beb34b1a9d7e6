"""The demo's stages can be killed and go on; the sampler visits DDIM's timesteps."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from transformers import T5TokenizerFast

from deig_core.demo import files
from deig_core.errors import DeigError
from deig_core.text.encoder import MAX_TOKENS
from research.demo import evaluate, models, sheet, train
from research.demo.ablations import GligenTrainee, Unmasked, pool
from research.demo.generate import Models, generate
from research.demo.latents import training_scenes
from research.demo.loop import run_stage
from research.demo.render import background, render
from research.demo.sampling import sample, timesteps
from research.demo.text import write_tokenizer
from research.demo.train_decoder import FIRST_SEED, backdrop, sampled
from research.demo.train_together import MARGIN, WEIGHT, counts
from research.demo.world import SIZE, draw_scene, every_thing
from research.training.batch import BatchCall, Example, collate
from research.training.noise import alphas_cumprod, generator

SHIPPED = files.WEIGHTS / files.ADAPTER


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Shards of 4 scenes in two chunks, little a step; a number of threads would hold for all tests after this one."""
    monkeypatch.setattr("research.demo.latents.SHARD", 4)
    monkeypatch.setattr("research.demo.latents.CHUNK", 2)
    monkeypatch.setattr("research.demo.train_autoencoder.SCENES", 1)
    monkeypatch.setattr("research.demo.train_text.CAPTIONS", 8)
    monkeypatch.setattr("research.demo.train_together.ALONE", 1)
    monkeypatch.setattr("research.demo.train_decoder.STEPS", 2)
    monkeypatch.setattr("research.demo.train_decoder.SAMPLED", 1)
    monkeypatch.setattr("research.demo.train_decoder.ENCODED", 1)
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)


def stage(state, steps, until=float("inf")):
    torch.manual_seed(0)
    module = nn.Linear(4, 4)

    def loss(step):
        x = torch.randn(8, 4, generator=generator(7, step))
        return (module(x) - x.flip(1)).square().mean()

    done = run_stage("test", module, loss, state, steps=steps, peak=1e-2, save_every=10, until=until)
    return module, done


def test_a_stage_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch):
    whole, done = stage(tmp_path / "whole", 60)
    assert done
    clock = iter(range(10_000))
    monkeypatch.setattr("research.demo.loop.time.monotonic", lambda: next(clock))
    _, done = stage(tmp_path / "parts", 60, until=27)
    assert not done
    parts, done = stage(tmp_path / "parts", 60)
    assert done
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))


def test_a_weight_that_stands_still_is_named(tmp_path):
    module = nn.ModuleDict({"moves": nn.Linear(2, 2), "stands": nn.Linear(2, 2)})
    with pytest.raises(DeigError, match=r"stands\.weight"):
        run_stage(
            "test", module, lambda step: module["moves"](torch.ones(1, 2)).sum(), tmp_path / "s", steps=60, peak=1e-2
        )


def test_all_stages_from_nothing_and_the_table_refuses_an_untrained_scorer(tmp_path, capsys):
    short = [
        f"--{stage}-steps=1" for stage in ("autoencoder", "scorer", "text", "base", "adapter", "together", "decoder")
    ]
    for ablation in (
        [],
        ["--stages", "adapter", "--ablation", "mask"],
        ["--stages", "adapter", "--ablation", "ide"],
        ["--stages", "adapter", "--ablation", "detail"],
        ["--stages", "adapter", "--ablation", "gligen"],
    ):
        assert (
            train.main([str(tmp_path), "--scenes=4", "--batch=2", "--sampled=2", "--threads=1", *short, *ablation]) == 0
        )
    weights = tmp_path / "weights"
    assert train.main([str(tmp_path), "--stages", "autoencoder"]) == 1
    assert "is what the stage decoder made of it, and the stage autoencoder would" in capsys.readouterr().err
    assert {p.name for p in weights.iterdir()} == {
        files.UNET,
        files.VAE,
        files.ADAPTER,
        files.SCORER,
        files.TEXT,
        models.BASE_IDE,
        models.BASE_TEXT,
    }
    assert list(evaluate.variants(weights, tmp_path)) == [
        "base, no boxes",
        "DEIG",
        "without the mask, seed 0",
        "without the IDE, seed 0",
        "coarse captions only, seed 0",
        "GLIGEN's formulation, seed 0",
    ]
    made = []
    for adapter, encoder, how in evaluate.variants(weights, tmp_path).values():
        assembled = Models(models.unet(weights), models.autoencoder(weights), models.text_encoder(weights, encoder))
        made.append(generate(assembled, adapter, [draw_scene(1, 1), draw_scene(2, 3)], steps=2, **how))
        assert made[-1].shape == (2, SIZE, SIZE, 3)
    assert all((a != b).any() for i, a in enumerate(made) for b in made[:i]), "every variant draws in its own way"
    assert evaluate.main(["--weights", str(weights), "--layouts=1", "--threads=1"]) == 1
    assert "evaluate: The scorer is right about" in capsys.readouterr().err


def test_a_run_that_goes_on_trains_base_and_adapter_alone(tmp_path, capsys):
    run = [
        str(tmp_path),
        "--scenes=4",
        "--batch=4",
        "--threads=1",
        "--base-steps=1",
        "--adapter-steps=1",
        f"--start={files.WEIGHTS}",
    ]
    assert train.main(run) == 0
    weights = tmp_path / "weights"
    read = files.read("model.safetensors", weights / models.BASE_TEXT)
    assert all(torch.equal(read[k], v) for k, v in files.read("model.safetensors", files.WEIGHTS / files.TEXT).items())
    kept, moved = (files.VAE, files.SCORER, f"{files.TEXT}/model.safetensors"), (files.UNET, files.ADAPTER)
    assert all((weights / name).read_bytes() == (files.WEIGHTS / name).read_bytes() for name in kept)
    for name in moved:
        before, after = files.read(name), files.read(name, weights)
        assert before.keys() == after.keys() and all((after[k] - v).abs().max() < 0.01 for k, v in before.items())
        assert any(not torch.equal(after[k], v) for k, v in before.items())
    earlier = {name: files.read(name, weights) for name in moved}
    assert train.main([*run, "--stages=together", "--together-steps=1"]) == 0
    for name, before in earlier.items():
        after = files.read(name, weights)
        assert before.keys() == after.keys() and all((after[k] - v).abs().max() < 0.01 for k, v in before.items())
        assert any(not torch.equal(after[k], v) for k, v in before.items())
    assert all((weights / name).read_bytes() == (files.WEIGHTS / name).read_bytes() for name in kept)
    trained = (weights / files.UNET).read_bytes()
    assert train.main([*run, "--stages=decoder", "--decoder-steps=1", "--sampled=2"]) == 0
    before, after = files.read(files.VAE), files.read(files.VAE, weights)
    assert {name.split(".")[0] for name, tensor in after.items() if not torch.equal(tensor, before[name])} == {
        "taesd_decoder"
    }
    kept = {name: (weights / name).read_bytes() for name in (files.UNET, files.ADAPTER)}
    assert kept[files.UNET] == trained
    for earlier, later in (("base", "together"), ("adapter", "together")):
        assert train.main([*run, f"--stages={earlier}"]) == 1
        assert f"is what the stage {later} made of it, and the stage {earlier} would" in capsys.readouterr().err
    assert {name: (weights / name).read_bytes() for name in kept} == kept
    more = ["--stages", "adapter", "--adapter-steps=2", "--seed=1"]
    assert train.main([*run, *more]) == 0, "a decoder that went on is no stranger's"
    assert {name: (weights / name).read_bytes() for name in kept} == kept


def test_cells_that_show_something_of_a_thing_count_more():
    for seed in range(5):
        scene = draw_scene(seed)
        for (y, x), count in np.ndenumerate(counts(scene).numpy()):
            near = any(
                8 * x < x1 + MARGIN and 8 * x + 8 > x0 - MARGIN and 8 * y < y1 + MARGIN and 8 * y + 8 > y0 - MARGIN
                for x0, y0, x1, y1 in (placed.box for placed in scene.things)
            )
            assert count == (WEIGHT if near else 1)


def test_batches_drawn_side_by_side_are_those_drawn_one_after_another(monkeypatch):
    assembled, adapter = Models(models.unet(), models.autoencoder(), models.text_encoder()), evaluate.load(SHIPPED)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("torch.get_num_threads", lambda threads=threads: threads)
        found.append(generate(assembled, adapter, [draw_scene(i, 1) for i in range(3)], steps=1, batch=1))
    assert (found[0] == found[1]).all()


def test_drawn_scenes_are_kept_and_made_again_for_another_encoder(tmp_path, monkeypatch):
    asked = []

    def encode(_model, pictures, _where):
        asked.append(len(pictures))
        return torch.zeros(len(pictures), 4, 16, 16, dtype=torch.float16)

    monkeypatch.setattr("research.demo.latents.encode", encode)
    for changed, made in ((None, 16), ("decoder", 16), ("encoder", 32)):
        model = models.autoencoder()
        if changed:
            model.get_submodule(f"taesd_{changed}")[-1].bias += 1
        models.write(tmp_path, files.VAE, model.state_dict(), {})
        scenes, latents = training_scenes(tmp_path, tmp_path / "latents", 15, 1)
        assert scenes == [draw_scene(seed) for seed in range(15)] and latents.shape == (15, 4, 16, 16)
        assert sum(asked) == made


def test_sampled_layouts_are_kept_and_the_backdrop_is_what_the_picture_shows_beside_things(tmp_path, monkeypatch):
    for seed in range(4):
        scene = draw_scene(seed)
        assert np.abs(backdrop(render(scene), scene) - background(seed)).max() < 1e-4
    assert sampled(files.WEIGHTS, tmp_path, 3, until=0) is None, "out of time"
    scenes, latents, backdrops = sampled(files.WEIGHTS, tmp_path, 3)
    assert scenes == [draw_scene(FIRST_SEED + i) for i in range(3)]
    assert latents.shape == (3, 4, 16, 16) and backdrops.shape == (3, SIZE, SIZE, 3) and backdrops.dtype == torch.uint8
    monkeypatch.setattr("research.demo.train_decoder.draw", None)
    assert torch.equal(sampled(files.WEIGHTS, tmp_path, 3)[1], latents)


def test_the_table_says_what_the_autoencoder_leaves_and_has_pictures_beside_it(tmp_path, monkeypatch, capsys):
    def drawn(models, adapter, scenes, **how):
        return np.stack([render(scene) for scene in scenes])

    monkeypatch.setattr("research.demo.evaluate.generate", drawn)
    monkeypatch.setattr("research.demo.sheet.generate", drawn)
    assert evaluate.main(["--layouts=6", "--threads=1", "--only", "rendered", "DEIG", "--sheet", str(tmp_path)]) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == ["| rendered truth", "| rendered truth through the autoencoder", "| DEIG"]
    truth, through, perfect = ([float(cell.split()[0]) for cell in row[1:]] for row in rows)
    assert perfect == truth and 0.7 < through[0] < truth[0]
    for name, count in ((sheet.LAYOUTS, 6), (sheet.COMPARED, 8)):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == tuple(sheet.SPACE + (2 * SIZE + sheet.SPACE) * n for n in (4, -(-count // 4)))


def test_ablations_from_the_shipped_weights_begin_with_an_ide_of_the_base(tmp_path, capsys):
    run = [str(tmp_path), "--scenes=4", "--batch=4", "--threads=1", "--base-steps=1", "--adapter-steps=1"]
    start = [f"--start={files.WEIGHTS}", "--stages"]
    assert train.main([*run, *start, "adapter"]) == 0
    assert train.main([*run, "--stages", "adapter", "--ablation=mask"]) == 1
    assert f"has no {models.BASE_IDE}, with which a new adapter begins" in capsys.readouterr().err
    assert train.main([*run, *start, "base", "--ide-only"]) == 0
    weights, unet = tmp_path / "weights", files.read(files.UNET)
    assert all(torch.equal(unet[k], v) for k, v in files.read(files.UNET, weights).items())
    shipped, made = models.base(files.WEIGHTS).ide.state_dict(), files.read(models.BASE_IDE, weights)
    assert any(not torch.equal(shipped[k], v) for k, v in made.items())
    assert train.main([*run, "--stages", "adapter", "--ablation=mask"]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ide-only"], "--ide-only goes with --start and --stages base"),
        (["--ide-only", f"--start={files.WEIGHTS}"], "--ide-only goes with --start and --stages base"),
        (["--ablation=mask", f"--start={files.WEIGHTS}"], "--ablation trains a new adapter: leave out --start"),
        ([f"--start={files.WEIGHTS / files.ADAPTER}"], "--start is a folder of weights, and"),
    ],
)
def test_options_that_would_train_something_else_are_refused(tmp_path, capsys, options, said):
    with pytest.raises(SystemExit):
        train.main([str(tmp_path), *options])
    assert said in capsys.readouterr().err


def test_a_folder_of_other_models_is_not_gone_on_in(tmp_path, capsys):
    models.write(tmp_path / "weights", files.VAE, {"other": torch.zeros(1)}, {})
    assert train.main([str(tmp_path), f"--start={files.WEIGHTS}", "--stages=adapter"]) == 1
    assert f"has another {files.VAE} than" in capsys.readouterr().err
    assert train.main([str(tmp_path / "new"), "--stages=adapter"]) == 1
    assert capsys.readouterr().err.startswith(f"train: {files.VAE} ")


def test_a_stage_that_is_out_of_time_ends_the_run(tmp_path, caplog):
    with caplog.at_level("INFO", "deig.demo"):
        assert train.main([str(tmp_path), "--threads=1", "--minutes=0"]) == 0
    assert "Stopped before the end: the same command goes on." in caplog.text
    assert [p.name for p in (tmp_path / "weights").iterdir()] == [files.VAE]


def test_another_models_state_is_refused(tmp_path):
    stage(tmp_path / "s", 10)
    with pytest.raises(DeigError, match=r"s holds a run of another model"):
        run_stage("test", nn.Linear(3, 3), lambda step: None, tmp_path / "s", steps=20, peak=1e-2)


def test_without_the_ide_the_words_of_a_text_are_averaged_and_its_pads_are_not():
    encoder, adapter = models.text_encoder(), evaluate.load(files.WEIGHTS / files.ADAPTER)
    texts = ["a red circle", "a blue star with yellow dots and a white outline"]
    features = torch.stack([f.tensor for f in encoder.encode(texts)])
    lengths = encoder.tokenizer(texts, padding=True, return_tensors="pt").attention_mask.sum(1).tolist()
    found = pool(adapter, features, texts, 3)
    for one, feature, length in zip(found, features, lengths, strict=True):
        wanted = adapter.ide.connector.proj_in(feature[:length].mean(0))
        assert one.shape[0] == 3 and torch.allclose(one, wanted.expand_as(one), atol=1e-5)


def test_gligens_formulation_has_one_token_for_an_instance_and_every_cell_sees_it():
    adapter = evaluate.load(files.WEIGHTS / files.ADAPTER)
    trainee = GligenTrainee(models.unet(), adapter)
    latent = torch.zeros(4, 16, 16)
    batch = collate([Example(latent, "a, b", ("a red star", "a blue cross"), ((0, 0, 0.3, 0.3), (0.5, 0.5, 1, 1)))])
    features = torch.stack([f.tensor for f in models.text_encoder().encode(batch.texts)])
    context, call = trainee.ground(batch, features, torch.tensor([500]))
    (level,) = call.instances((16, 16), torch.device("cpu"))
    assert context.shape[1] == adapter.config.tokens
    assert (level.tokens.shape[1], level.tokens_per_region, level.members.tolist()) == (2, 1, [[3] * 256])


def test_without_the_mask_every_cell_sees_every_instance_and_no_more():
    latent = torch.zeros(4, 16, 16)
    examples = [
        Example(latent, "", ("a", "b"), ((0, 0, 0.3, 0.3), (0.5, 0.5, 1, 1))),
        Example(latent, "", ("c",), ((0, 0, 1, 0.2),)),
    ]
    call = Unmasked(BatchCall(collate(examples), torch.zeros(2, 16, 8), 8))
    (level,) = call.instances((16, 16), torch.device("cpu"))
    assert level.members.tolist() == [[3] * 256, [1] * 256]


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
