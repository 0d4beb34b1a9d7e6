"""Host MODELs of Stable Diffusion 1.x's kind at any size, with random weights or with given ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import comfy.supported_models
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher
from torch import nn

from ...deig_core.model.adapter import check_keys
from ...deig_core.model.untrained import random_weights
from .patchers import unet_patcher

# Stable Diffusion 1.x with three levels and narrow: what the untrained demo is.
SMALL_UNET = {
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
    "context_dim": 64,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_temporal_attention": False,
}
# torch's own layers show what a model consists of; the host's may have no weights before they are loaded.
PLAIN = SimpleNamespace(
    Linear=nn.Linear,
    LayerNorm=nn.LayerNorm,
    GroupNorm=nn.GroupNorm,
    Conv2d=nn.Conv2d,
    conv_nd=lambda dims, *args, **kwargs: {2: nn.Conv2d, 3: nn.Conv3d}[dims](*args, **kwargs),
)


def _empty_unet(unet_config: Mapping, heads: int = 8) -> UNetModel:
    """The host's UNet of this size without data (device meta): its structure, its weights' names and shapes."""
    return UNetModel(**_model_config(unet_config, heads).unet_config, device="meta", operations=PLAIN)


def sd1_model(
    unet_config: Mapping,
    weights: Mapping[str, torch.Tensor] | int,
    *,
    heads: int = 8,
    dtype: torch.dtype = torch.float32,
    disable_dynamic: bool = False,
) -> ModelPatcher:
    """A host MODEL of SD 1.x's kind with another UNet size.

    weights: by their names in the original layout, or a seed of random ones.
    Raises WeightsError that names what does not fit.
    """
    expected = _empty_unet(unet_config, heads).state_dict()
    if isinstance(weights, int):
        weights = random_weights(expected, weights, dtype)
    check_keys(weights, expected, "UNet's weights")
    config = _model_config(unet_config, heads)
    config.set_inference_dtype(dtype, None)
    model = config.get_model({}, "")
    model.diffusion_model.load_state_dict({k: v.to(dtype) for k, v in weights.items()}, strict=True, assign=True)
    model.diffusion_model.requires_grad_(False)
    return unet_patcher(model, disable_dynamic)


def _model_config(unet_config: Mapping, heads: int) -> comfy.supported_models.SD15:
    config = comfy.supported_models.SD15({**unet_config, "num_heads": heads})
    config.unet_config["num_heads"] = heads
    return config
