"""Seeing which cells look at which token of a region.

Two nodes, for what is shown is the attention of the run that made the picture: one marks the model before the sampler,
the other reads what was recorded by the latent that came out of it, so that cached outputs, several samplers and
interrupted runs show the right maps or none. (Noising a finished latent again would need one node, but shows another
run than the sampler's.)
"""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..deig_core.errors import DeigError
from ..deig_core.layout.masks import PIXELS_PER_LATENT
from ..deig_core.limits import MAX_REGIONS
from ..deig_core.maps.picture import brightened, colours, enlarged, laid_over, overview
from ..deig_core.maps.recording import Recording
from .sockets import Attention, schema, share

LEVELS = {"all": None, "1/1": 1, "1/2": 2, "1/4": 4, "1/8": 8}
BRIGHTNESS = ("each token", "all tokens alike")


class DeigRecordAttention(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRecordAttention",
            display_name="DEIG Record Attention",
            description="Lets a sampler record which cells attend to which token of every region, for DEIG Attention "
            "Maps. The picture stays the same.",
            search_aliases=["attention map", "heat map", "explain"],
            inputs=[
                io.Model.Input("model", tooltip="From Apply DEIG."),
                share("start", 0.0, "Share of the noise schedule after which steps are recorded."),
                share("end", 1.0, "Share of the noise schedule until which steps are recorded."),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler. It gives the same picture, more slowly."),
                Attention.Output(display_name="attention", tooltip="For DEIG Attention Maps."),
            ],
        )

    @classmethod
    def execute(cls, model, start, end):
        from .host.recording import record_attention

        if start >= end:
            raise DeigError(
                f"DEIG Record Attention: start ({start:g}) must be smaller than end ({end:g}), or nothing is recorded."
            )
        return io.NodeOutput(*record_attention(model, start, end))


class DeigAttentionMaps(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGAttentionMaps",
            display_name="DEIG Attention Maps",
            description="Heat maps of a sampling run: how strongly each cell attended to each of the tokens that "
            "describe a region.",
            search_aliases=["attention map", "heat map", "explain", "cross attention"],
            inputs=[
                Attention.Input("attention", tooltip="From DEIG Record Attention, whose MODEL went to the sampler."),
                io.Latent.Input("latent", tooltip="The LATENT that the sampler gave, as it is."),
                io.Int.Input(
                    "region",
                    default=1,
                    min=1,
                    max=MAX_REGIONS,
                    tooltip="The region's number, as in the editor and in Draw DEIG Regions.",
                ),
                io.Combo.Input(
                    "level",
                    options=list(LEVELS),
                    default="all",
                    tooltip="Which blocks are averaged: those whose grid is this part of the latent's (1/1 is 64 x 64 "
                    "at 512 px, 1/8 is 8 x 8), or all.",
                ),
                io.Combo.Input(
                    "brightness",
                    options=list(BRIGHTNESS),
                    default=BRIGHTNESS[0],
                    tooltip="What the palest colour stands for: the largest value of each map, or of all maps, so "
                    "that weak tokens stay dark.",
                ),
                io.Image.Input("image", optional=True, tooltip="The decoded picture, to lay the maps over it."),
                io.Float.Input(
                    "opacity",
                    default=0.7,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="How much of the picture the maps cover; 1 without a picture.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="maps",
                    tooltip="One picture for each token; all tokens of the first latent, then of the next.",
                ),
                io.Image.Output(display_name="overview", tooltip="All tokens of a latent in one picture, row by row."),
            ],
        )

    @classmethod
    def execute(cls, attention: Recording, latent, region, level, brightness, image=None, opacity=0.7):
        samples = latent["samples"]
        maps = torch.cat([_mean(attention, one, region, level) for one in samples])
        size = (
            tuple(side * PIXELS_PER_LATENT for side in samples.shape[-2:]) if image is None else tuple(image.shape[1:3])
        )
        shown = colours(enlarged(brightened(maps, together=brightness != BRIGHTNESS[0]), size))  # [B, T, H, W, 3]
        if image is not None:
            if len(image) not in (1, len(samples)):
                raise DeigError(
                    f"DEIG Attention Maps got {len(image)} pictures for {len(samples)} latents: connect the pictures "
                    f"decoded from them."
                )
            shown = laid_over(image[..., :3], shown, opacity)
        return io.NodeOutput(shown.flatten(0, 1), torch.stack([overview(pictures) for pictures in shown]))


def _mean(attention: Recording, latent: torch.Tensor, region: int, level: str) -> torch.Tensor:
    found = attention.find(latent)
    if found is None:
        raise DeigError(
            "DEIG Attention Maps has no recorded run that gave this latent: connect the LATENT of the sampler that "
            "got the MODEL of "
            "DEIG Record Attention, and change its seed to run it again."
        )
    maps, row = found
    if not maps.regions():
        raise DeigError(
            "DEIG Attention Maps found no region in the recorded part of this run: check start and end of DEIG Record "
            "Attention and of "
            "Apply DEIG, and that a region has a description."
        )
    if region not in maps.regions():
        raise DeigError(
            f"DEIG Attention Maps: region {region} took no part in this run; choose one of {_listed(maps.regions())}, "
            f"or enable and describe it."
        )
    factors = maps.factors(region)
    if level != "all" and LEVELS[level] not in factors:
        raise DeigError(
            f"DEIG Attention Maps: no block of this run has level {level}; choose all or one of "
            f"{_listed(f'1/{f}' for f in factors)}."
        )
    return maps.mean(region, LEVELS[level])[row : row + 1]


def _listed(values) -> str:
    return ", ".join(map(str, values))
