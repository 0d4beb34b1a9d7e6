"""deig_bench_coco.json, DEIG-Bench as published, to layouts, and layouts to its form.

The file has no licence: it is read from the user's path and never passed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...atomic import write_whole
from ...coco import read_json
from ..layout import Instance, Layout, LayoutError, clamped
from .deig_words import OBJECT_LEVELS, PERSON_LEVELS

EXPECTED = (
    'DEIG-Bench\'s {"results": [{file_name, instances: [{category, bbox, description, eval_info}]}]} was expected'
)


def read(path: Path) -> list[Layout]:
    """Raises LayoutError that names the picture and the instance."""
    data = read_json(path)
    try:
        source = {"file": path.name, "licence": "none: not to be passed on"}
        return [_layout(item, source) for item in data["results"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise LayoutError(f"{path.name} cannot be read ({error!r}): {EXPECTED}.") from None


def published_form(layouts: Sequence[Layout], captions: Mapping[str, str]) -> dict[str, Any]:
    """`layouts` as the published JSON, for other people's programs. captions: by layout's id, of the COCO picture."""
    return {
        "results": [
            {
                "image_id": int(layout.id),
                "file_name": f"{layout.id}.jpg",
                "caption": captions.get(layout.id, ""),
                "instances": [_published(i) for i in layout.instances],
            }
            for layout in layouts
        ]
    }


def _layout(item: Mapping[str, Any], source: Mapping[str, str]) -> Layout:
    key = Path(str(item["file_name"])).stem
    instances = tuple(_instance(i, f"Picture {key}, instance {n}") for n, i in enumerate(item["instances"], 1))
    return Layout(key, "deig", ", ".join(i.text for i in instances), instances, source=source)


def _instance(data: Mapping[str, Any], where: str) -> Instance:
    info = data["eval_info"]
    metrics = info["eval_metrics"]
    if info["type"] == "person":
        tags = {"kind": "person", "level": f"C{metrics['color']['num_colors']}"}
        if tags["level"] not in PERSON_LEVELS:
            raise LayoutError(f"{where} has {metrics['color']['num_colors']!r} colours; 1 to 3 were expected.")
    elif info["type"] == "object":
        both = bool(metrics["material"]["has_material"]), bool(metrics["texture"]["has_texture"])
        tags = {"kind": "object", "level": OBJECT_LEVELS[both]}
    else:
        raise LayoutError(f"{where} is of type {info['type']!r}; person or object was expected.")
    return Instance(clamped(data["bbox"], where), data["description"], data["category"], tags)


def _published(instance: Instance) -> dict[str, Any]:
    box, tags = instance.box, instance.tags
    if tags["kind"] == "person":
        metrics = {"color": {"num_colors": int(tags["level"][1:])}}
    else:
        metrics = {name: {f"has_{name}": name in tags, name: tags.get(name)} for name in ("material", "texture")}
    return {
        "category": instance.noun,
        "bbox": list(box),
        "description": instance.text,
        "relative_area": round((box[2] - box[0]) * (box[3] - box[1]), 4),
        "eval_info": {"type": tags["kind"], "eval_metrics": metrics},
    }


def write_published(path: Path, layouts: Sequence[Layout], captions: Mapping[str, str]) -> None:
    """`published_form` as a file, whole or not at all. Raises DeigError where it cannot be written."""
    write_whole(path, json.dumps(published_form(layouts, captions), indent=1) + "\n")
