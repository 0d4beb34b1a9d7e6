"""The region editor's side of the host: its widget type, the sockets that feed it and what it is told after a run."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ..deig_core.regions.document import MAX_SIDE, RegionDocument
from ..deig_core.regions.from_boxes import read_boxes
from ..deig_core.regions.reader import ORDERS, UNITS, ByHand, Reading
from ..deig_core.regions.rules import BOXES_MODES
from .host.keys import BACKGROUND, INCOMING, READING
from .sockets import BOXES


@io.comfytype(io_type="DEIG_REGION_DOCUMENT")
class RegionDocumentWidget(io.ComfyTypeIO):
    """A region document as JSON text; the page shows the region editor for it."""

    Type = str

    class Input(io.WidgetInput):
        pass


def editor_inputs() -> list[io.Input]:
    """Optional inputs of the editor; widget values are saved by position, so later ones may only be appended."""
    return [
        io.Image.Input("background", optional=True, tooltip="A picture to draw on. It is only shown, not used."),
        io.MultiType.Input(
            "boxes",
            BOXES,
            optional=True,
            tooltip="Boxes of another node, or text: core bounding boxes, detections, a model's answer, a document.",
        ),
        io.Combo.Input(
            "boxes_mode",
            options=list(BOXES_MODES),
            default=BOXES_MODES[0],
            optional=True,
            tooltip="When the incoming boxes count: as long as nothing is drawn, instead of what is drawn, or in "
            "addition to it.",
        ),
        *reading_inputs("boxes_", optional=True),
    ]


def reading_inputs(prefix: str = "", optional: bool = False) -> list[io.Input]:
    """How boxes are read where it is set by hand; behind the node's advanced inputs, where the host has such."""
    sides = (("width", "Width"), ("height", "Height"))
    inputs = [
        io.Combo.Input(
            f"{prefix}layout",
            options=list(ORDERS),
            default="auto",
            optional=optional,
            tooltip="Order of four numbers: corners (xyxy, yxyx), corner and size (xywh), centre and size (cxcywh). "
            "auto: as the form has it. KJNodes BBOX is xywh.",
        ),
        io.Combo.Input(
            f"{prefix}units",
            options=list(UNITS),
            default="auto",
            optional=optional,
            tooltip="Units of the numbers. auto: as the form has it, else fractions where no number is "
            "above 1, else pixels.",
        ),
        *(
            io.Int.Input(
                f"{prefix}source_{side}",
                default=0,
                min=0,
                max=4 * MAX_SIDE,
                optional=optional,
                tooltip=f"{name} in pixels of the picture that the boxes were made on. 0: as the file says, else "
                "that of the regions' picture.",
            )
            for side, name in sides
        ),
    ]
    for one in inputs if optional else ():
        if hasattr(one, "advanced"):
            one.advanced = True
    return inputs


def read_with(boxes: Any, width: int, height: int, options: dict[str, Any], descriptions=()) -> Reading:
    """The boxes as they are read with the values of `reading_inputs`. Raises RegionError as `read_boxes` does."""
    size = options["source_width"], options["source_height"]
    by_hand = ByHand(order=options["layout"], units=options["units"], size=size)
    return read_boxes(boxes, width, height, by_hand, descriptions=descriptions)


def incoming(boxes: Any, drawn: RegionDocument, options: dict[str, Any]) -> Reading | None:
    """The boxes of the socket on the drawn document's canvas; None if there are none."""
    if boxes is None or (isinstance(boxes, str) and not boxes.strip()):
        return None
    return read_with(boxes, drawn.width, drawn.height, options)


def message(background: torch.Tensor | None, reading: Reading | None) -> dict:
    """What the page needs to show the background, the incoming boxes and how they were read.

    Not under "images": the host would draw those below the editor.
    """
    told: dict = {}
    if reading is not None:
        told[INCOMING] = [reading.document.to_json()]
        told[READING] = [
            {
                "summary": reading.summary,
                "notes": list(reading.notes),
                "said": reading.said,
                "layout": reading.order,
                "units": reading.units,
                "size": list(reading.size),
            }
        ]
    if background is not None:
        told[BACKGROUND] = ui.PreviewImage(background[:1]).as_dict()["images"]
    return told
