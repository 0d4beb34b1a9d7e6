"""XML of annotation tools (Pascal VOC, CVAT) as mappings. Entities are refused, so that nothing expands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from ...errors import RegionError
from .limits import MOST_DEEP

MOST_ELEMENTS = 100_000
_TOGETHER = {
    "object": "objects",
    "box": "objects",
    "rect": "objects",
    "polygon": "objects",
    "image": "images",
    "track": "tracks",
}


@dataclass
class _Element:
    """An element that is not yet closed. children: by name, those of a kind together; lists: names that stay lists."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: dict[str, list] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any) -> None:
        together = _TOGETHER.get(name, name)
        self.children.setdefault(together, []).append(value)
        if name in _TOGETHER or len(self.children[together]) > 1:
            self.lists.add(together)

    def value(self) -> Any:
        """What it says: a mapping in which children count before attributes of their name, or its text."""
        inside = {k: v if k in self.lists else v[0] for k, v in self.children.items()}
        values = {**self.attributes, **inside}
        said = "".join(self.words).strip()
        if values and said:
            values.setdefault("text", said)
        return values or said


def from_xml(text: str) -> Any | None:
    """The root as a mapping (attributes and children by name, repeated ones a list); None for what is no XML."""
    parser = expat.ParserCreate()
    stack = [_Element("")]
    count = 0

    def start(name: str, attributes: dict) -> None:
        nonlocal count
        count += 1
        if len(stack) > MOST_DEEP or count > MOST_ELEMENTS:
            raise RegionError("The XML is too large or nested too deeply; give the annotations of one picture.")
        stack.append(_Element(name, dict(attributes)))

    def end(name: str) -> None:
        value = stack.pop().value()
        if isinstance(value, dict) and name == "polygon" and isinstance(value.get("points"), str):
            value["points"] = [p.split(",") for p in value["points"].split(";")]
        stack[-1].add(name, value)

    def refuse(*_: object) -> None:
        raise RegionError("XML with a document type or entities is not read; save the annotations without.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda words: stack[-1].words.append(words)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except UnicodeEncodeError:
        raise RegionError("The XML holds half a character (a lone surrogate); write that text again.") from None
    except expat.ExpatError:
        return None
    return stack[0].value()
