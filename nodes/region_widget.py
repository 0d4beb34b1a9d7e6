"""The region editor's side of the host: its widget type, the sockets that feed it and what it is told after a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io, ui

from ..deig_core.regions.document import RegionDocument, check_count
from ..deig_core.regions.formats import from_boxes

BOXES_MODES = ("when empty", "always", "add")


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
            [io.Custom("BOUNDING_BOX"), io.Custom("BOUNDING_BOXES"), io.Custom("ARRAY"), io.String],
            optional=True,
            tooltip="Boxes of another node, or JSON text: core bounding boxes, detections, a region document.",
        ),
        io.Combo.Input(
            "boxes_mode",
            options=list(BOXES_MODES),
            default=BOXES_MODES[0],
            optional=True,
            tooltip="When the incoming boxes count: as long as nothing is drawn, instead of what is drawn, or in "
            "addition to it.",
        ),
    ]


def incoming_document(boxes: Any, drawn: RegionDocument) -> RegionDocument | None:
    """The boxes of the socket on the drawn document's canvas; None if there are none."""
    if boxes is None or (isinstance(boxes, str) and not boxes.strip()):
        return None
    return from_boxes(boxes, drawn.width, drawn.height)


def combined(drawn: RegionDocument, incoming: RegionDocument | None, mode: str) -> RegionDocument:
    """What counts of both, on the drawn document's canvas. Raises RegionError for more than 64 regions."""
    if incoming is None or (mode == "when empty" and drawn.regions):
        return drawn
    if mode != "add":
        return replace(drawn, regions=incoming.regions)
    check_count(len(drawn.regions) + len(incoming.regions))
    taken = {region.id for region in drawn.regions}
    free = (f"r{n}" for n in range(1, 1000) if f"r{n}" not in taken)
    return replace(drawn, regions=(*drawn.regions, *(replace(region, id=next(free)) for region in incoming.regions)))


def message(background: torch.Tensor | None, incoming: RegionDocument | None) -> dict | None:
    """What the page needs to show the background and the incoming boxes, or None if there is nothing to tell.

    Not under "images": the host would draw those below the editor.
    """
    told: dict = {}
    if incoming is not None:
        told["deig_incoming"] = [incoming.to_json()]
    if background is not None:
        told["deig_background"] = ui.PreviewImage(background[:1]).as_dict()["images"]
    return told or None
