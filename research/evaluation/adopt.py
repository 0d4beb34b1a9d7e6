"""Pictures that MIGC's benchmark runner drew, under the names of their layouts.

It writes `<prompt>_<seed><number>_<COCO id>.png`, and beside each an `anno_...png` with its boxes drawn in, which is no
picture to be judged.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from deig_core.errors import DeigError

from .layout import Layout

_NAME = re.compile(r"(?P<prompt>.*)_(?P<seed>\d+)_(?P<coco>\d+)\.png", re.DOTALL)
DRAWN_IN = "anno_"


def adopt(layouts: Sequence[Layout], source: Path, target: Path) -> tuple[dict[str, int], int]:
    """Copy the pictures of `source` to `target`/<seed>/<layout id>.png; how many for each seed, and how many pictures
    belong to no layout.

    A picture is a layout's by prompt and COCO id. Raises DeigError where none is, two are one layout's, or `target`
    holds something.
    """
    if not source.is_dir():
        raise DeigError(f"{source} is no folder: the pictures that MIGC drew were expected there.")
    if target.exists() and any(target.iterdir()):
        raise DeigError(f"{target} is not empty: name a new folder.")
    wanted: dict[tuple[str, int], list[str]] = {}
    for layout in layouts:
        wanted.setdefault((layout.prompt, coco_id(layout)), []).append(layout.id)
    places: dict[Path, Path] = {}
    strange = 0
    for path in sorted(source.glob("*.png")):
        if path.name.startswith(DRAWN_IN):
            continue
        parts = _NAME.fullmatch(path.name)
        ids = wanted.get((parts["prompt"], int(parts["coco"])), ()) if parts else ()
        if len(ids) > 1:
            raise DeigError(f"{path.name} is the picture of layouts {' and '.join(ids)}: rename these by hand.")
        if not ids:
            strange += 1
            continue
        place = target / parts["seed"] / f"{ids[0]}.png"
        if place in places:
            raise DeigError(f"{path.name} and {places[place].name} are both of layout {ids[0]}: remove one.")
        places[place] = path
    if not places:
        raise DeigError(
            f"None of the {strange} pictures in {source} is named <prompt>_<seed>_<COCO id>.png after a layout."
        )
    counts: dict[str, int] = {}
    for place, path in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        counts[place.parent.name] = counts.get(place.parent.name, 0) + 1
    return counts, strange


def coco_id(layout: Layout) -> int:
    """Of COCO's picture that the layout comes from; -1 where it does not say."""
    text = layout.source.get("coco", layout.id)
    return int(text) if text.isdecimal() else -1
