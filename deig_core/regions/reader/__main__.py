"""python -m deig_core.regions.reader: docs/formats.md, made from the table of forms and its examples.
python -m deig_core.regions.reader FILE [WIDTH HEIGHT]: how a file of boxes is read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ...errors import RegionError
from .dialects import DIALECTS
from .examples import EXAMPLES
from .reading import read

INTRODUCTION = """\
# What it reads

Boxes come from other nodes, detectors, annotation tools and language models, pasted or dropped in the editor, or over
the `boxes` sockets. One reader (`deig_core/regions/reader`) knows the forms below; this page is made from its table by
`python -m deig_core.regions.reader > docs/formats.md`; `python -m deig_core.regions.reader FILE WIDTH HEIGHT` says how
a file is read.

## Rules

- What is set by hand (layout, units, the size of the boxes' own picture) counts for every form. Where keys name their
  numbers (`xmin`, `width`), a layout can only turn a corner into a centre (`cxcywh`).
- What the file states counts next: `bbox_format`, `units`, `imageWidth`, `%`.
- Then the form decides, and then the numbers. All at most 1.5 are fractions (a box of one pixel is never meant). Qwen's
  `bbox_2d` is pixels where it fits into the picture, else 0..1000. Forms of 0..1000 with more than 1000 are pixels.
- Lists of four are corners, `xyxy`. Where most of several cannot be corners and all fit as corner and size, they are
  `xywh`, and that is said.
- Pixels that do not fit into the picture are refused as a whole: the boxes belong to a larger picture, whose size has
  to be given. Percent is never guessed.
- Numbers under keys that nobody knows are refused by name. Only a text without a place gets the whole picture.
- Numbers in a text inside a list are a box only in brackets, between commas or behind keys, and that is said:
  `["a jersey with the numbers 10 20 30 40"]` is a text.
- Rotated boxes, and places that count from the lower edge, are refused. Of an outline, a circle or a quadrilateral the
  box around it counts, and that is said.
- A box without a text, beside words under a key that nobody knows: the key is named.
- One bad entry is left out and named; the good ones are read. Boxes cut at the edge, or smaller than a cell of the
  latent, are said. Of several pictures the first one is read, and that is said.
- JSON may be sloppy: code blocks, a thinking part, words around it, Python's quotes and tuples, comments, trailing
  commas, one object a line, a missing end. Tables (CSV, Markdown) and XML (Pascal VOC, CVAT) are read by their keys.

"fit" stands for Qwen's rule, "keys" for keys that say which number is which, "auto" for the rules above.

## Forms

| form | recognised by | order | units |
|---|---|---|---|
"""
EXAMPLES_TITLE = """
## Examples

In a picture of 800 x 500 pixels, each is the box from (80, 100) to (480, 450).

"""


def page() -> str:
    """docs/formats.md."""
    rows = [f"| {d.name} | {_cell(d.recognised)} | {d.order} | {d.units} |" for d in DIALECTS]
    shown = []
    for dialect in DIALECTS:
        for example in EXAMPLES[dialect.name][:1]:
            text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
            shown.append(f"**{_escaped(dialect.name)}**\n\n" + "\n".join(f"    {line}" for line in text.splitlines()))
    return INTRODUCTION + "\n".join(rows) + "\n" + EXAMPLES_TITLE + "\n\n".join(shown) + "\n"


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("<ref>", "`<ref>`").replace("<box>", "`<box>`")


def main(arguments: list[str]) -> int:
    if not arguments:
        print(page(), end="")
        return 0
    width, height = (int(n) for n in arguments[1:3]) if len(arguments) > 2 else (512, 512)
    try:
        reading = read(Path(arguments[0]).read_text(encoding="utf-8-sig"), width, height)
    except (RegionError, OSError, UnicodeDecodeError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 1
    print("\n".join(reading.sentences))
    print(reading.document.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
