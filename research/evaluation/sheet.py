"""A contact sheet of failures: a static page with each picture, its boxes, their texts, verdicts and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from random import Random

from . import pictures
from .layout import Layout
from .score import Set
from .verdict import Verdict

SIDE = 384  # pixels, the longer side of a picture on the sheet
MOST = 100  # pictures of a set
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self'; style-src 'unsafe-inline'">
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
  color-scheme: light dark }}
figure {{ display: grid; grid-template-columns: {side}px 1fr; gap: 1rem; margin: 0 0 1.5rem; break-inside: avoid }}
.picture {{ position: relative; width: {side}px }}
.picture img {{ display: block; width: 100% }}
.none {{ aspect-ratio: 1; border: 2px dashed; display: grid; place-items: center; text-align: center }}
.box {{ position: absolute; border: 2px solid #0a0; color: #fff; box-sizing: border-box }}
.box.no {{ border-color: #e00 }}
.box b {{ background: #0a0; padding: 0 .3em; float: left }}
.box.no b {{ background: #e00 }}
@media (max-width: 50rem) {{ figure {{ grid-template-columns: 1fr }} }}
</style></head><body>
<h1>{title}</h1>
<p>{summary}</p>
{body}
</body></html>
"""


def write(folder: Path, title: str, layouts: Sequence[Layout], sets: Sequence[Set], most: int = MOST) -> Path:
    """`folder`/index.html with `most` pictures of each set that hold a failure, drawn by a fixed lot; -> the page."""
    folder.mkdir(parents=True, exist_ok=True)
    by_id = {layout.id: layout for layout in layouts}
    parts, summary = [], []
    for number, each in enumerate(sets):
        failing = [key for key, verdicts in each.judged.items() if not all(v.ok for v in verdicts)]
        lot = Random(0)
        shown = sorted(sorted(failing, key=lambda _: lot.random())[:most])
        failures = sum(not v.ok for verdicts in each.judged.values() for v in verdicts)
        summary.append(
            f"{escape(each.name)}: {failures} failed instances in {len(failing)} of {len(layouts)} pictures, "
            f"{len(shown)} pictures shown."
        )
        parts.append(f"<h2>{escape(each.name)}</h2>")
        parts += [_figure(folder, f"{number}", by_id[key], each) for key in shown]
    page = folder / "index.html"
    page.write_text(
        PAGE.format(title=escape(title), side=SIDE, summary="<br>".join(summary), body="\n".join(parts)),
        encoding="utf-8",
    )
    return page


def _figure(folder: Path, prefix: str, layout: Layout, each: Set) -> str:
    verdicts, found = each.judged[layout.id], each.found[layout.id]
    if found.problem:
        shown = f'<div class="picture none">{escape(found.problem)}</div>'
    else:
        picture = pictures.load(layout, found)
        picture.thumbnail((SIDE, SIDE))
        name = f"{prefix}-{layout.id}.jpg"
        picture.save(folder / name, quality=85)
        boxes = "".join(map(_box, layout.instances, verdicts))
        shown = f'<div class="picture"><img src="{escape(name)}" alt="" loading="lazy">{boxes}</div>'
    lines = "\n".join(
        f"<li><b>{escape(i.text)}</b><br>{'right' if v.ok else 'wrong: ' + escape(v.reason)}"
        f"<br><small>box {', '.join(f'{side:.2f}' for side in i.box)}"
        f"{'' if v.iou is None else f', IoU {v.iou:.2f}'}</small></li>"
        for i, v in zip(layout.instances, verdicts, strict=True)
    )
    return f"<figure>{shown}<figcaption><code>{escape(layout.id)}</code><ol>{lines}</ol></figcaption></figure>"


def _box(instance, verdict: Verdict) -> str:
    x0, y0, x1, y1 = (100 * side for side in instance.box)
    place = f"left:{x0:.2f}%;top:{y0:.2f}%;width:{x1 - x0:.2f}%;height:{y1 - y0:.2f}%"
    return f'<div class="box{"" if verdict.ok else " no"}" style="{place}"><b>{verdict.instance + 1}</b></div>'
