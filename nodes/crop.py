"""Regions of a part of the picture, for loops that people build themselves."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..deig_core.errors import RegionError
from ..deig_core.layout.window import crop_document
from ..deig_core.regions.document import MAX_SIDE, Box, RegionDocument
from ..deig_core.regions.painted import mask_bounds
from ..deig_core.regions.reader import read
from ..deig_core.regions.reader.tools import segs_parts
from .host.message import say
from .sockets import Regions, schema

EMPTY = "No region has a pixel in this part."


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
        if mask is not None and box is not None:
            raise RegionError("Crop DEIG Regions got a mask and a box: connect the one that is the part.")
        given, notes = None, ()
        if mask is not None:
            given = _of_mask(mask)
        elif box is not None:
            given, notes = _of_box(box, regions)
        if given is not None:
            edges = [round(c * s) for c, s in zip(given, (regions.width, regions.height) * 2, strict=True)]
            x, y, width, height = *edges[:2], edges[2] - edges[0], edges[3] - edges[1]
        x, y, width, height = x - pad, y - pad, width + 2 * pad, height + 2 * pad
        part = crop_document(regions, x, y, width, height, scale)
        if regions.regions and not part.regions:
            notes = (*notes, EMPTY)
        return io.NodeOutput(part, part.width, part.height, x, y, ui=say(cls, notes) or None)


def _pixels(name: str, default: int, least: int, tooltip: str) -> io.Int.Input:
    return io.Int.Input(name, default=default, min=least, max=MAX_SIDE, step=8, tooltip=tooltip)


def _of_mask(mask: torch.Tensor) -> Box:
    masks = mask.reshape(-1, *mask.shape[-2:])
    if len(masks) != 1:
        raise RegionError(f"Crop DEIG Regions got {len(masks)} masks; one mask says one part: pick one of them.")
    return mask_bounds(masks[0] >= 0.5, "to crop to")


def _of_box(box: Any, regions: RegionDocument) -> tuple[Box, tuple[str, ...]]:
    """The one box that `box` holds, and what is to be said of how it was read."""
    notes: tuple[str, ...] = ()
    found = segs_parts(box)
    if found is None:
        reading = read(box, regions.width, regions.height)
        if reading.unplaced:
            raise RegionError("Crop DEIG Regions got a text without a place: give a box of four numbers.")
        found, notes = [region.box for region in reading.document.regions], reading.sentences
    if len(found) != 1:
        raise RegionError(f"Crop DEIG Regions got {len(found)} boxes; one box says one part: pick one of them.")
    return found[0], notes
