"""What the nodes have in common: their sockets' types and their schema."""

from __future__ import annotations

from dataclasses import fields

from comfy_api.latest import io

CATEGORY = "DEIG"
Adapter = io.Custom("DEIG_ADAPTER")
TextEncoder = io.Custom("DEIG_TEXT_ENCODER")
Regions = io.Custom("DEIG_REGIONS")
Attention = io.Custom("DEIG_ATTENTION")
BOXES = [
    *(io.Custom(name) for name in ("BOUNDING_BOX", "BOUNDING_BOXES", "ARRAY", "BBOX", "BBOXES", "BOXES", "DETECTIONS")),
    *(io.Custom(name) for name in ("JSON", "DICT", "LIST", "SEGS", "OMOST_CANVAS_CONDITIONING")),
    io.String,
]
"""Types that carry boxes in the host and in other packs; the reader says what it cannot read."""


def schema(**values: object) -> io.Schema:
    """A node's schema in DEIG's category, without the fields that an older host does not know (search_aliases,
    has_intermediate_output).
    """
    known = {f.name for f in fields(io.Schema)}
    values.setdefault("hidden", [io.Hidden.unique_id])  # for what a node says at itself
    values.setdefault("has_intermediate_output", True)  # and that it is told again to a page that was loaded anew
    return io.Schema(category=CATEGORY, **{k: v for k, v in values.items() if k in known})


def share(name: str, default: float, tooltip: str) -> io.Float.Input:
    """A part of a whole, 0 to 1, such as of the noise schedule."""
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip)


def lines(text: str) -> list[str]:
    """Texts of a multiline widget, one in each line; blank lines at the end do not count.

    Lines end at line breaks alone: other separators (U+2028, U+0085, form feeds) are part of pasted texts.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return [line.strip() for line in text.split("\n")] if text else []
