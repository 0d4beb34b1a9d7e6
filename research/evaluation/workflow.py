"""Workflows in ComfyUI's API format with blanks, filled in for a layout.

A blank is an input whose whole value is a text such as "$prompt". A node whose `_meta` has
`"each_instance": INPUT` stands for a chain of nodes, one for each instance: INPUT of the first is as written, of every
further one the output of the node before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError
from deig_core.regions.document import Region, RegionDocument

from .layout import Instance, Layout

FOLDER = Path(__file__).with_name("workflows")
CELL = 8  # pixels of a latent cell
PICTURE = ("prompt", "clip_prompt", "regions", "seed", "width", "height")
INSTANCE = ("clip_text", "box_x", "box_y", "box_width", "box_height")
Workflow = dict[str, dict[str, Any]]


class WorkflowError(DeigError):
    """A workflow cannot be used for layouts."""


def shipped() -> list[str]:
    """Names of the workflows in this package."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_workflow(name: str) -> Workflow:
    """The workflow of that name, else the one in that file. Raises WorkflowError for what is none in API format."""
    path = FOLDER / f"{name}.json" if name in shipped() else Path(name)
    try:
        workflow = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WorkflowError(
            f"The workflow {name} cannot be read ({error}): one of {', '.join(shipped())} or a file in ComfyUI's API "
            f"format was expected."
        ) from None
    if not isinstance(workflow, dict) or not workflow or not all(map(_is_node, workflow.values())):
        raise WorkflowError(f"{path.name} is no workflow in API format: save it with Export (API).")
    for name, node in workflow.items():
        chained = _chained(node)
        if chained is not None and not (isinstance(chained, str) and _is_link(node["inputs"].get(chained))):
            raise WorkflowError(f"{path.name}: each_instance of node {name} is {chained!r}, and no link goes in there.")
        if chained is None and (strange := set(_blanks(node)) & set(INSTANCE)):
            raise WorkflowError(
                f"{path.name}: ${min(strange)} in node {name} is of an instance; only a node with each_instance in its "
                f"_meta has one."
            )
    return workflow


def set_values(
    workflow: Workflow, values: Mapping[str, object], defaults: Mapping[str, object] | None = None
) -> Workflow:
    """`workflow` with the blanks of a run filled in; those of a picture stay. A value NAME also fills $clip_NAME.
    defaults: for blanks that have no value.

    Raises WorkflowError for a value that it has no blank for, or a blank that has none.
    """
    blanks = {value for node in workflow.values() for value in _blanks(node)}
    there = {name: v for name, v in (defaults or {}).items() if blanks & {name, f"clip_{name}"}}
    values = {**there, **values}
    missing = sorted({name.removeprefix("clip_") for name in blanks - {*PICTURE, *INSTANCE}} - values.keys())
    if missing:
        raise WorkflowError(f"The workflow leaves {', '.join(missing)} open: give --set {missing[0]}=... for each.")
    unused = sorted(name for name in values if not blanks & {name, f"clip_{name}"})
    if unused:
        raise WorkflowError(f"The workflow has no blank for {', '.join(unused)}: leave that out, or write it as $NAME.")
    for_clips = {f"clip_{name}": for_clip(value) for name, value in values.items() if isinstance(value, str)}
    return {name: _filled(node, {**values, **for_clips}) for name, node in workflow.items()}


def fill(workflow: Workflow, layout: Layout, seed: int) -> Workflow:
    """`workflow`, of whose blanks only those of a picture are left, for `layout`."""
    if layout.width % CELL or layout.height % CELL:
        raise WorkflowError(
            f"Layout {layout.id} is {layout.width} x {layout.height} pixels; Stable Diffusion draws whole cells of "
            f"{CELL} pixels."
        )
    document = RegionDocument(
        layout.width,
        layout.height,
        tuple(Region(f"r{i}", instance.box, instance.text) for i, instance in enumerate(layout.instances, 1)),
    )
    values = {
        "prompt": layout.prompt,
        "clip_prompt": for_clip(layout.prompt),
        "regions": document.to_json(),
        "seed": seed,
        "width": layout.width,
        "height": layout.height,
    }
    filled: Workflow = {}
    last: dict[str, str] = {}
    for name, node in workflow.items():
        chained = _chained(node)
        if chained is None:
            filled[name] = _filled(node, values)
            continue
        before = node["inputs"][chained]
        for i, instance in enumerate(layout.instances, 1):
            link = _filled(node, {**values, **of_instance(instance, layout)})
            link["inputs"][chained] = before
            last[name] = f"{name}_{i}"
            filled[last[name]], before = link, [last[name], 0]
    for node in filled.values():
        for key, value in node["inputs"].items():
            if _is_link(value) and value[0] in last:
                node["inputs"][key] = [last[value[0]], value[1]]
    return filled


def of_instance(instance: Instance, layout: Layout) -> dict[str, object]:
    """Its text for CLIP, and its box in pixels: the nearest whole cells, as core's GLIGEN has them; one at least."""
    x, width = _cells(instance.box[0], instance.box[2], layout.width)
    y, height = _cells(instance.box[1], instance.box[3], layout.height)
    return {
        "clip_text": for_clip(instance.text),
        "box_x": x,
        "box_y": y,
        "box_width": width,
        "box_height": height,
    }


def for_clip(text: str) -> str:
    """`text` as ComfyUI's CLIP nodes read it literally: bare parentheses would weigh the words in them."""
    return re.sub(r"([()])", r"\\\1", text)


def _cells(low: float, high: float, pixels: int) -> tuple[int, int]:
    cells = pixels // CELL
    first = min(round(low * cells), cells - 1)
    return CELL * first, CELL * max(1, round(high * cells) - first)


def _is_node(node: object) -> bool:
    return (
        isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), Mapping)
    )


def _is_link(value: object) -> bool:
    """[name of a node, number of its output]; any other list is a value."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int


def _chained(node: Mapping[str, Any]) -> str | None:
    """The input by which a node stands for a chain of them."""
    meta = node.get("_meta")
    return meta.get("each_instance") if isinstance(meta, Mapping) else None


def _blanks(node: Mapping[str, Any]) -> Iterator[str]:
    for value in node["inputs"].values():
        if isinstance(value, str) and re.fullmatch(r"\$\w+", value):
            yield value[1:]


def _filled(node: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    def of(value: Any) -> Any:
        name = value[1:] if isinstance(value, str) and value.startswith("$") else None
        return values.get(name, value) if name else value

    return {**node, "inputs": {key: of(value) for key, value in node["inputs"].items()}}
