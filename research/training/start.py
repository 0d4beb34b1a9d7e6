"""The adapter that a training starts with."""

from __future__ import annotations

from pathlib import Path

from diffusers import UNet2DConditionModel

from deig_core.diffusers_unet.attach import transformer_blocks
from deig_core.diffusers_unet.load import read_weights
from deig_core.errors import WeightsError
from deig_core.model.adapter import DeigAdapter, is_deig_key
from deig_core.model.config import DeigConfig


def new_adapter(unet: UNet2DConditionModel, text_dim: int = 2048, *, tokens: int = 16, layers: int = 6) -> DeigAdapter:
    """An untrained adapter for `unet`, with the paper's proportions: for SD 1.x and Flan-T5-XL exactly the published
    model's sizes.
    """
    width = unet.config.cross_attention_dim
    fusers = tuple((address, block.norm1.normalized_shape[0]) for address, block in transformer_blocks(unet))
    heads = next(block.attn1.heads for _, block in transformer_blocks(unet))
    return DeigAdapter(
        DeigConfig(
            text_dim=text_dim,
            width=width,
            tokens=tokens,
            layers=layers,
            time_dim=width,
            hidden=4 * width,
            fusers=fusers,
            fuser_heads=heads,
            heads=8 if width % 8 == 0 else 1,
        )
    )


def start_from_gligen(adapter: DeigAdapter, path: str | Path) -> int:
    """Take fusers and position net over from a GLIGEN text-box file (docs/method.md section 9). Returns the number of
    tensors.

    Raises WeightsError that names what is missing or of another shape.
    """
    found = {k: v for k, v in read_weights(Path(path))[0].items() if is_deig_key(k) and not k.startswith("IDE.")}
    own = {k: v for k, v in adapter.published_state_dict().items() if not k.startswith("IDE.")}
    wrong = [k for k in own if k not in found or found[k].shape != own[k].shape]
    if wrong:
        raise WeightsError(
            f"{Path(path).name} cannot start this adapter: {wrong[0]} ({len(wrong)} in all) is missing or has another "
            f"shape; use the GLIGEN text-box file for Stable Diffusion 1.4."
        )
    for name, parameter in own.items():
        parameter.copy_(found[name])
    return len(own)
