"""The way out: regions as boxes, texts and masks of other nodes."""

from __future__ import annotations

from comfy_api.latest import io

from ..deig_core.layout.export import exported
from ..deig_core.regions.document import RegionDocument
from ..deig_core.regions.keyframes import MAX_FRAME
from .host.message import say
from .sockets import Regions, schema


class DeigRegionsToBoxes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRegionsToBoxes",
            display_name="DEIG Regions to Boxes",
            description="Gives the boxes, texts and masks of DEIG regions to other nodes.",
            search_aliases=["regions to bbox", "regions to masks", "export boxes"],
            inputs=[
                Regions.Input(
                    "regions", tooltip="Boxes or masks with their descriptions; those left out are not given."
                ),
                io.Int.Input(
                    "frame",
                    default=0,
                    min=0,
                    max=MAX_FRAME,
                    optional=True,
                    tooltip="The frame that is given of regions that move, from 0 on.",
                ),
            ],
            outputs=[
                io.Custom("BOUNDING_BOX").Output(
                    display_name="boxes",
                    tooltip="Core bounding boxes: one frame, with x, y, width and height in pixels, and the text in "
                    "metadata.desc.",
                ),
                io.Custom("ARRAY").Output(
                    display_name="elements",
                    tooltip="Elements with type, bbox (ymin, xmin, ymax, xmax from 0 to 1000) and desc, as core's and "
                    "Ideogram's nodes read them.",
                ),
                io.Mask.Output(display_name="masks", tooltip="A mask for each region, in their order."),
                io.String.Output(display_name="texts", tooltip="The descriptions, one on each line."),
            ],
        )

    @classmethod
    def execute(cls, regions: RegionDocument, frame: int = 0):
        out = exported(regions, frame)
        return io.NodeOutput(
            [[*out.boxes]], [*out.elements], out.masks, "\n".join(out.texts), ui=say(cls, out.notes) or None
        )
