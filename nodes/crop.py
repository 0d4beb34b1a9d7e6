"""Regions of a part of the picture, for loops that people build themselves."""

from __future__ import annotations

from comfy_api.latest import io

from ..deig_core.layout.chosen_part import PixelPart, crop_to_chosen
from ..deig_core.regions.document import MAX_SIDE, RegionDocument
from .host.message import say
from .sockets import Regions, schema


class DeigCropRegions(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGCropRegions",
            display_name="Crop DEIG Regions",
            description="The regions of a part of the picture, placed in that part: for detailers, tiles and "
            "outpainting that encode each part with a DEIG Encode of its own.",
            search_aliases=["tile", "detailer", "outpaint", "pad regions", "crop boxes", "inpaint crop"],
            inputs=[
                Regions.Input("regions", tooltip="Regions of the whole picture."),
                _pixels(
                    "x", 0, -MAX_SIDE, "Left edge of the part in pixels of the regions' picture. Below 0: beyond it."
                ),
                _pixels(
                    "y", 0, -MAX_SIDE, "Upper edge of the part in pixels of the regions' picture. Below 0: beyond it."
                ),
                _pixels("width", 512, 8, "Width of the part in pixels of the regions' picture."),
                _pixels("height", 512, 8, "Height of the part in pixels of the regions' picture."),
                _pixels(
                    "pad",
                    0,
                    0,
                    "Pixels added to the part on every side, also beyond the picture, where no region is.",
                ),
                io.Float.Input(
                    "scale",
                    default=1.0,
                    min=0.05,
                    max=16.0,
                    step=0.05,
                    tooltip="How much the part is resized before it is denoised. Boxes stay where they are in it; "
                    "width and height become larger or smaller.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="A mask over the whole picture: the part is its bounding box, and x, y, width and height "
                    "are not read.",
                ),
                io.MultiType.Input(
                    "box",
                    [io.Custom("BOUNDING_BOX"), io.Custom("BBOX"), io.Custom("SEGS"), io.String],
                    optional=True,
                    tooltip="One box over the whole picture, or one SEG of the Impact Pack, whose crop is the part; x, "
                    "y, width and height are not read.",
                ),
            ],
            outputs=[
                Regions.Output(display_name="regions", tooltip="For a DEIG Encode of this part alone."),
                io.Int.Output(display_name="width", tooltip="Width of the part in pixels, scaled."),
                io.Int.Output(display_name="height", tooltip="Height of the part in pixels, scaled."),
                io.Int.Output(display_name="x", tooltip="Left edge of the part, with pad, for pasting it back."),
                io.Int.Output(display_name="y", tooltip="Upper edge of the part, with pad, for pasting it back."),
            ],
        )

    @classmethod
    def execute(cls, regions: RegionDocument, x, y, width, height, pad, scale, mask=None, box=None):
        found = crop_to_chosen(regions, PixelPart(x, y, width, height), mask=mask, box=box, pad=pad, scale=scale)
        document, part = found.document, found.part
        return io.NodeOutput(
            document, document.width, document.height, part.left, part.top, ui=say(cls, found.notes) or None
        )


def _pixels(name: str, default: int, least: int, tooltip: str) -> io.Int.Input:
    return io.Int.Input(name, default=default, min=least, max=MAX_SIDE, step=8, tooltip=tooltip)
