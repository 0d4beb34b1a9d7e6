"""Bases in every form that people have them; the start from GLIGEN; pictures without ComfyUI."""

import json

import pytest
import torch
from safetensors.torch import save_file

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from tiny import features, tiny_adapter, tiny_unet

from deig_core.checkpoint.base_unet import sd1_unet_shapes
from deig_core.demo import files
from deig_core.diffusers_unet import load
from deig_core.diffusers_unet.attach import attach
from deig_core.diffusers_unet.names import original_state_dict
from deig_core.diffusers_unet.sample import sample
from deig_core.errors import WeightsError
from deig_core.layout.layout import Layout
from deig_core.model.config import SD1_FUSERS, DeigConfig
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText
from research.demo import models
from research.training import start
from research.training.noise import alphas_cumprod


def eight_heads():
    torch.manual_seed(0)
    return UNet2DConditionModel(
        block_out_channels=(32, 64, 64),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=2,
        cross_attention_dim=32,
        attention_head_dim=8,
    )


@pytest.mark.parametrize("form", ["checkpoint", "pickle", "published", "config", "folder", "pipeline"])
def test_the_unet_is_read_from(tmp_path, form):
    unet = tiny_unet() if form == "config" else eight_heads()
    weights, path = {k: v.contiguous() for k, v in original_state_dict(unet).items()}, tmp_path / "base.safetensors"
    if form == "checkpoint":
        save_file(
            {f"model.diffusion_model.{k}": v for k, v in weights.items()} | {"cond_stage_model.x": torch.ones(1)}, path
        )
    elif form == "pickle":
        torch.save(
            {"state_dict": {f"model.diffusion_model.{k}": v for k, v in weights.items()}, "step": 3},
            path := tmp_path / "base.ckpt",
        )
    elif form == "published":
        deig = {k: v.clone() for k, v in tiny_adapter(tiny_unet()).published_state_dict().items()}
        torch.save({"model": weights | deig, "autoencoder": {}}, path := tmp_path / "model.pth")
    elif form == "config":
        save_file(weights, path, {"unet_config": json.dumps(dict(unet.config))})
    else:
        path = tmp_path / "base"
        unet.save_pretrained(path / "unet" if form == "pipeline" else path)
    found = load.load_unet(path)
    x, context = torch.randn(1, 4, 16, 16), torch.randn(1, 3, 32)
    assert found.state_dict().keys() == unet.state_dict().keys()
    assert all(torch.equal(v, unet.state_dict()[k]) for k, v in found.state_dict().items())
    # Not bit for bit: some processors' products round by where a weight lies in memory.
    with torch.no_grad():
        torch.testing.assert_close(found(x, 5, context).sample, unet.eval()(x, 5, context).sample)
    assert not any(p.requires_grad for p in found.parameters()) and not found.training


def test_the_sizes_of_stable_diffusion_are_recognised():
    found = load.unet_config({k: torch.empty(s, device="meta") for k, s in sd1_unet_shapes().items()})
    assert (
        found["block_out_channels"] == (320, 640, 1280, 1280)
        and found["layers_per_block"] == 2
        and found["cross_attention_dim"] == 768
    )
    assert found["down_block_types"] == ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)
    with torch.device("meta"):
        adapter = start.new_adapter(UNet2DConditionModel(**found))
        assert adapter.config == DeigConfig(fusers=SD1_FUSERS)
    assert sum(p.numel() for p in adapter.parameters()) == 297_147_296


def test_another_file_is_no_base(tmp_path):
    save_file({"x": torch.ones(1)}, tmp_path / "lora.safetensors")
    for read, what in ((load.load_unet, "UNet"), (load.load_autoencoder, "autoencoder")):
        with pytest.raises(WeightsError, match=rf"^lora\.safetensors holds no Stable Diffusion 1\.x {what}"):
            read(tmp_path / "lora.safetensors")


def test_autoencoders_of_a_folder(tmp_path):
    torch.manual_seed(0)
    tiny = AutoencoderTiny().eval()
    full = AutoencoderKL(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        scaling_factor=0.5,
    ).eval()
    pictures = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        for model, expected in (
            (tiny, tiny.encoder(pictures * 2 - 1)),
            (full, 0.5 * full.encode(pictures * 2 - 1).latent_dist.mean),
        ):
            model.save_pretrained(tmp_path / type(model).__name__ / "vae")
            found = load.load_autoencoder(tmp_path / type(model).__name__)
            latents = load.encode(found, pictures)
            assert type(found) is type(model) and torch.equal(latents, expected) and latents.shape == (2, 4, 4, 4)
            assert load.decode(found, latents).shape == pictures.shape


def test_the_demos_autoencoder():
    """The same pictures and latents as by the model that was trained."""
    found, trained = load.load_autoencoder(files.WEIGHTS / files.VAE), models.autoencoder()
    pictures = torch.rand(1, 3, 32, 32, generator=torch.manual_seed(0))
    with torch.no_grad():
        latents = trained.encode(pictures)
        torch.testing.assert_close(load.encode(found, pictures), latents, rtol=1e-5, atol=1e-5)
        made = trained.decode(latents).clamp(0, 1)
        torch.testing.assert_close(load.decode(found, latents), made, rtol=1e-5, atol=1e-5)


def test_a_gligen_file_starts_fusers_and_position_net(tmp_path):
    unet = tiny_unet()
    given, adapter = tiny_adapter(unet, seed=1, gate=0.25), tiny_adapter(unet, seed=2)
    ide = {k: v.clone() for k, v in adapter.ide.state_dict().items()}
    gligen = {k: v.clone() for k, v in given.published_state_dict().items() if not k.startswith("IDE.")}
    torch.save({"model": gligen | {"input_blocks.0.0.weight": torch.ones(1)}}, tmp_path / "gligen.bin")
    assert start.start_from_gligen(adapter, tmp_path / "gligen.bin") == len(gligen)
    assert all(torch.equal(adapter.published_state_dict()[k], v) for k, v in gligen.items())
    assert all(torch.equal(adapter.ide.state_dict()[k], v) for k, v in ide.items())
    del gligen["position_net.linears.4.bias"]
    save_file(gligen, tmp_path / "less.safetensors")
    with pytest.raises(
        WeightsError, match=r"less\.safetensors cannot start this adapter: position_net\.linears\.4\.bias \(1 in all\)"
    ):
        start.start_from_gligen(adapter, tmp_path / "less.safetensors")


def test_sampling_is_ddim():
    """Against the closed form of its step, with the paper's timesteps."""
    unet = tiny_unet()
    adapter = tiny_adapter(unet)
    attached = attach(unet.eval(), adapter)
    prompt, thing, empty = (TextFeatures.of(f) for f in features(["a prompt", "a thing", ""]))
    wanted = GroundedText(prompt, Layout((Region("r", (0.1, 0.2, 0.7, 0.9)),)), (thing,))
    unwanted = GroundedText(empty, Layout(()), ())
    asked = []

    def spy(x, t, context, call, scale):
        asked.append((t, attached(x, t, context, call, scale=scale)))
        return asked[-1][1]

    noise = torch.randn(2, 4, 8, 8)
    found = sample(spy, adapter, wanted, unwanted, noise, steps=4, guidance=3.0)
    kept, x = alphas_cumprod(), noise
    assert [t for t, _ in asked] == [751, 501, 251, 1]
    for (t, out), following in zip(asked, (501, 251, 1, -249), strict=True):
        told, untold = out.chunk(2)
        eps = untold + 3.0 * (told - untold)
        now, then = kept[t], kept[max(following, 0)]
        x = then.sqrt() * (x - (1 - now).sqrt() * eps) / now.sqrt() + (1 - then).sqrt() * eps
    assert (found - x).abs().max() < 1e-4
    plain = sample(attached, adapter, GroundedText(prompt, Layout(()), ()), unwanted, noise, steps=4, guidance=3.0)
    assert (found - plain).abs().max() > 1e-3
