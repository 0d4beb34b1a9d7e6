"""Whether a MODEL is one that the adapter was made for, said in the user's words."""

from __future__ import annotations

from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher

from ...deig_core.config import DeigConfig
from ...deig_core.errors import DeigError

SD1_WIDTH = 768


def check_model(model: ModelPatcher, config: DeigConfig) -> None:
    """Raise DeigError unless `model` is a UNet with the adapter's cross-attention width and transformer blocks."""
    kind = type(getattr(model.model, "model_config", None)).__name__
    unet = getattr(model.model, "diffusion_model", None)
    needed = f"Apply DEIG needs a Stable Diffusion 1.x model (cross-attention width {config.width})"
    if not isinstance(unet, UNetModel):
        raise DeigError(f"{needed}; this model is {kind}, which has no such UNet: load an SD 1.x checkpoint.")
    width = model.model.model_config.unet_config.get("context_dim")
    if width != config.width:
        # SD 1.x is 768 wide everywhere; weights of another width belong to a model of their own, such as the demo's.
        wanted = "an SD 1.x checkpoint" if config.width == SD1_WIDTH else "the model that these DEIG weights belong to"
        raise DeigError(f"{needed}; this checkpoint is {kind} ({width}): load {wanted}.")
    blocks = transformer_blocks(unet)
    if blocks != dict(config.fusers):
        raise DeigError(
            f"{needed} with {len(config.fusers)} transformer blocks like the DEIG weights'; this {kind} model has {len(blocks)} or other "
            "widths: load the checkpoint that the weights were made for.")


def transformer_blocks(unet: UNetModel) -> dict[tuple[str, int, int], int]:
    """Channels of every transformer block, by the name that the host gives it while sampling."""
    places = [(("input", i), b) for i, b in enumerate(unet.input_blocks)] + [(("middle", 0), unet.middle_block)]
    places += [(("output", i), b) for i, b in enumerate(unet.output_blocks)]
    return {
        (*place, index): block.norm1.normalized_shape[0]
        for place, layers in places for layer in layers if isinstance(layer, SpatialTransformer)
        for index, block in enumerate(layer.transformer_blocks)
    }
