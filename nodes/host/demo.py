"""Tiny models of Stable Diffusion 1.x's shape, in the host's own classes: the trained ones of the pack, and
untrained ones.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import comfy.model_management as management
import comfy.sd
import comfy.supported_models
import torch
from comfy.model_patcher import ModelPatcher
from comfy.taesd.taesd import TAESD

from ...deig_core.demo import files
from ...deig_core.model.adapter import DeigAdapter
from ...deig_core.model.config import DeigConfig
from .compatibility import transformer_blocks
from .folders import t5_tokenizer
from .patchers import OPERATIONS, HostedTextEncoder, adapter_patcher, load_adapter_patcher, load_hosted_text_encoder

WIDTH, TEXT_WIDTH = 64, 48
UNET = {
    "use_checkpoint": False,
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "use_spatial_transformer": True,
    "legacy": False,
    "model_channels": 32,
    "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 2, 2],
    "transformer_depth": [1, 1, 1],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": WIDTH,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_temporal_attention": False,
}
log = logging.getLogger("deig")


def sd1_model(
    unet_config: Mapping, weights: Mapping[str, torch.Tensor], *, heads: int = 8, dtype: torch.dtype = torch.float32
) -> ModelPatcher:
    """A host MODEL of SD 1.x's kind with another UNet size. `weights` by their names in the original layout; {}
    keeps the initial ones.
    """
    config = comfy.supported_models.SD15({**unet_config, "num_heads": heads})
    config.unet_config["num_heads"] = heads
    config.set_inference_dtype(dtype, None)
    model = config.get_model({}, "")
    if weights:
        model.diffusion_model.load_state_dict(weights, strict=True)
    return ModelPatcher(
        model, load_device=management.get_torch_device(), offload_device=management.unet_offload_device()
    )


def random_adapter(
    model: ModelPatcher, text_width: int = TEXT_WIDTH, *, tokens: int = 8, heads: int = 4
) -> DeigAdapter:
    """An adapter for `model` with random weights and open gates."""
    unet_config = model.model.model_config.unet_config
    width = unet_config["context_dim"]
    config = DeigConfig(
        text_dim=text_width,
        width=width,
        tokens=tokens,
        layers=2,
        heads=heads,
        time_channels=32,
        time_dim=width,
        hidden=2 * width,
        position_hidden=64,
        fuser_heads=heads,
        fusers=tuple(transformer_blocks(unet_config).items()),
    )
    adapter = DeigAdapter(config, operations=OPERATIONS)
    fill(adapter)
    for fuser in adapter.fusers.values():
        fuser.alpha_attn.data.fill_(1.0)
        fuser.alpha_dense.data.fill_(0.3)
    return adapter.requires_grad_(False)


def fill(module: torch.nn.Module) -> None:
    """Random weights of a size that keeps activations of order one (the host's layers come uninitialised)."""
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            parameter.data.normal_(0, parameter[0].numel() ** -0.5)
        else:
            parameter.data.fill_(1.0 if name.endswith("weight") else 0.0)


def demo_models(seed: int) -> tuple[ModelPatcher, comfy.sd.VAE, ModelPatcher, HostedTextEncoder]:
    """(MODEL, VAE, adapter, text encoder): the trained ones for seed 0, untrained ones from any other."""
    return _untrained(seed) if seed else _trained()


def _trained() -> tuple[ModelPatcher, comfy.sd.VAE, ModelPatcher, HostedTextEncoder]:
    weights = files.read(files.UNET)
    channels, context = (
        weights["input_blocks.0.0.weight"].shape[0],
        weights["input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"].shape[1],
    )
    model = sd1_model({**UNET, "model_channels": channels, "context_dim": context}, weights, heads=files.HEADS)
    return (
        model,
        comfy.sd.VAE(sd=files.read(files.VAE)),
        load_adapter_patcher(str(files.WEIGHTS / files.ADAPTER)),
        load_hosted_text_encoder(str(files.WEIGHTS / files.TEXT), "fp32", tokenizer=""),
    )


def _untrained(seed: int) -> tuple[ModelPatcher, comfy.sd.VAE, ModelPatcher, HostedTextEncoder]:
    """The global random state is left as it was."""
    log.warning(
        "Load DEIG Demo: with weights_seed %d these models are untrained and the picture will be noise; 0 is the "
        "trained ones.",
        seed,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = sd1_model(UNET, {})
        fill(model.model.diffusion_model)
        adapter = adapter_patcher(random_adapter(model))
        taesd = TAESD()
        fill(taesd)
        taesd.vae_scale.data.fill_(1.0)
        # A last layer that lands inside 0..1, so that the noise can be seen.
        taesd.taesd_decoder[-1].weight.data.mul_(0.15)
        taesd.taesd_decoder[-1].bias.data.fill_(0.5)
        vae = comfy.sd.VAE(sd=taesd.state_dict())
        return model, vae, adapter, HostedTextEncoder(_random_t5())


def _random_t5():
    from transformers import T5Config, T5EncoderModel, T5TokenizerFast

    from ...deig_core.text.encoder import TextEncoder

    config = T5Config(
        vocab_size=32128,
        d_model=TEXT_WIDTH,
        d_kv=12,
        d_ff=96,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
    )
    tokenizer = T5TokenizerFast.from_pretrained(t5_tokenizer(), local_files_only=True)
    return TextEncoder(T5EncoderModel(config).eval().requires_grad_(False), tokenizer)
