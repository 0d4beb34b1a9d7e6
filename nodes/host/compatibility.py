"""Whether a MODEL is one that the adapter was made for, said in the user's words."""

from __future__ import annotations

from collections.abc import Mapping

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher

from ...deig_core.errors import DeigError
from ...deig_core.model.config import DeigConfig

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
    blocks = transformer_blocks(model.model.model_config.unet_config)
    if blocks != dict(config.fusers):
        raise DeigError(
            f"{needed} with {len(config.fusers)} transformer blocks like the DEIG weights'; this {kind} model has "
            f"{len(blocks)} or other "
            "widths: load the checkpoint that the weights were made for."
        )


def transformer_blocks(unet_config: Mapping) -> dict[tuple[str, int, int], int]:
    """Channels of every transformer block, by the name that the host gives it while sampling.

    Read off the configuration by the rules of the host's UNetModel: other nodes put modules of their own in the place
    of blocks.
    """
    channels, multipliers = unet_config["model_channels"], unet_config["channel_mult"]
    per_level = unet_config["num_res_blocks"]
    per_level = [per_level] * len(multipliers) if isinstance(per_level, int) else list(per_level)
    down, up = list(unet_config["transformer_depth"]), list(unet_config["transformer_depth_output"])
    middle = unet_config.get("transformer_depth_middle")
    middle = down[-1] if middle is None else middle
    blocks, number = {}, 1
    for level, multiplier in enumerate(multipliers):
        for _ in range(per_level[level]):
            blocks |= {("input", number, i): channels * multiplier for i in range(down.pop(0))}
            number += 1
        number += level < len(multipliers) - 1  # the downsampling is a block of its own
    blocks |= {("middle", 0, i): channels * multipliers[-1] for i in range(middle)}
    number = 0
    for level, multiplier in reversed(list(enumerate(multipliers))):
        for _ in range(per_level[level] + 1):
            blocks |= {("output", number, i): channels * multiplier for i in range(up.pop())}
            number += 1
    return blocks
