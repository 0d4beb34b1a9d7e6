"""python tests/unit/fuzz_reader.py [COUNT] [SEED]: broken and mixed-up boxes through the reader, 100,000 by default.

Each is an example of the table, changed at a few places as a value or as text. The reader must give valid regions or a
RegionError of one line, within two seconds; say something wherever it gives none; and not move or lose the whole
entries beside a broken one. Not part of the suite: 100,000 take some minutes.
"""

from __future__ import annotations

import copy
import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from deig_core.errors import RegionError  # noqa: E402
from deig_core.regions.document import parse  # noqa: E402
from deig_core.regions.reader import ORDERS, UNITS, ByHand, read  # noqa: E402
from deig_core.regions.reader.examples import EXAMPLES  # noqa: E402

CASES = json.loads((ROOT / "tests" / "data" / "region_formats.json").read_text(encoding="utf-8"))["cases"]
SEEDS = [e for examples in EXAMPLES.values() for e in examples] + [c["source"] for c in CASES]
ODD = [
    *(None, True, False, 0, -1, 1, 0.5, 1e308, -1e-300, float("nan"), float("inf"), 10**400, "", " ", "a", "10", "10%"),
    *("\ud83d", "1,2,3,4", [], {}, [[]], [1, 2], [1, 2, 3, 4], [0.1, 0.2, 0.6, 0.9], {"x": 1}, {"counts": "a"}, "null"),
]
KEYS = [
    *("box", "bbox", "bbox_2d", "box_2d", "x", "y", "width", "height", "w", "h", "xmin", "label", "desc", "strength"),
    *(
        "regions",
        "version",
        "elements",
        "boxes",
        "labels",
        "size",
        "points",
        "angle",
        "rect",
        "zone",
        "metadata",
        "value",
    ),
]
BITS = [
    "[",
    "]",
    "{",
    "}",
    "(",
    ",",
    ":",
    '"',
    "'",
    "\\",
    "//",
    "/*",
    "```",
    "<think>",
    "\n",
    "0",
    "-",
    "e9",
    "None",
    "#",
]


def changed(value, chance, rng):
    """`value` with parts replaced, renamed, doubled or lost."""
    if rng.random() < chance:
        return copy.deepcopy(rng.choice(ODD))
    if isinstance(value, dict):
        made = {}
        for key, inner in value.items():
            fate = rng.random()
            if fate < chance:
                continue
            made[rng.choice(KEYS) if fate < 2 * chance else key] = changed(inner, chance, rng)
        if rng.random() < chance:
            made[rng.choice(KEYS)] = copy.deepcopy(rng.choice(ODD))
        return made
    if isinstance(value, (list, tuple)):
        made = [changed(v, chance, rng) for v in value if rng.random() > chance]
        if made and rng.random() < chance:
            made.append(copy.deepcopy(rng.choice(made)))
        return [made] if rng.random() < chance / 2 else made
    return value


def torn(text, rng):
    """`text` with pieces cut out, put in or doubled."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        fate = rng.random()
        if fate < 0.3:
            text = text[:at] + text[at + rng.randint(1, 6) :]
        elif fate < 0.7:
            text = text[:at] + rng.choice(BITS) * rng.choice((1, 1, 1, 2, 9)) + text[at:]
        elif fate < 0.85:
            text = text[:at]
        else:
            text = text[:at] + text[max(0, at - 30) :]
    return text


def nested(value, rng):
    """`value` some levels deeper, in lists, mappings and texts of JSON."""
    for _ in range(rng.choice((1, 3, 12, 45, 300))):
        wrap = rng.choice(("list", "mapping", "list", "mapping", "text"))
        if wrap == "text" and len(text := json.dumps(value)) < 20_000:
            value = [text]
        else:
            value = {rng.choice(KEYS): value} if wrap == "mapping" else [value]
    return value


def as_xml(value, name, rng):
    """`value` as an element, whose plain parts are attributes or children."""
    if not isinstance(value, (dict, list, tuple)):
        return f"<{name}>{escape(str(value))}</{name}>"
    parts = value.items() if isinstance(value, dict) else [(rng.choice(("object", "box", name)), v) for v in value]
    attributes, inside = {}, ""
    for key, inner in parts:
        key = re.sub(r"\W", "_", f"a{key}" if not str(key)[:1].isalpha() else str(key))
        if isinstance(inner, (dict, list, tuple)) or rng.random() < 0.5:
            inside += as_xml(inner, key, rng)
        else:
            attributes[key] = quoteattr(str(inner))
    return f"<{name} " + " ".join(f"{k}={v}" for k, v in attributes.items()) + f">{inside}</{name}>"


def check(source, rng):
    """What became of `source`: "read", "refused", or a fault."""
    by_hand = ByHand(order=rng.choice((*["auto"] * 6, *ORDERS)), units=rng.choice((*["auto"] * 6, *UNITS)))
    start = time.process_time()
    try:
        reading = read(source, 800, 500, by_hand)
    except RegionError as error:
        text = str(error)
        fault = "a message of several lines" if "\n" in text or len(text) > 600 else ""
        return fault or ("slow" if time.process_time() - start > 2 else "refused")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if time.process_time() - start > 2:
        return "slow"
    document = reading.document
    if parse(document.to_json()).to_dict() != document.to_dict():
        return "does not survive a round trip"
    if not document.regions and not reading.sentences:
        return "nothing read and nothing said"
    if any("\n" in n or len(n) > 600 for n in reading.sentences):
        return "a note of several lines"
    return "read"


def beside_a_broken_one(rng):
    """Whole entries keep their places beside one that is broken."""
    whole = [{"box": [80, 100, 480, 450], "label": "a"}, {"box": [0, 0, 400, 250], "label": "b"}]
    broken = changed({"box": [8, 10, 48, 45], "label": "c"}, 0.4, rng)
    try:
        found = read([*whole, broken], 800, 500)
    except RegionError:
        return "refused"
    boxes = [(r.description, tuple(round(v, 6) for v in r.box)) for r in found.document.regions]
    kept = boxes[:2] == [("a", (0.1, 0.2, 0.6, 0.9)), ("b", (0, 0, 0.5, 0.5))]
    nothing = broken in ([], [[]], None, "", " ") or (isinstance(broken, dict) and [] in broken.values())
    told = nothing or len(boxes) > 2 or any("Region 3" in n or "pictures" in n for n in found.notes)
    return "read" if kept and told else f"lost or moved beside {broken!r}: {boxes} {found.notes}"


def main(count: int, seed: int) -> int:
    rng = random.Random(seed)
    counted, faults = Counter(), []
    for i in range(count):
        source = copy.deepcopy(rng.choice(SEEDS))
        if i % 10 == 0:
            source, result = None, beside_a_broken_one(rng)
        else:
            chance = rng.choice((0.02, 0.05, 0.15, 0.4))
            source = changed(source, chance, rng) if not isinstance(source, str) or i % 2 else torn(source, rng)
            if i % 7 == 0:
                source = nested(source, rng)
            elif i % 11 == 0:
                source = as_xml(source, "objects", rng)
            if i % 3 == 0 and not isinstance(source, str):
                source = torn(json.dumps(source), rng)
            result = check(source, rng)
        counted[result if result in ("read", "refused") else "faults"] += 1
        if result not in ("read", "refused"):
            faults.append((result, source))
    for result, source in faults[:10]:
        print(f"{result[:300]}: {str(source)[:300]!r}")
    print(f"{count} inputs, seed {seed}: " + ", ".join(f"{n} {what}" for what, n in counted.most_common()))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*(int(a) for a in [*sys.argv[1:3], *("100000", "0")[len(sys.argv) - 1 :]])))
