"""XML of annotation tools (Pascal VOC, CVAT) as mappings. Entities are refused, so that nothing expands."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from ...errors import RegionError

MOST_DEEP, MOST_ELEMENTS = 40, 100_000
_TOGETHER = {"object": "objects", "box": "objects", "polygon": "objects", "image": "images", "track": "tracks"}


def from_xml(text: str) -> Any | None:
    """The root as a mapping (attributes and children by name, repeated ones a list); None for what is no XML."""
    parser = expat.ParserCreate()
    stack: list[tuple[str, dict, list[str]]] = [("", {}, [])]
    count = 0

    def start(name: str, attributes: dict) -> None:
        nonlocal count
        count += 1
        if len(stack) > MOST_DEEP or count > MOST_ELEMENTS:
            raise RegionError("The XML is too large or nested too deeply; give the annotations of one picture.")
        stack.append((name, dict(attributes), []))

    def end(name: str) -> None:
        _, values, words = stack.pop()
        said = "".join(words).strip()
        value: Any = values or said
        if values and said:
            values.setdefault("text", said)
        if isinstance(value, dict) and name == "polygon" and isinstance(value.get("points"), str):
            value["points"] = [p.split(",") for p in value["points"].split(";")]
        parent = stack[-1][1]
        if name in _TOGETHER:
            parent.setdefault(_TOGETHER[name], []).append(value)
        elif name in parent:
            parent[name] = [*(parent[name] if isinstance(parent[name], list) else [parent[name]]), value]
        else:
            parent[name] = value

    def refuse(*_: object) -> None:
        raise RegionError("XML with a document type or entities is not read; save the annotations without.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda words: stack[-1][2].append(words)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        return None
    return stack[0][1]
