"""Boxes of every frame become regions that move."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..deig_core.errors import RegionError
from ..deig_core.limits import MAX_REGIONS
from ..deig_core.regions.document import MAX_SIDE, RegionDocument
from ..deig_core.regions.from_masks import separate
from ..deig_core.regions.reader import ByHand, read_frames
from ..deig_core.regions.tracks import Track, chosen, link, moving_regions, of_masks, of_packed
from .host.message import say
from .region_widget import reading_inputs
from .sockets import BOXES, Regions, lines, schema


class DeigRegionsFromFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRegionsFromFrames",
            display_name="DEIG Regions from Frames",
            description="Follows things through the frames of a video: what a detector or tracker finds in each "
            "becomes regions with keyframes.",
            search_aliases=["video", "animation", "track", "sam3", "keyframes", "animatediff", "detections"],
            inputs=[
                io.Int.Input(
                    "width", default=512, min=8, max=MAX_SIDE, step=8, tooltip="Width of the frames in pixels."
                ),
                io.Int.Input(
                    "height", default=512, min=8, max=MAX_SIDE, step=8, tooltip="Height of the frames in pixels."
                ),
                io.String.Input(
                    "descriptions",
                    default="",
                    multiline=True,
                    tooltip="One description in each line, in the order in which the things come; an empty line keeps "
                    "the name that the detector gave.",
                ),
                io.Float.Input(
                    "tolerance",
                    default=4.0,
                    min=0.0,
                    max=256.0,
                    step=0.5,
                    tooltip="Pixels by which a box may be off its straight line before it gets a keyframe of its own.",
                ),
                io.Int.Input(
                    "at_least",
                    default=2,
                    min=1,
                    max=4096,
                    tooltip="Frames that a thing must be seen in. Those seen in fewer are left out, and it is said.",
                ),
                io.MultiType.Input(
                    "boxes",
                    BOXES,
                    optional=True,
                    tooltip="The boxes of each frame: of a detector (SAM3 Detect, RT-DETR) for a batch of pictures, or "
                    "JSON with a list for each.",
                ),
                io.Mask.Input(
                    "masks", optional=True, tooltip="One thing's mask in each frame, as SAM3 Track to Mask gives it."
                ),
                io.Custom("SAM3_TRACK_DATA").Input(
                    "track", optional=True, tooltip="All that SAM3 Video Track follows, each a region."
                ),
                *reading_inputs("boxes_", optional=True),
            ],
            outputs=[
                Regions.Output(display_name="regions", tooltip="For DEIG Encode; each picture of a batch is a frame."),
                io.Int.Output(display_name="width", tooltip="Width of the frames in pixels."),
                io.Int.Output(display_name="height", tooltip="Height of the frames in pixels."),
                io.Int.Output(display_name="frames", tooltip="How many frames there are, for the batch's size."),
            ],
        )

    @classmethod
    def execute(
        cls,
        width,
        height,
        descriptions,
        tolerance,
        at_least,
        boxes=None,
        masks=None,
        track=None,
        boxes_layout="auto",
        boxes_units="auto",
        boxes_source_width=0,
        boxes_source_height=0,
    ):
        if (boxes is not None) + (masks is not None) + (track is not None) != 1:
            raise RegionError("DEIG Regions from Frames reads one of boxes, masks and track: connect one of them.")
        notes = []
        if boxes is not None:
            size = boxes_source_width, boxes_source_height
            by_hand = ByHand(order=boxes_layout, units=boxes_units, size=size)
            frames, notes = read_frames(boxes, width, height, by_hand)
            tracks, count = link([[(r.description, r.box) for r in frame] for frame in frames]), len(frames)
        elif masks is not None:
            tracks, count = of_masks(separate(masks)[0]), len(masks)
        else:
            tracks, count = _tracked(track)
        kept, short, more = chosen(tracks, at_least, MAX_REGIONS)
        if not kept:
            nothing = f"Nothing is seen in {at_least} or more of the {count} frames: lower at_least."
            raise RegionError(" ".join([nothing, *notes[:3]]))
        regions = moving_regions(kept, count, lines(descriptions), tolerance / max(width, height))
        notes = [*notes, f"{len(kept)} {'thing' if len(kept) == 1 else 'things'} in {count} frames."]
        if short:
            notes.append(f"{short} more, seen in fewer than {at_least} frames, were left out.")
        if more:
            notes.append(f"{more} more were left out: a document has at most {MAX_REGIONS} regions.")
        return io.NodeOutput(RegionDocument(width, height, regions), width, height, count, ui=say(cls, notes))


def _tracked(track: Any) -> tuple[list[Track], int]:
    """The things that SAM3 follows, and how many frames there are."""
    packed = track.get("packed_masks") if isinstance(track, dict) else None
    if not isinstance(track, dict) or not (packed is None or (isinstance(packed, torch.Tensor) and packed.ndim == 4)):
        raise RegionError(
            "DEIG Regions from Frames cannot read this track: connect the track_data of SAM3 Video Track."
        )
    if packed is None:
        return [], int(track.get("n_frames", 0))
    return of_packed(packed), len(packed)
