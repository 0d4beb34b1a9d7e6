"""diffusers' names of a UNet's weights -> those of the original SD 1.x layout, which ComfyUI loads."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

from ..checkpoint.base_unet import sd1_unet_shapes


def original_names(unet: UNet2DConditionModel) -> dict[str, str]:
    """Found by sending numbered markers through diffusers' own conversion of the other direction."""
    config = unet.config
    first = config.block_out_channels[0]
    names = list(
        sd1_unet_shapes(
            first,
            tuple(c // first for c in config.block_out_channels),
            config.layers_per_block,
            config.cross_attention_dim,
            sum(kind.startswith("CrossAttn") for kind in config.down_block_types),
        )
    )
    markers = {f"model.diffusion_model.{name}": torch.tensor(i) for i, name in enumerate(names)}
    return {ours: names[int(marker)] for ours, marker in convert_ldm_unet_checkpoint(markers, dict(config)).items()}


def original_state_dict(unet: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    """The UNet's weights under the original names, sharing memory."""
    names = original_names(unet)
    return {names[k]: v for k, v in unet.state_dict().items()}


def load_original(unet: UNet2DConditionModel, weights: dict[str, torch.Tensor]) -> None:
    """Raises RuntimeError, naming the keys, if the weights are another UNet's."""
    unet.load_state_dict({k: weights[name] for k, name in original_names(unet).items() if name in weights}, strict=True)
