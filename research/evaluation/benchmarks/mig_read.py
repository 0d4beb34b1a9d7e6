"""mig_bench_coco.json, MIG-Bench as published, to layouts.

Its licence is "non-commercial research only": it is read from the user's path and never passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...coco import read_json
from ..colour import RANGES
from ..layout import Instance, Layout, LayoutError, clamped

EXPECTED = 'MIG-Bench\'s {"0": {caption, image_id, segment: [{bbox, label}]}, ...} was expected'


def read(path: Path) -> list[Layout]:
    """By number; a layout's id is its number in the file. Raises LayoutError that names the picture."""
    data = read_json(path)
    try:
        source = {"file": path.name, "licence": "non-commercial research only: not to be passed on"}
        return [_layout(key, item, source) for key, item in sorted(data.items(), key=lambda pair: int(pair[0]))]
    except LayoutError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LayoutError(f"{path.name} cannot be read ({error!r}): {EXPECTED}.") from None


def _layout(key: str, item: Mapping[str, Any], source: Mapping[str, str]) -> Layout:
    level = f"L{len(item['segment'])}"
    instances = tuple(_instance(s, level, f"Picture {key}, instance {n}") for n, s in enumerate(item["segment"], 1))
    return Layout(key, "mig", item["caption"], instances, source={**source, "coco": str(item["image_id"])})


def _instance(data: Mapping[str, Any], level: str, where: str) -> Instance:
    words = data["label"].split()
    if len(words) < 3 or words[1] not in RANGES:
        raise LayoutError(
            f'{where}: the label {data["label"]!r} is not "a <colour> <noun>" with one of {", ".join(RANGES)}.'
        )
    tags = {"level": level, "colour": words[1]}
    return Instance(clamped(data["bbox"], where), data["label"], " ".join(words[2:]), tags)
