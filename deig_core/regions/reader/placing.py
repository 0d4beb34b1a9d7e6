"""Entries as regions: which of them are read alike, how, and which are left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from ...errors import RegionError
from ..box import WidthHeight
from ..checks import checked_strength, checked_text
from ..colors import palette_color
from ..document import Region
from .by_hand import ByHand
from .entry import Entry
from .said import Said, counted
from .settle import Understood, box_in_picture, read_group

_SPECIAL = re.compile(r"</?s>|<pad>|<\|(?:endoftext|im_end)\|>")  # ends of a model's answer
WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Placed:
    """Entries of one picture as regions. numbers: which entry each of them was, from 1 on; problems: a sentence on each
    that is left out; unplaced: ids of texts without a place; counts: boxes by their group.
    """

    regions: tuple[Region, ...]
    numbers: tuple[int, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    unplaced: frozenset[str]
    counts: Counter


class Placing:
    """How all of `entries` are read in a picture of `canvas` pixels, those of one form alike.

    Raises RegionError where pixels cannot be meant of a picture of that size.
    """

    def __init__(self, entries: Sequence[Entry], canvas: WidthHeight, by_hand: ByHand):
        self._canvas, self._order = canvas, by_hand.order
        self._groups: dict[tuple, list[Entry]] = {}
        for entry in entries:
            if entry.values is not None and not self._problem(entry):
                self._groups.setdefault(_group(entry), []).append(entry)
        self._read = {k: read_group(group, canvas, by_hand) for k, group in self._groups.items()}

    @property
    def first(self) -> Understood:
        """How the first boxes are read."""
        return next(iter(self._read.values()), Understood("auto", "auto", self._canvas))

    @property
    def notes(self) -> list[str]:
        turned = [k for k, group in self._groups.items() if self._read[k].order == "xywh" != group[0].order]
        said = Said("The numbers cannot be corners, so they were read as corner and size (xywh).")
        return [said] * len(turned) if self._order == "auto" else []

    def place(self, entries: Sequence[Entry]) -> Placed:
        """Entries of one picture, which are among those of the constructor."""
        regions, numbers, problems, notes, unplaced, counts = [], [], [], [], set(), Counter()
        for i, entry in enumerate(entries):
            name, box, said = Said("Region {n}", n=i + 1), WHOLE_IMAGE, entry.remark and f"it is {entry.remark}"
            try:
                text = checked_text(_SPECIAL.sub("", entry.text).strip(), name, "description")
                negative = checked_text(entry.negative, name, "negative")
                strength = checked_strength(entry.strength, name)
            except RegionError as error:
                problems.append(str(error))
                continue
            if problem := self._problem(entry):
                problems.append(Said("{name}: {what}.", name=name, what=problem))
                continue
            if entry.values is not None:
                box, about = box_in_picture(entry, self._read[_group(entry)], self._order, self._canvas)
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
            color = palette_color(i + 1)
            regions.append(Region(f"r{i + 1}", box, text, negative, color=color, strength=strength))
            numbers.append(i + 1)
        return Placed(tuple(regions), tuple(numbers), tuple(problems), tuple(notes), frozenset(unplaced), counts)

    def summary(self, pictures: Sequence[Placed]) -> str:
        """One line on how the boxes of these pictures were read; "" where there are none."""
        counts = sum((placed.counts for placed in pictures), Counter())
        said = []
        for key, group in self._groups.items():
            if not counts[key]:
                continue
            values = {"form": group[0].dialect, "units": self._read[key].said}
            values["count"] = counted(counts[key], "1 box", "{n} boxes")
            if group[0].named:
                said.append(Said("{form}, {units}, {count}", **values))
            else:
                said.append(Said("{form}, {order}, {units}, {count}", order=self._read[key].order, **values))
        if unplaced := sum(len(placed.unplaced) for placed in pictures):
            said.append(counted(unplaced, "1 text without a place", "{n} texts without a place"))
        said = list(dict.fromkeys(said))
        return Said("Read as {what}.", what=reduce(lambda a, b: Said("{a}; {b}", a=a, b=b), said)) if said else ""

    def _problem(self, entry: Entry) -> str | None:
        if self._order == "auto" and entry.order == "?":
            return f"box {entry.written} may be corners, or corner and size: set layout to xyxy or xywh"
        return entry.problem


def refuse_where_nothing_is_left(regions: Sequence[Region], problems: Sequence[str]) -> None:
    """Raises RegionError with the first of the problems where there is no region."""
    if not regions and problems:
        more = f" ({len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise RegionError(problems[0].removesuffix(".") + more + ".")


def _group(entry: Entry) -> tuple:
    return entry.dialect, entry.units, entry.sure, entry.size, entry.order, entry.named
