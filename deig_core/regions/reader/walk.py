"""Finding the entries of a foreign value: lists, columns beside each other, frames, and files around them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import RegionError
from ...limits import MAX_REGIONS
from ..checks import shown
from .box_keys import FROM_BELOW, counts_from_below, declared, raw_box_of, size_of
from .descriptions import negative_of, text_of
from .entry import Context, Entry, folded, is_list, numbers, plain_key, points, wrote
from .limits import MOST_DEEP, MOST_PARTS, too_deep
from .lines import from_lines, has_marked_numbers
from .plain import plain
from .said import SEVERAL_PICTURES, Said
from .shapes import columns_of, is_name, is_row, names_of_classes, of_numbers, own_text
from .stray import stray_place
from .vocabulary import ASIDE, COLUMNS, LISTS

KEYS_OF_ONE = 8
TOO_MUCH = (
    f"There is far more in it than the boxes of one picture, which has at most {MAX_REGIONS} regions: give those of "
    "one picture alone."
)
_PICTURES = ("imageid", "image", "filename", "imagepath", "imagename", "frameid", "frame", "frameindex", "path")


def _parts(value: Any) -> int:
    """What a value counts in a reading, without what is in it."""
    return 1 + len(value) // KEYS_OF_ONE if isinstance(value, Mapping) else 1


class Walk:
    """One reading of a value. notes: sentences about all of it."""

    def __init__(self, dialects):
        self.dialects = dialects
        self.notes: list[str] = []
        self.root: Any = None
        self._depth, self._left = 0, MOST_PARTS

    def entries(self, value: Any, context: Context, listed: bool = True) -> list[Entry]:
        """The entries of `value`; listed: its texts without a place are regions. Raises RegionError for a value that
        has more parts than the boxes of one picture, or that is nested too deeply, texts inside texts included.
        """
        self.root = value if self.root is None else self.root
        self._depth += 1
        if self._depth > MOST_DEEP + 1:
            raise too_deep()
        self.spend(_parts(value))
        try:
            found = self._entries(value, context, listed)
        finally:
            self._depth -= 1
        self.allow(len(found))
        return found

    def allow(self, count: int) -> None:
        """Raises RegionError where so many more parts would be too many."""
        if count > self._left:
            raise RegionError(TOO_MUCH)

    def spend(self, count: int) -> None:
        """Reckon with so many more parts. Raises RegionError where they are too many."""
        self.allow(count)
        self._left -= count

    def _entries(self, value: Any, context: Context, listed: bool) -> list[Entry]:
        for dialect in self.dialects:
            if dialect.find and (found := dialect.find(value, context, self)) is not None:
                return found
        if isinstance(value, Mapping):
            return self._mapping(value, context, listed)
        if is_list(value):
            return self._list(value, context, listed)
        if isinstance(value, str) and listed and value.strip():
            if (found := self._written(value, context)) is not None:
                return found
            return [Entry("texts", text=value.strip(), written=wrote(value))]
        return [Entry("boxes", problem=f"{wrote(value)} is no box", written=wrote(value))] if listed else []

    def _written(self, text: str, context: Context) -> list[Entry] | None:
        """Entries of a text inside a list that is JSON itself, or numbers, or a text with four numbers in brackets or
        between commas: others may be a part of what it describes.
        """
        if numbers(text):
            return self.entries(list(numbers(text)), context)
        if text.lstrip()[:1] in ("[", "{"):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                return None
            inner = plain(inner)
            return self.entries(inner, context) if isinstance(inner, (Mapping, list)) else None
        found = from_lines(text, self._anew) if has_marked_numbers(text) and "\n" not in text.strip() else None
        if not found or found[1]:
            return None
        self.notes.append(Said("The numbers in the text {text} were read as a box.", text=shown(text.strip())))
        return found[0]

    def _anew(self, value: Any) -> tuple[list[Entry], list[str]]:
        return walked(value, self.dialects)

    def inside(self, value: Mapping, context: Context) -> Context:
        """What a mapping adds to the context of what lies in it."""
        if counts_from_below(value):
            raise RegionError(f"The file {FROM_BELOW}: turn them.")
        order, units = declared(value)
        return replace(
            context,
            size=size_of(value) or context.size,
            order=order or context.order,
            units=units or context.units,
            names=names_of_classes(value) or context.names,
        )

    def group_text(self, value: Mapping) -> str:
        """The text that a mapping gives to all boxes in a list of it: not one that speaks of the whole picture."""
        scene = ("caption", "title", *(("description", "desc", "prompt", "name", "text") if value is self.root else ()))
        return own_text({k: v for k, v in value.items() if plain_key(k) not in scene})

    def _mapping(self, value: Mapping, context: Context, listed: bool) -> list[Entry]:
        context = self.inside(value, context)
        found: list[Entry] = []
        said, of_group = own_text(value), self.group_text(value)
        for key, inner in value.items():
            name = plain_key(key)
            if name in LISTS + COLUMNS and isinstance(inner, str) and inner.lstrip()[:1] in ("[", "{"):
                found += self._written(inner, context) or []
            if name in ASIDE or not isinstance(inner, (Mapping, list)):
                continue
            known = name in LISTS or name in COLUMNS
            if isinstance(inner, list) and not known and of_numbers(inner):
                continue  # for stray_place to name
            own = said if isinstance(inner, Mapping) and raw_box_of(inner) else of_group
            if isinstance(inner, Mapping) and not own and not name.isdigit() and is_name(key) and raw_box_of(inner):
                own = str(key)
            within = replace(context, text=own or context.text)
            found += self.entries(inner, within, listed=name in LISTS)
        text = text_of(value, Context())
        stray = "" if found else stray_place(value)
        if found or not (
            listed or (stray and any(of_numbers(v) for k, v in value.items() if plain_key(k) not in ASIDE))
        ):
            return found
        if stray:
            return [Entry("boxes", text=text, problem=stray, written=wrote(list(value)))]
        if text:
            return [Entry("texts", text=text, negative=negative_of(value), written=text)]
        lists = [v for k, v in value.items() if plain_key(k) in LISTS + COLUMNS]
        if lists and not any(v != [] for v in lists):
            return []
        return [Entry("boxes", problem=f"no box found in it ({wrote(list(value))})", written=wrote(list(value)))]

    def _list(self, value: list, context: Context, listed: bool) -> list[Entry]:
        value = self._first_picture(value)
        self.allow(len(value) + max(map(_parts, value), default=0))
        if self._are_frames(value):
            return self._first_frame(value, context, listed)
        found: list[Entry] = []
        for item in value:
            if listed or isinstance(item, (Mapping, list)):
                found += self.entries(item, context, listed)
        return found

    def _are_frames(self, value: list) -> bool:
        some = False
        for item in value:
            if self._is_frame(item):
                some = True
            elif item not in ([], None):
                return False
        return some

    def _is_frame(self, item: Any) -> bool:
        """A list of boxes, or a mapping around one that has no text for them: the boxes of one picture."""
        if is_list(item):
            return bool(item) and numbers(item) is None and not is_row(item) and points(item) is None
        if not isinstance(item, Mapping) or raw_box_of(item) or self.group_text(item):
            return False
        return any(plain_key(k) in LISTS + COLUMNS and is_list(v) and v for k, v in item.items()) or (
            len(item) == 1 and all(isinstance(v, Mapping) and columns_of(v) for v in item.values())
        )

    def _first_picture(self, value: list) -> list:
        """The entries of a list that belong to the picture of the first one, where they name their pictures."""
        first = folded(value[0]) if value and isinstance(value[0], Mapping) else {}
        for key in (k for k in _PICTURES if k in first):
            names = [folded(v).get(key) if isinstance(v, Mapping) else None for v in value]
            known = list(dict.fromkeys(n for n in names if isinstance(n, (str, int))))
            if len(known) > 1 and all(isinstance(n, (str, int)) for n in names) and any(map(_has_place, value)):
                self.notes.append(Said(SEVERAL_PICTURES, count=len(known)))
                return [v for v, n in zip(value, names, strict=True) if n == known[0]]
        return value

    def _first_frame(self, frames: list, context: Context, listed: bool) -> list[Entry]:
        found = [e for frame in frames if frame and (e := self.entries(frame, context, listed))]
        if len(found) > 1:
            self.notes.append(Said(SEVERAL_PICTURES, count=len(found)))
        return found[0] if found else []


def walked(value: Any, dialects) -> tuple[list[Entry], list[str]]:
    """The entries of a whole value, and sentences about it. Raises RegionError as `Walk.entries` does."""
    walk = Walk(dialects)
    return walk.entries(value, Context()), walk.notes


def _has_place(value: Any) -> bool:
    return isinstance(value, Mapping) and raw_box_of(value) is not None
