"""Reading foreign boxes: a region document, and sentences about how they were understood."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

from ...errors import RegionError
from ..checks import checked_strength, checked_text, shown
from ..document import COLORS, Region, RegionDocument, check_count, parse
from .dialects import DIALECTS
from .entry import LAYOUTS, UNITS, Entry, Size
from .plain import plain
from .said import Said, parts
from .settle import Understood, place, read_group
from .text import from_text
from .walk import walked

_SPECIAL = re.compile(r"</?s>|<pad>|<\|(?:endoftext|im_end)\|>")  # ends of a model's answer
WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read. summary: one line, for instance "Read as Qwen boxes, pixels of 640 x 480, 3 boxes."; notes: what
    was cut, left out or chosen, a sentence each. unplaced: ids of the regions that are texts without a place and have
    the box of the whole picture. layout, units, size: of the first boxes, as they were read. whole: it was a region
    document of this pack.
    """

    document: RegionDocument
    summary: str = ""
    notes: tuple[str, ...] = ()
    unplaced: frozenset[str] = frozenset()
    layout: str = "auto"
    units: str = "auto"
    size: Size = (0, 0)
    whole: bool = False

    @property
    def said(self) -> list[list]:
        """The sentences for a page that has them in its own language: [template, values] each."""
        return [parts(sentence) for sentence in self.sentences]

    @property
    def sentences(self) -> tuple[str, ...]:
        return (self.summary, *self.notes) if self.summary else self.notes


def read(
    source: Any,
    width: int,
    height: int,
    *,
    layout: str = "auto",
    units: str = "auto",
    size: tuple[int, int] | None = None,
) -> Reading:
    """Read `source`, a value or text in any form of the table in `dialects.py`, for a picture of width x height pixels.

    layout: order of lists of four, one of LAYOUTS; units: one of UNITS; size: in pixels, of the picture that the boxes
    were made on. What is set by hand counts for every form; "auto" and None leave it to the file, or to the rules of
    docs/formats.md. An entry that cannot be used is left out and named in `notes`. Raises RegionError where none can be
    used, where anything holds numbers under keys that nobody knows, and for more than 64 regions.
    """
    if layout not in LAYOUTS or units not in UNITS:
        raise RegionError(f"layout must be one of {', '.join(LAYOUTS)}, and units one of {', '.join(UNITS)}.")
    try:
        return _read(source, (width, height), layout, units, size)
    except RegionError as error:  # a value's own line breaks and length stay out of the message
        raise RegionError(_one_line(str(error))) from None


def _read(source: Any, canvas: tuple[int, int], layout: str, units: str, size: Size | None) -> Reading:
    value = plain(source)
    notes: list[str] = []
    if isinstance(value, str):
        value, said, entries = from_text(value, partial(walked, dialects=DIALECTS))
        value = plain(value)  # a text may be as deep and as large as a value
        notes += said
    else:
        entries = None
    if isinstance(value, Mapping) and is_document(value):
        document = parse(value)
        summary = Said(
            "Read as a region document of {width} x {height} pixels, {count}.",
            width=document.width,
            height=document.height,
            count=_counted(len(document.regions), "1 region", "{n} regions"),
        )
        return Reading(document, summary, (*notes, *document.notes), whole=True)
    if entries is None:
        if not isinstance(value, (Mapping, list)):
            raise RegionError(f"Boxes must be a list of boxes, or JSON text of one; got {shown(value)}.")
        entries, said = walked(value, DIALECTS)
        notes += said
    return _settled(entries, canvas, layout, units, size, notes)


def is_document(value: Mapping) -> bool:
    """Whether a mapping means to be a region document of this pack (its version may be another)."""
    if "regions" not in value:
        return False
    return "version" in value and not any(k in value for k in ("shapes", "annotations", "filename"))


def _settled(
    entries: list[Entry], canvas: tuple[int, int], layout: str, units: str, source: Size | None, notes: list[str]
) -> Reading:
    width, height = canvas
    if layout == "auto":
        unsaid = "may be corners, or corner and size: set layout to xyxy or xywh"
        entries = [replace(e, problem=f"box {e.written} {unsaid}") if e.layout == "?" else e for e in entries]
    groups: dict[tuple, list[Entry]] = {}
    for entry in entries:
        if entry.values is not None and not entry.problem:
            groups.setdefault(_group(entry), []).append(entry)
    understood = {k: read_group(g, canvas, layout, units, source) for k, g in groups.items()}
    for key, group in groups.items():
        if layout == "auto" and understood[key].layout == "xywh" != group[0].layout:
            notes.append(Said("The numbers cannot be corners, so they were read as corner and size (xywh)."))
    regions, problems, unplaced, counts = [], [], set(), Counter()
    for i, entry in enumerate(entries):
        name, box, said = Said("Region {n}", n=i + 1), WHOLE_IMAGE, entry.remark and f"it is {entry.remark}"
        try:
            text = checked_text(_SPECIAL.sub("", entry.text).strip(), name, "description")
            negative = checked_text(entry.negative, name, "negative")
            strength = checked_strength(entry.strength, name)
        except RegionError as error:
            problems.append(str(error))
            continue
        if entry.problem:
            problems.append(Said("{name}: {what}.", name=name, what=entry.problem))
            continue
        if entry.values is not None:
            box, about = place(entry, understood[_group(entry)], layout, canvas)
            if box is None:
                problems.append(Said("{name}: {what}.", name=name, what=about))
                continue
            said = about or said
            counts[_group(entry)] += 1
        else:
            unplaced.add(f"r{i + 1}")
        if said:
            notes.append(Said("{name}: {what}.", name=name, what=said))
        if entry.unread and not text:
            unread = Said("it has no text; if {key} holds it, rename that to label", key=f'"{entry.unread}"')
            notes.append(Said("{name}: {what}.", name=name, what=unread))
        color = COLORS[i % len(COLORS)]
        regions.append(Region(f"r{i + 1}", box, text, negative, color=color, strength=strength))
    if not entries and not notes:
        notes.append(Said("There are no boxes in it."))
    _refuse_where_nothing_is_left(regions, problems)
    check_count(len(regions))
    notes = [*notes, *(Said("Left out: {what}", what=p) for p in problems)]
    first = next(iter(understood.values()), Understood("auto", "auto", canvas))
    return Reading(
        RegionDocument(width, height, tuple(regions)),
        _summary(groups, understood, unplaced, counts),
        tuple(_short(notes)),
        frozenset(unplaced),
        first.layout,
        first.units,
        first.size,
    )


def _group(entry: Entry) -> tuple:
    return entry.dialect, entry.units, entry.sure, entry.size, entry.layout, entry.named


def _refuse_where_nothing_is_left(regions: list[Region], problems: list[str]) -> None:
    if not regions and problems:
        more = f" ({len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise RegionError(problems[0].removesuffix(".") + more + ".")


def _summary(groups, understood, unplaced, counts) -> str:
    said = []
    for key, group in groups.items():
        if not counts[key]:
            continue
        values = {"form": group[0].dialect, "units": understood[key].said}
        values["count"] = _counted(counts[key], "1 box", "{n} boxes")
        if group[0].named:
            said.append(Said("{form}, {units}, {count}", **values))
        else:
            said.append(Said("{form}, {order}, {units}, {count}", order=understood[key].layout, **values))
    if unplaced:
        said.append(_counted(len(unplaced), "1 text without a place", "{n} texts without a place"))
    said = list(dict.fromkeys(said))
    return Said("Read as {what}.", what=reduce(lambda a, b: Said("{a}; {b}", a=a, b=b), said)) if said else ""


def _counted(count: int, one: str, many: str) -> Said:
    return Said(one) if count == 1 else Said(many, n=count)


def _short(notes: list[str]) -> list[str]:
    """Each once, on one line, and not more than a person reads."""
    lines = list(dict.fromkeys(map(_one_line, notes)))
    return lines if len(lines) <= 12 else [*lines[:11], f"{len(lines) - 11} more notes like these."]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > 500:
        return line[:497] + "..."
    return text if line == text else line
