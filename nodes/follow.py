"""Regions that follow the tiles of another node."""

from __future__ import annotations

from comfy_api.latest import io

from ..deig_core.errors import DeigError
from .host.conditioning import carries_deig
from .host.follower import following
from .sockets import schema


class DeigFollowTiles(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGFollowTiles",
            display_name="DEIG Follow Tiles",
            description="Lets each tile of an upscaler or tiled sampler show its own piece of the regions, instead of "
            "all of them.",
            search_aliases=["tiled", "ultimate sd upscale", "tiled diffusion", "upscale", "tile regions", "window"],
            inputs=[
                io.Conditioning.Input("positive", tooltip="From DEIG Encode, also through ControlNet nodes."),
                io.Conditioning.Input("negative", tooltip="From DEIG Encode, also through ControlNet nodes."),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="positive", tooltip="For the node that cuts the picture into tiles."
                ),
                io.Conditioning.Output(
                    display_name="negative", tooltip="For the node that cuts the picture into tiles."
                ),
            ],
        )

    @classmethod
    def execute(cls, positive, negative):
        if not carries_deig(positive) and not carries_deig(negative):
            raise DeigError(
                "DEIG Follow Tiles got conditionings without DEIG's regions: connect those of DEIG Encode, with other "
                "conditioning nodes between them as you like."
            )
        return io.NodeOutput(*following(positive, negative))
