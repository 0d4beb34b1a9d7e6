"""InstDiff-Bench: of the colours (or textures), CLIP finds the one that was asked for nearest to the box's crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..evidence import Record
from ..layout import Layout
from ..tables import Column, further, verdict_ok
from ..verdict import Verdict, first_error

NEEDS = ("clip",)
LABELS = {
    "colour": ("black", "white", "red", "green", "yellow", "blue", "pink", "purple"),
    "texture": ("rubber", "fluffy", "metallic", "wooden", "plastic", "fabric", "leather", "glass"),
}
TAGS = {"attribute": tuple(LABELS), "label": tuple(label for labels in LABELS.values() for label in labels)}
LABEL_PROMPT = "a {} object"


def verdicts(layout: Layout, records: Sequence[Mapping[str, Record]]) -> list[Verdict]:
    """records: for each instance of `layout` its evidence `clip`. ok: the nearest label is the one asked for.

    scores: clip, the local CLIP score: the cosine of the crop with its phrase, not times 100. No IoU: places are
    measured by average precision.
    """
    found = []
    for index, by_kind in enumerate(records):
        value, wanted = by_kind["clip"].value, layout.instances[index].tags["label"]
        error = first_error(by_kind) or ("" if wanted in value["labels"] else f"no clip: a cosine of {wanted} lacks")
        if error:
            found.append(Verdict(layout.id, index, False, None, error, unjudged=True))
            continue
        cosines = value["labels"]
        nearest = max(cosines, key=cosines.get)
        reason = ""
        if nearest != wanted:
            reason = f"looks {nearest} ({cosines[nearest]:.3f}) rather than {wanted} ({cosines[wanted]:.3f})"
        found.append(Verdict(layout.id, index, not reason, None, reason, scores={"clip": value["phrase"]}))
    return found


def columns() -> list[Column]:
    """Published: the mean inside a picture first, then over pictures. Pooled over instances beside it."""
    percent = {"scale": 100, "digits": 1}
    return [
        Column("accuracy", verdict_ok, by_picture=True, **percent),
        Column("CLIP", further("clip"), by_picture=True),
        Column("accuracy, pooled", verdict_ok, **percent),
        Column("CLIP, pooled", further("clip")),
    ]
