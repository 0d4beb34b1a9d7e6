"""Reading foreign boxes: a region document, and sentences about how they were understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...errors import RegionError
from ..box import WidthHeight
from ..checks import shown
from ..document import RegionDocument, check_count, parse
from .by_hand import NOTHING_SET, ByHand
from .dialects import DIALECTS
from .entry import Entry
from .placing import Placing, refuse_where_nothing_is_left
from .plain import plain
from .said import Said, counted, one_line, parts, short
from .text_forms import from_text
from .walk import walked


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read. summary: one line, for instance "Read as Qwen boxes, pixels of 640 x 480, 3 boxes."; notes: what
    was cut, left out or chosen, a sentence each. unplaced: ids of the regions that are texts without a place and have
    the box of the whole picture. order, units, size: of the first boxes, as they were read. whole: it was a region
    document of this pack. numbers: of each region, which entry it was, from 1 on; entries: how many there were, those
    left out among them.
    """

    document: RegionDocument
    summary: str = ""
    notes: tuple[str, ...] = ()
    unplaced: frozenset[str] = frozenset()
    order: str = "auto"
    units: str = "auto"
    size: WidthHeight = (0, 0)
    whole: bool = False
    numbers: tuple[int, ...] = ()
    entries: int = 0

    @property
    def said(self) -> list[list]:
        """The sentences for a page that has them in its own language: [template, values] each."""
        return [parts(sentence) for sentence in self.sentences]

    @property
    def sentences(self) -> tuple[str, ...]:
        return (self.summary, *self.notes) if self.summary else self.notes


def read(source: Any, width: int, height: int, by_hand: ByHand = NOTHING_SET) -> Reading:
    """Read `source`, a value or text in any form of the table in `dialects.py`, for a picture of width x height pixels.

    An entry that cannot be used is left out and named in `notes`. Raises RegionError where none can be used, where
    anything holds numbers under keys that nobody knows, and for more than 64 regions.
    """
    try:
        return _read(source, (width, height), by_hand)
    except RegionError as error:  # a value's own line breaks and length stay out of the message
        raise RegionError(one_line(str(error))) from None


def _read(source: Any, canvas: tuple[int, int], by_hand: ByHand) -> Reading:
    found, notes = entries_or_document(source)
    if isinstance(found, RegionDocument):
        summary = Said(
            "Read as a region document of {width} x {height} pixels, {count}.",
            width=found.width,
            height=found.height,
            count=counted(len(found.regions), "1 region", "{n} regions"),
        )
        count = len(found.regions)
        numbers = tuple(range(1, count + 1))
        return Reading(found, summary, (*notes, *found.notes), whole=True, numbers=numbers, entries=count)
    placing = Placing(found, canvas, by_hand)
    placed = placing.place(found)
    notes += [*placing.notes, *placed.notes]
    if not found and not notes:
        notes.append(Said("There are no boxes in it."))
    refuse_where_nothing_is_left(placed.regions, placed.problems)
    check_count(len(placed.regions))
    notes += [Said("Left out: {what}", what=problem) for problem in placed.problems]
    return Reading(
        RegionDocument(*canvas, placed.regions),
        placing.summary([placed]),
        short(notes),
        placed.unplaced,
        placing.first.order,
        placing.first.units,
        placing.first.size,
        numbers=placed.numbers,
        entries=len(found),
    )


def entries_or_document(source: Any) -> tuple[RegionDocument | list[Entry], list[str]]:
    """The region document that a value or text is, or the entries in it; and sentences about all of it."""
    value, notes, entries = plain(source), [], None
    if isinstance(value, str):
        value, notes, entries = from_text(value, partial(walked, dialects=DIALECTS))
        value = plain(value)  # a text may be as deep and as large as a value
    if isinstance(value, Mapping) and is_document(value):
        return parse(value), [*notes]
    if entries is None:
        if not isinstance(value, (Mapping, list)):
            raise RegionError(f"Boxes must be a list of boxes, or JSON text of one; got {shown(value)}.")
        entries, said = walked(value, DIALECTS)
        notes = [*notes, *said]
    return entries, [*notes]


def is_document(value: Mapping) -> bool:
    """Whether a mapping means to be a region document of this pack (its version may be another)."""
    if "regions" not in value:
        return False
    return "version" in value and not any(k in value for k in ("shapes", "annotations", "filename"))
