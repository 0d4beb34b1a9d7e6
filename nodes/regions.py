"""Where the boxes come from."""

from __future__ import annotations

from comfy_api.latest import io

from ..deig_core.layout.notes import region_notes
from ..deig_core.regions.document import MAX_SIDE, RegionDocument, parse
from ..deig_core.regions.from_masks import read_masks
from ..deig_core.regions.rules import with_incoming
from .host.message import say
from .region_widget import (
    RegionDocumentWidget,
    editor_inputs,
    incoming,
    message,
    read_with,
    reading_inputs,
)
from .sockets import BOXES, Regions, lines, schema

EMPTY = '{"version": 1, "width": 512, "height": 512, "regions": []}'


def _outputs():
    return [
        Regions.Output(display_name="regions", tooltip="For DEIG Encode and Draw DEIG Regions."),
        io.Int.Output(display_name="width", tooltip="Width of the picture in pixels, for Empty Latent Image."),
        io.Int.Output(display_name="height", tooltip="Height of the picture in pixels, for Empty Latent Image."),
    ]


def _result(document: RegionDocument, said: dict | None = None) -> io.NodeOutput:
    return io.NodeOutput(document, document.width, document.height, ui=said or None)


def _size_inputs():
    return [
        io.Int.Input(
            "width",
            default=512,
            min=8,
            max=MAX_SIDE,
            step=8,
            tooltip="Width in pixels of the picture that the boxes belong to.",
        ),
        io.Int.Input(
            "height",
            default=512,
            min=8,
            max=MAX_SIDE,
            step=8,
            tooltip="Height in pixels of the picture that the boxes belong to.",
        ),
    ]


class DeigRegions(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRegions",
            display_name="DEIG Regions (Bounding Box Layout)",
            description="Boxes with a description each: where every instance is, and what it is.",
            search_aliases=[
                "boxes",
                "bounding boxes",
                "bbox",
                "region editor",
                "regional prompt",
                "instance",
                "gligen",
            ],
            inputs=[
                RegionDocumentWidget.Input(
                    "regions",
                    default=EMPTY,
                    tooltip="Drag to draw a box, and write what belongs in it. Programs give a region document in "
                    "JSON: see the node's help.",
                ),
                *editor_inputs(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls,
        regions,
        background=None,
        boxes=None,
        boxes_mode="when empty",
        boxes_layout="auto",
        boxes_units="auto",
        boxes_source_width=0,
        boxes_source_height=0,
    ):
        drawn = parse(regions)
        options = {"layout": boxes_layout, "units": boxes_units}
        options |= {"source_width": boxes_source_width, "source_height": boxes_source_height}
        reading = incoming(boxes, drawn, options)
        document = with_incoming(drawn, reading and reading.document, boxes_mode)
        sentences = [*document.notes, *(reading.sentences if reading else ()), *region_notes(document)]
        if reading and reading.document.regions and document is drawn:
            count = len(reading.document.regions)
            sentences.append(f"The {count} incoming boxes do not count while something is drawn: see boxes_mode.")
        said = message(background, reading) | say(cls, sentences)
        return io.NodeOutput(document, document.width, document.height, ui=said or None)


class DeigRegionsFromBoxes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRegionsFromBoxes",
            display_name="DEIG Regions from Boxes",
            description="Turns boxes of other nodes (core bounding boxes, KJNodes, detectors) or JSON text into DEIG "
            "regions.",
            search_aliases=["bbox to regions", "detections", "bounding boxes"],
            inputs=[
                io.MultiType.Input(
                    "boxes",
                    BOXES,
                    tooltip="Boxes of another node, or text: core bounding boxes, KJNodes elements, detections, lists "
                    "of four numbers, a model's answer.",
                ),
                *_size_inputs(),
                io.String.Input(
                    "descriptions",
                    default="",
                    multiline=True,
                    tooltip="One description in each line, in the boxes' order; an empty line keeps the box's own "
                    "text. "
                    "Lines beyond the last box get a box of the whole picture.",
                ),
                *reading_inputs(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, boxes, width, height, descriptions, layout, units, source_width=0, source_height=0):
        options = {"layout": layout, "units": units, "source_width": source_width, "source_height": source_height}
        reading = read_with(boxes, width, height, options, lines(descriptions))
        return _result(reading.document, say(cls, reading.sentences))


class DeigRegionsFromMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRegionsFromMasks",
            display_name="DEIG Regions from Masks",
            description="One region for each mask of a batch: the mask says which part of the picture belongs to it, "
            "instead of a box.",
            search_aliases=["mask to regions", "segmentation", "sam"],
            inputs=[
                io.Mask.Input("masks", tooltip="A batch of masks over the whole picture; white belongs to the region."),
                io.String.Input(
                    "descriptions",
                    default="",
                    multiline=True,
                    tooltip="One description in each line, in the masks' order.",
                ),
                Regions.Input(
                    "regions",
                    optional=True,
                    tooltip="Regions that the masks are given to, in their order; their texts and strengths stay.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, masks, descriptions, regions=None):
        document, notes = read_masks(masks, lines(descriptions), regions)
        return _result(document, say(cls, notes))
