"""Weights and text encoders come from the host's folders, at their real size too."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from conftest import switch_on_dynamic_vram
from parity import pack_module
from safetensors.torch import save_file


@pytest.fixture
def folders(host_nodes, monkeypatch, tmp_path):
    """The pack's folders module, with models/deig and models/text_encoders in an empty place."""
    import folder_paths

    module = pack_module(host_nodes, "nodes.host.folders")
    for name in (module.FOLDER, module.TEXT_ENCODERS):
        path = tmp_path / name
        path.mkdir()
        monkeypatch.setitem(folder_paths.folder_names_and_paths, name, ([str(path)], module.EXTENSIONS))
        folder_paths.filename_list_cache.pop(name, None)
    yield module
    for name in (module.FOLDER, module.TEXT_ENCODERS):
        folder_paths.filename_list_cache.pop(name, None)


def test_extra_model_paths_are_kept(host_nodes, monkeypatch, tmp_path):
    import folder_paths

    folders = pack_module(host_nodes, "nodes.host.folders")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.safetensors").touch()
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "deig", ([str(elsewhere)], set())
    )  # what the yaml leaves behind
    folder_paths.filename_list_cache.pop("deig", None)
    folders.register()
    assert folders.weights() == ["mine.safetensors"]
    assert (
        folder_paths.get_folder_paths("deig")[0] == str(elsewhere) and len(folder_paths.get_folder_paths("deig")) == 2
    )


def test_missing_folders_are_empty_lists(folders, tmp_path):
    for name in ("deig", "text_encoders"):
        (tmp_path / name).rmdir()
    assert folders.weights() == [] and folders.text_encoders() == []


@pytest.mark.parametrize(
    ("node", "word"),
    [("DEIGLoad", "models/deig"), ("DEIGLoadCheckpoint", "models/deig"), ("DEIGLoadTextEncoder", "text_encoders")],
)
def test_no_weights_yet(host_nodes, folders, node, word):
    said = host_nodes.NODE_CLASS_MAPPINGS[node].validate_inputs("model.pth")
    assert word in said and "yet" in said


def test_text_encoder_list_shows_folders_once(folders, tmp_path):
    root = tmp_path / "text_encoders"
    (root / "T5-XL").mkdir()
    for name in ("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        (root / "T5-XL" / name).touch()
    (root / "flan.safetensors").touch()
    assert folders.text_encoders() == ["T5-XL", "flan.safetensors"]
    assert folders.text_encoder_path("T5-XL") == str(root / "T5-XL")
    with pytest.raises(FileNotFoundError):
        folders.text_encoder_path("../deig")


def test_folders_however_deep_and_no_shards(folders, tmp_path):
    root = tmp_path / "text_encoders"
    snapshots = root / "models--google--flan-t5-xl" / "snapshots"
    for folder in (root / "flan" / "T5-XL", snapshots / "aaa", snapshots / "bbb"):
        folder.mkdir(parents=True)
        for name in ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
            (folder / name).touch()
        (folder / "config.json").write_text('{"model_type": "t5"}')
    os.utime(snapshots / "aaa", (1, 1))
    other = root / "clip"
    other.mkdir()
    kind = '"model_type": "clip_text_model"}'
    (other / "config.json").write_text(
        '{"label2id": {' + ", ".join(f'"{i}": {i}' for i in range(20_000)) + "}, " + kind
    )
    (other / "model.safetensors").touch()
    (root / "alone-00001-of-00002.safetensors").touch()
    cached = os.path.join("models--google--flan-t5-xl", "snapshots", "bbb")
    names = [os.path.join("clip", "model.safetensors"), os.path.join("flan", "T5-XL"), cached]
    assert folders.text_encoders() == names
    assert folders.text_encoder_path(cached) == str(root / cached)


def test_folders_are_walked_again_only_where_something_came_or_went(folders, tmp_path, monkeypatch):
    looked = []
    is_encoder = folders._is_encoder
    monkeypatch.setattr(folders, "_is_encoder", lambda folder: looked.append(folder.name) or is_encoder(folder))
    root = tmp_path / "text_encoders"
    (root / "flan" / "T5").mkdir(parents=True)
    (root / "flan" / "T5" / "config.json").write_text('{"model_type": "t5"}')
    assert folders.text_encoders() == folders.text_encoders() == [os.path.join("flan", "T5")]
    assert looked == ["flan", "T5"]
    (root / "flan" / "XL").mkdir()
    (root / "flan" / "XL" / "config.json").write_text('{"model_type": "t5"}')
    assert folders.text_encoders() == [os.path.join("flan", "T5"), os.path.join("flan", "XL")]
    shutil.rmtree(root / "flan")
    assert folders.text_encoders() == []


@pytest.mark.parametrize("layout", ["file", "folder"])
def test_a_text_encoder_through_the_node(graph, folders, tmp_path, layout):
    weights = {k: v.clone() for k, v in graph.encoder.encoder.model.state_dict().items()}
    name = "t5.safetensors"
    if layout == "folder":
        name = "T5"
        graph.encoder.encoder.model.save_pretrained(tmp_path / "text_encoders" / name)
    else:
        save_file(
            {k: v for k, v in weights.items() if k != "encoder.embed_tokens.weight"}, tmp_path / "text_encoders" / name
        )
    (encoder,) = graph.node("DEIGLoadTextEncoder", encoder_name=name, dtype="auto")
    with torch.inference_mode():
        ours, demo = encoder.encode(["a tree"])[0], graph.encoder.encode(["a tree"])[0]
    assert (ours.tensor - demo.tensor).abs().max() < 1e-5


def test_converted_weights_sample_as_the_ones_in_memory(graph, folders, tmp_path):
    write = pack_module(graph.host, "deig_core.checkpoint.write")
    adapter = graph.adapter.model.adapter
    write.save_adapter(tmp_path / "deig" / "demo.safetensors", adapter, adapter.config, dtype=torch.float32)
    (loaded,) = graph.node("DEIGLoad", weights_name="demo.safetensors")
    text = graph.encode()
    (model,) = graph.node(
        "DEIGApply", model=graph.model, adapter=loaded, strength=1.0, start=0.0, end=1.0, decay=0.0, context="t5"
    )
    read = loaded.model.adapter.state_dict()
    assert all(torch.equal(v, read[k]) for k, v in adapter.state_dict().items())
    # Not bit for bit: some processors' products round by where a weight lies in memory.
    torch.testing.assert_close(graph.sample(model, *text), graph.sample(graph.apply(), *text), rtol=1e-5, atol=1e-3)


def test_the_host_can_make_a_second_adapter_for_another_gpu(graph, folders, tmp_path):
    write = pack_module(graph.host, "deig_core.checkpoint.write")
    adapter = graph.adapter.model.adapter
    write.save_adapter(tmp_path / "deig" / "demo.safetensors", adapter, adapter.config)
    (loaded,) = graph.node("DEIGLoad", weights_name="demo.safetensors")
    factory, arguments = loaded.cached_patcher_init
    second = factory(*arguments)
    assert second.model is not loaded.model and second.model.extractor is not loaded.model.extractor


def test_the_published_file_at_its_real_size(graph, folders, tmp_path, monkeypatch):
    """1095 keys and the VAE's 248 in one pickle: MODEL, VAE and adapter that sample together and can be made again."""
    import json

    # What users have, where the host knows it.
    switch_on_dynamic_vram(monkeypatch.setattr)

    from comfy.ldm.models.autoencoder import AutoencoderKL

    shapes = json.loads((Path(__file__).parents[1] / "golden" / "real_size_state_dict_shapes.json").read_text())
    vae_config = {
        "double_z": True,
        "z_channels": 4,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 128,
        "ch_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "attn_resolutions": [],
        "dropout": 0.0,
    }
    with torch.device("meta"):
        autoencoder = AutoencoderKL(ddconfig=vae_config, embed_dim=4).state_dict()
    assert len(autoencoder) == 248
    one = torch.tensor(1e-5, dtype=torch.float16)  # small enough that no sum of thousands overflows
    # All of them show one number, so that the file is small; what is made of them is as large as it is for users.
    published = {
        "model": {k: one.expand(s) for k, s in shapes.items()},
        "autoencoder": {k: one.expand(v.shape) for k, v in autoencoder.items()},
        "diffusion": {},
        "iters": 800000,
    }
    torch.save(published, tmp_path / "deig" / "model.pth")
    del published
    model, vae, adapter = graph.node("DEIGLoadCheckpoint", weights_name="model.pth")
    assert type(model.model.model_config).__name__ == "SD15"
    grounded = pack_module(graph.host, "deig_core.text.grounded")
    conditioning = pack_module(graph.host, "nodes.host.conditioning")
    regions = graph.regions(width=64, height=64).regions
    text = grounded.TextFeatures.of(torch.randn(128, 2048))
    positive = conditioning.with_deig(None, grounded.GroundedText(text, grounded.Layout(regions), (text, text)))
    negative = conditioning.with_deig(None, grounded.GroundedText(text, grounded.Layout(()), ()))
    (patched,) = graph.node(
        "DEIGApply", model=model, adapter=adapter, strength=1.0, start=0.0, end=1.0, decay=0.0, context="t5"
    )
    ran = []
    for fuser in adapter.model.adapter.fusers.values():
        fuser.register_forward_hook(lambda *_: ran.append(True))
    out = graph.sample(patched, positive, negative, size=(8, 8), steps=1)
    assert out.shape == (1, 4, 8, 8) and out.isfinite().all() and len(ran) == 16
    assert graph.node("VAEDecode", samples={"samples": out}, vae=vae)[0].shape == (1, 64, 64, 3)
    # On the oldest host a clone loses it, and nothing there asks for it.
    for patcher in (p for p in (model, vae.patcher, adapter) if hasattr(p, "cached_patcher_init")):
        factory, arguments = patcher.cached_patcher_init
        again = factory(*arguments, disable_dynamic=True)
        assert arguments == (str(tmp_path / "deig" / "model.pth"),) and again.model is not patcher.model
        assert again.model.state_dict().keys() == patcher.model.state_dict().keys()
