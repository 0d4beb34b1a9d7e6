"""Our models under the host's memory management: its layers may be empty until loaded, and it makes models again.

DynamicVRAM itself needs a GPU. What it changes for us is here on a CPU: the flag by which the host's layers come
without weights, and patchers that say of themselves that they are dynamic, so that the host takes the same ways with
them (delegates without paging, deep clones).
"""

import sys

import pytest
import torch
from graph import Graph
from parity import pack_module
from safetensors.torch import load_file, save_file


@pytest.fixture(params=["plain", "dynamic"])
def way(request):
    """The host without DynamicVRAM, and with it."""
    return request.getfixturevalue("dynamic_vram") if request.param == "dynamic" else None


@pytest.fixture
def demo(graph, way):
    """The demo of one seed, loaded the way that is tested."""
    return Graph(graph.host)


def trained(graph):
    other = Graph(graph.host)
    other.model, other.vae, other.adapter, other.encoder = other.node("DEIGLoadDemo", weights_seed=0)[:4]
    return other


def sample(graph, model, text):
    return graph.sample(model, *text, size=(8, 8), steps=2)


def pictures(graph):
    samples = sample(graph, graph.apply(), graph.encode())
    return samples, graph.node("VAEDecode", samples={"samples": samples}, vae=graph.vae)[0]


@pytest.mark.parametrize("make", [trained, lambda graph: Graph(graph.host)], ids=["trained", "untrained"])
def test_the_demo_makes_the_same_picture_with_dynamic_vram(graph, make, request):
    without = pictures(make(graph))
    request.getfixturevalue("dynamic_vram")
    for expected, found in zip(without, pictures(make(graph)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-3)


def test_converted_weights_make_the_same_picture_with_dynamic_vram(graph, tmp_path, request):
    write, patchers = (pack_module(graph.host, n) for n in ("deig_core.checkpoint.write", "nodes.host.patchers"))
    adapter = graph.adapter.model.adapter
    write.save_adapter(tmp_path / "demo.safetensors", adapter, adapter.config, dtype=torch.float32)
    expected = pictures(graph)[0]
    request.getfixturevalue("dynamic_vram")
    again = Graph(graph.host)
    again.adapter = patchers.load_adapter_patcher(str(tmp_path / "demo.safetensors"))
    assert again.adapter.is_dynamic()
    torch.testing.assert_close(pictures(again)[0], expected, rtol=1e-5, atol=1e-3)


def test_who_is_paged_and_who_is_not(graph, dynamic_vram):
    for loaded in (Graph(graph.host), trained(graph)):
        assert loaded.model.is_dynamic() and loaded.vae.patcher.is_dynamic() and loaded.adapter.is_dynamic()
        # transformers' layers are not the host's: it could not page them.
        assert not loaded.encoder.patcher.is_dynamic()


def test_the_adapter_follows_the_file_not_the_layers(graph, dynamic_vram, tmp_path):
    patchers = pack_module(graph.host, "nodes.host.patchers")
    adapter = graph.adapter.model.adapter
    weights = {k: v.clone() for k, v in adapter.published_state_dict().items()}
    weights["IDE.connector.proj_in.bias"] = torch.zeros(3)
    save_file(weights, tmp_path / "short.safetensors")
    with pytest.raises(ValueError, match=r"IDE\.connector\.proj_in\.bias is \[3\] where \[64\] was expected"):
        patchers.load_adapter_patcher(str(tmp_path / "short.safetensors"))


# Remaking


def patchers_of(loaded):
    return {"model": loaded.model, "vae": loaded.vae.patcher, "adapter": loaded.adapter}


def weights_of(patcher):
    return patcher.model.state_dict()


@pytest.mark.parametrize("what", ["model", "vae", "adapter"])
@pytest.mark.parametrize("make", [trained, lambda graph: Graph(graph.host)], ids=["trained", "untrained"])
def test_everything_handed_out_can_be_made_again(graph, way, make, what):
    from comfy.model_patcher import ModelPatcher

    patcher = patchers_of(make(graph))[what]
    if not hasattr(patcher, "cached_patcher_init"):
        pytest.skip("this host's clones keep no way to be made again")
    factory, arguments = patcher.cached_patcher_init
    assert all(isinstance(a, str | int) for a in arguments)
    assert getattr(sys.modules[factory.__module__], factory.__name__) is factory
    for again in (factory(*arguments), factory(*arguments, disable_dynamic=True)):
        assert again.model is not patcher.model and again.cached_patcher_init == patcher.cached_patcher_init
        assert weights_of(again).keys() == weights_of(patcher).keys()
        assert all(torch.equal(v, weights_of(patcher)[k]) for k, v in weights_of(again).items())
        ours, theirs = ({v.data_ptr() for v in weights_of(p).values()} for p in (patcher, again))
        assert not ours & theirs
    # A VAE's patcher is made by the host, which makes a plain one around the new model itself.
    assert what == "vae" or type(again) is ModelPatcher


def needs(graph, method):
    if not hasattr(graph.model, method):
        pytest.skip(f"this host has no {method}")


@pytest.mark.parametrize("what", ["model", "vae", "adapter"])
def test_clones_that_are_not_paged(graph, dynamic_vram, what):
    from comfy.model_patcher import ModelPatcher

    patcher = patchers_of(Graph(graph.host))[what]
    clone = patcher.clone(disable_dynamic=True)
    assert type(clone) is ModelPatcher and clone.model is not patcher.model
    assert all(torch.equal(v, weights_of(patcher)[k]) for k, v in weights_of(clone).items())


@pytest.mark.parametrize("make", [trained, lambda graph: Graph(graph.host)], ids=["trained", "untrained"])
def test_a_deep_clone_for_another_gpu_brings_its_own_adapter(graph, way, make):
    needs(graph, "deepclone_multigpu")
    loaded = make(graph)
    text, patched = loaded.encode(), loaded.apply()
    clone = patched.deepclone_multigpu(new_load_device=torch.device("cpu"))
    (adapter,) = clone.get_additional_models_with_key("deig")
    assert clone.model is not patched.model and adapter.model is not loaded.adapter.model
    assert adapter.model.extractor is not loaded.adapter.model.extractor
    torch.testing.assert_close(sample(loaded, clone, text), sample(loaded, patched, text), rtol=1e-5, atol=1e-3)
    again = loaded.vae.patcher.deepclone_multigpu(new_load_device=torch.device("cpu"))
    assert again.model is not loaded.vae.patcher.model


def test_select_model_device(graph, dynamic_vram):
    loaded = Graph(graph.host)
    text, patched = loaded.encode(), loaded.apply()
    (moved,) = loaded.node("SelectModelDevice", model=patched, device="cpu")
    assert moved.model is not patched.model and not moved.is_dynamic()
    torch.testing.assert_close(sample(loaded, moved, text), sample(loaded, patched, text), rtol=1e-5, atol=1e-3)


@pytest.fixture
def lora(demo, monkeypatch, tmp_path):
    """Name of a LoRA file for the demo's UNet."""
    import folder_paths

    unet = demo.model.model.diffusion_model.state_dict()
    lot, made = torch.Generator().manual_seed(0), {}
    for key in ("input_blocks.1.1.transformer_blocks.0.attn1.to_q", "middle_block.1.transformer_blocks.0.attn2.to_v"):
        out, into = unet[f"{key}.weight"].shape
        name = f"lora_unet_{key.replace('.', '_')}"
        made[f"{name}.lora_up.weight"], made[f"{name}.lora_down.weight"] = (
            torch.randn(shape, generator=lot) for shape in ((out, 4), (4, into))
        )
        made[f"{name}.alpha"] = torch.tensor(4.0)
    from comfy.lora import model_lora_keys_unet

    names = model_lora_keys_unet(demo.model.model, {})
    assert all(k.rsplit(".", 1)[0].removesuffix(".lora_up").removesuffix(".lora_down") in names for k in made)
    save_file(made, tmp_path / "demo lora.safetensors")
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(tmp_path)], {".safetensors"}))
    folder_paths.filename_list_cache.pop("loras", None)
    yield "demo lora.safetensors"
    folder_paths.filename_list_cache.pop("loras", None)


def test_conditioning_hooks_act_as_the_lora_in_the_model(demo, lora):
    text = demo.encode()
    (hooks,) = demo.node("CreateHookLoraModelOnly", lora_name=lora, strength_model=0.5)
    hooked = demo.node(
        "PairConditioningSetProperties",
        positive_NEW=text[0],
        negative_NEW=text[1],
        strength=1.0,
        set_cond_area="default",
        hooks=hooks,
    )
    (with_lora,) = demo.node("LoraLoaderModelOnly", model=demo.model, lora_name=lora, strength_model=0.5)
    plain = sample(demo, demo.apply(), text)
    expected = sample(demo, demo.apply(with_lora), text)
    found = sample(demo, demo.apply(), hooked)
    assert (expected - plain).abs().max() > 1e-2
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(sample(demo, demo.apply(), text), plain, rtol=1e-5, atol=1e-3)


def test_torch_compile_model(graph, dynamic_vram):
    """Without DynamicVRAM: test_kernel.py."""
    demo = Graph(graph.host)
    text = demo.encode()
    expected = sample(demo, demo.apply(), text)
    # The node's other backends need a C++ compiler and minutes.
    (compiled,) = demo.node("TorchCompileModel", model=demo.apply(), backend="eager")
    torch.testing.assert_close(sample(demo, compiled, text), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
def test_merging_models(demo, ratio):
    other, text = demo.node("DEIGLoadDemo", weights_seed=2)[0], demo.encode()
    (merged,) = demo.node("ModelMergeSimple", model1=demo.model, model2=other, ratio=ratio)
    expected = demo.node("DEIGLoadDemo", weights_seed=1)[0]
    with torch.inference_mode():
        for weight, theirs in zip(*(m.model.diffusion_model.parameters() for m in (expected, other)), strict=True):
            weight.lerp_(theirs, 1 - ratio)
    drawn = sample(demo, demo.apply(expected), text)
    torch.testing.assert_close(sample(demo, demo.apply(merged), text), drawn, rtol=1e-4, atol=1e-3)


def part(weights, prefix):
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def test_save_nodes_write_the_models_weights(demo, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path))
    unet, vae = demo.model.model.diffusion_model.state_dict(), demo.vae.get_sd()
    # The demo has no CLIP; the node's socket asks for one, its code does not.
    demo.node("CheckpointSave", model=demo.apply(), clip=None, vae=demo.vae, filename_prefix="all")
    demo.node("ModelSave", model=demo.apply(), filename_prefix="model")
    demo.node("VAESave", vae=demo.vae, filename_prefix="vae")
    saved = {name: load_file(next(tmp_path.glob(f"{name}_*.safetensors"))) for name in ("all", "model", "vae")}
    for name in ("all", "model"):
        found = part(saved[name], "model.diffusion_model.")
        assert found.keys() == unet.keys() and all(torch.equal(v, unet[k]) for k, v in found.items())
    for values in (part(saved["all"], "first_stage_model."), saved["vae"]):
        assert values.keys() == vae.keys() and all(torch.equal(v, vae[k]) for k, v in values.items())
