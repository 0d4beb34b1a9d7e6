"""Tiny models of Stable Diffusion 1.x's shape, in the host's own classes: the trained ones of the pack, and
untrained ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import comfy.model_management as management
import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ...deig_core.demo import files
from ...deig_core.layout.masks import PIXELS_PER_LATENT
from ...deig_core.model.config import DeigConfig
from ...deig_core.model.untrained import random_weights, untrained_adapter
from .compatibility import transformer_blocks
from .folders import t5_tokenizer
from .keys import DEMO
from .message import say_at_running_node
from .patchers import (
    OPERATIONS,
    HostedTextEncoder,
    adapter_patcher,
    load_adapter_patcher,
    load_hosted_text_encoder,
    remade_by,
)
from .sd1 import SMALL_UNET, sd1_model

if TYPE_CHECKING:
    from ...deig_core.text.encoder import TextEncoder

WIDTH, TEXT_WIDTH = SMALL_UNET["context_dim"], 48


def demo_models(seed: int) -> tuple[ModelPatcher, comfy.sd.VAE, ModelPatcher, HostedTextEncoder]:
    """(MODEL, VAE, adapter, text encoder): the trained ones for seed 0, untrained ones from any other.

    The global random state is left as it was.
    """
    return demo_model(seed), _demo_vae(seed), demo_adapter(seed), _demo_text_encoder(seed)


def demo_model(seed: int, disable_dynamic: bool = False) -> ModelPatcher:
    if seed:
        model = sd1_model(SMALL_UNET, seed, disable_dynamic=disable_dynamic)
    else:
        weights = files.read(files.UNET)
        channels = weights["input_blocks.0.0.weight"].shape[0]
        context = weights["input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"].shape[1]
        size = {**SMALL_UNET, "model_channels": channels, "context_dim": context}
        model = sd1_model(size, weights, heads=files.HEADS, disable_dynamic=disable_dynamic)
    return remade_by(model, demo_model, seed)


def empty_latent() -> dict[str, torch.Tensor]:
    """A LATENT of the only size that the trained models know."""
    side = files.SIDE // PIXELS_PER_LATENT
    return {"samples": torch.zeros(1, 4, side, side, device=management.intermediate_device())}


def saying_what_it_knows(model: ModelPatcher) -> ModelPatcher:
    """A clone of the trained demo model that says it at the sampler's node when it is asked for more."""
    told = model.clone()
    told.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, DEMO, _say_what_it_knows)
    return told


def _say_what_it_knows(executor, noise, *args, **kwargs):
    height, width = (side * PIXELS_PER_LATENT for side in noise.shape[-2:])
    cfg, said = executor.class_obj.cfg, []
    if (width, height) != (files.SIDE, files.SIDE):
        said.append(
            f"The demo's model knows pictures of {files.SIDE} x {files.SIDE} pixels and this one is {width} x "
            f"{height}, where things repeat: connect the latent of Load DEIG Demo, or set width and height."
        )
    if cfg > 2 * files.GUIDANCE:
        said.append(
            f"The demo's model was made for CFG {files.GUIDANCE:g} and this is {cfg:g}, where colours run: connect "
            f"the cfg of Load DEIG Demo, or set it."
        )
    say_at_running_node(said)
    return executor(noise, *args, **kwargs)


def demo_adapter(seed: int, disable_dynamic: bool = False) -> ModelPatcher:
    if not seed:
        return load_adapter_patcher(str(files.WEIGHTS / files.ADAPTER), disable_dynamic)
    config = DeigConfig(
        text_dim=TEXT_WIDTH,
        width=WIDTH,
        tokens=8,
        layers=2,
        heads=4,
        time_channels=32,
        time_dim=WIDTH,
        hidden=2 * WIDTH,
        position_hidden=64,
        fuser_heads=4,
        fusers=tuple(transformer_blocks(SMALL_UNET).items()),
    )
    adapter = untrained_adapter(config, seed, operations=OPERATIONS)
    return remade_by(adapter_patcher(adapter, disable_dynamic), demo_adapter, seed)


def demo_vae_patcher(seed: int, disable_dynamic: bool = False) -> ModelPatcher:
    """The VAE's patcher alone. As with the host's own loaders, a plain one around its model is the host's to make."""
    return _demo_vae(seed).patcher


def _demo_vae(seed: int) -> comfy.sd.VAE:
    weights = files.read(files.VAE)
    if seed:
        weights = random_weights(weights, seed)
        weights["vae_scale"].fill_(1.0)
        # A last layer (three colours) that lands inside 0..1, so that the noise can be seen.
        (bias,) = (k for k, v in weights.items() if k.startswith("taesd_decoder.") and v.shape == (3,))
        weights[bias.replace(".bias", ".weight")].mul_(0.15)
        weights[bias].fill_(0.5)
    vae = comfy.sd.VAE(sd=weights)
    remade_by(vae.patcher, demo_vae_patcher, seed)
    return vae


def _demo_text_encoder(seed: int) -> HostedTextEncoder:
    if not seed:
        return load_hosted_text_encoder(str(files.WEIGHTS / files.TEXT), "fp32", tokenizer="")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return HostedTextEncoder(_random_t5())


def _random_t5() -> TextEncoder:
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
