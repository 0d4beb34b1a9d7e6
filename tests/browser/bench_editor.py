"""How long a pointer move takes with 64 regions, in Chromium with the real page, and how large the editor's JavaScript
is.

`python dev.py bench editor`. A move is everything from the event to the finished layout; painting is the browser's own.
By the clock, which other jobs slow down, and by the page's own processor time, which they hardly do.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from hands import document  # noqa: E402
from pages import browse  # noqa: E402

from tools.setup import Host, chromium  # noqa: E402

MOVES = 200
GOAL_MS = 4
PAGES = [("host", False), ("host", True), ("new", False), ("new", True)]
# Between down and up of the real mouse, whose pointer has the id 1.
MOVE = """([moves, x, y]) => {
    const stage = document.querySelector(".deig-stage");
    const times = [];
    for (let i = 0; i < moves; i++) {
        const place = {pointerId: 1, clientX: x + 30 * Math.sin(i / 9),
            clientY: y + 30 * Math.cos(i / 7), buttons: 1, bubbles: true};
        const began = performance.now();
        stage.dispatchEvent(new PointerEvent("pointermove", place));
        stage.getBoundingClientRect();
        times.push(performance.now() - began);
    }
    return times;
}"""


def grid(count=64):
    boxes = [
        [0.02 + i % 8 * 0.12, 0.02 + i // 8 * 0.12, 0.11 + i % 8 * 0.12, 0.11 + i // 8 * 0.12] for i in range(count)
    ]
    return [
        {"id": f"r{i}", "box": box, "description": f"a cat with {i} stripes", "color": "#e6194b"}
        for i, box in enumerate(boxes)
    ]


def moves(hands, everything: bool) -> tuple[list[float], float, float]:
    """(milliseconds of each move, layouts a move, mean milliseconds of processor time) of one box or of all 64."""
    hands.start(document(grid()))
    if everything:
        hands.click(0.06, 0.06)
        hands.keys("Control+a")
    x, y = hands.at(0.06, 0.06)
    hands.page.mouse.move(x, y)
    hands.page.mouse.down()
    hands.page.mouse.move(x + 20, y + 20, steps=4)
    session = hands.context.new_cdp_session(hands.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def used():
        found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        return found["LayoutCount"], found["ScriptDuration"] + found["LayoutDuration"] + found["RecalcStyleDuration"]

    before = used()
    times = hands.page.evaluate(MOVE, [MOVES, x, y])
    layouts, seconds = (now - then for now, then in zip(used(), before, strict=True))
    hands.page.mouse.up()
    moved = sum(after["box"] != before["box"] for after, before in zip(hands.regions(), grid(), strict=True))
    if moved != (64 if everything else 1):
        raise SystemExit(f"{moved} boxes were moved: the times are not those of a drag.")
    return times, layouts / MOVES, 1000 * seconds / MOVES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comfyui", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows = []
    host = Host(options.comfyui, Path(sys.prefix), options.base)
    with tempfile.TemporaryDirectory() as folder, browse(host, chromium(), Path(folder)) as open_page:
        for frontend, vue in PAGES:
            hands = open_page(frontend, vue)
            for everything in (False, True):
                measured = [moves(hands, everything) for _ in range(options.rounds)]
                times = [t for one, *_ in measured for t in one]
                rows.append(
                    {
                        "row": f"{'all 64' if everything else 'one of 64'} dragged, {frontend} page, "
                        f"{'Nodes 2.0' if vue else 'classic'}",
                        "median_ms": median(times),
                        "p95_ms": quantiles(times, n=20)[-1],
                        "cpu_ms": median(cpu for *_, cpu in measured),
                        "layouts": max(layouts for _, layouts, _ in measured),
                    }
                )
                print(
                    "{row:45} median {median_ms:5.2f} ms, 95 % below {p95_ms:5.2f} ms; processor {cpu_ms:5.2f} ms; "
                    "layouts a move {layouts:.2f}".format(**rows[-1]),
                    flush=True,
                )
            hands.page.goto("about:blank")  # it would draw on beside the next page
    scripts = sorted((ROOT / "web").rglob("*.js"), key=lambda path: -path.stat().st_size)
    size = sum(path.stat().st_size for path in scripts) / 1000
    rows.append({"row": "JavaScript", "kB": size})
    print(f"Goal of a move's median: {GOAL_MS} ms. JavaScript: {size:.1f} kB, of which")
    for path in scripts:
        purpose = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("// ")
        print(f"{path.stat().st_size / 1000:6.1f} kB {path.name:15} {purpose}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
