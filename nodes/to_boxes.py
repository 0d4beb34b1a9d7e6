"""The way out: regions as boxes, texts and masks of other nodes."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..deig_core.layout.masks import box_pixels, region_pixels
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
        width, height = regions.width, regions.height
        boxes, elements, masks, texts, notes = [], [], [], [], []
        if moving := [str(n) for n, r in enumerate(regions.regions, 1) if r.visible and r.keyframes]:
            notes.append(f"Regions that move ({', '.join(moving)}) are given as they are in frame {frame}.")
        for number, region in enumerate(regions.regions, 1):
            if not region.visible:
                continue
            region = region.at(frame)
            pixels = box_pixels(region.box, width, height)
            if pixels is None:
                notes.append(f"Region {number} has no pixel in the picture and is not given.")
                continue
            x0, y0, x1, y1 = pixels
            text = " ".join(region.description.split())
            boxes.append({"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "metadata": {"desc": text}})
            ordered = (region.box[1], region.box[0], region.box[3], region.box[2])
            elements.append({"type": "obj", "bbox": [round(1000 * v) for v in ordered], "desc": text})
            masks.append(region_pixels(region, width, height).float())
            texts.append(text)
        batch = torch.stack(masks) if masks else torch.zeros(1, height, width)
        return io.NodeOutput([boxes], elements, batch, "\n".join(texts), ui=say(cls, notes) or None)
