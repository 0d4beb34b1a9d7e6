"""One region's place as a mask, to denoise there alone."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..deig_core.errors import RegionError
from ..deig_core.layout.masks import region_pixels
from ..deig_core.limits import MAX_REGIONS
from ..deig_core.regions.document import RegionDocument
from .sockets import Regions, schema

MAX_FRAMES = 4096


class DeigRegionMask(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRegionMask",
            display_name="DEIG Region Mask",
            description="The place of one region as a mask: with Set Latent Noise Mask and a second sampler, that "
            "region is drawn anew and the rest stays.",
            search_aliases=["re-roll one box", "inpaint box", "box to mask", "region to mask"],
            inputs=[
                Regions.Input("regions", tooltip="The regions that the picture was made with."),
                io.Int.Input(
                    "region",
                    default=1,
                    min=1,
                    max=MAX_REGIONS,
                    tooltip="The region's number, as in the editor and in Draw DEIG Regions.",
                ),
                io.Int.Input(
                    "grow",
                    default=0,
                    min=0,
                    max=512,
                    tooltip="Pixels by which the box is made larger on every side, so that edges can blend.",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=MAX_FRAMES,
                    optional=True,
                    tooltip="Of a region that moves: how many pictures the batch has, a mask for each. 0: up to its "
                    "last keyframe.",
                ),
            ],
            outputs=[
                io.Mask.Output(
                    tooltip="White where the region is, of the picture's size; of one that moves a mask for each frame."
                )
            ],
        )

    @classmethod
    def execute(cls, regions: RegionDocument, region: int, grow: int, frames: int = 0):
        count = len(regions.regions)
        if region > count:
            raise RegionError(
                f"DEIG Region Mask: there is no region {region} among {count}: choose a number up to {count}."
                if count
                else "DEIG Region Mask: there are no regions: draw a box first."
            )
        width, height, chosen = regions.width, regions.height, regions.regions[region - 1]
        last = max((key.frame for key in chosen.keyframes), default=0)
        count = (frames or last + 1) if chosen.keyframes else 1
        if count > MAX_FRAMES:
            raise RegionError(
                f"DEIG Region Mask: region {region} moves until frame {last}, and at most {MAX_FRAMES} masks are made: "
                "set frames to the pictures of the batch."
            )
        masks = torch.stack([region_pixels(chosen.at(frame), width, height, grow) for frame in range(count)])
        if not masks.any():
            where = f"in none of {count} frames in the picture" if chosen.keyframes else "smaller than a pixel"
            raise RegionError(f"DEIG Region Mask: region {region} is {where}: move it, or make it larger.")
        return io.NodeOutput(masks.float())
