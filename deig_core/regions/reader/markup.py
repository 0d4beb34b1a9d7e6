"""Boxes in a language model's own marks."""

from __future__ import annotations

import re

from .entry import Entry

_FOUR = re.compile(r"[\s,()\[\]]{1,9}".join([r"(\d{1,5}(?:\.\d{1,9})?)"] * 4))
_OPENING = {"<ref>": "ref", "<|ref|>": "ref", "<|object_ref_start|>": "ref", "<box>": "box", "<|det|>": "box"}
_OPENING |= {"<|box_start|>": "box", "<|begin_of_box|>": "answer", "<bbox>": "answer"}
_CLOSING = (
    *("</ref>", "<|/ref|>", "<|object_ref_end|>", "</box>", "<|/det|>", "<|box_end|>", "<|end_of_box|>", "</bbox>"),
)
_NUMBERS = re.compile(r"[\s\d.,()\[\]]+")
_TAG = re.compile("|".join(map(re.escape, (*_OPENING, *_CLOSING))))
_PALIGEMMA = re.compile(r"<loc(\d{4})>" * 4 + r"([^<;]*)")
_FLORENCE = re.compile(r"(?:<loc_\d{1,4}>)+")
_KOSMOS = re.compile(r"<patch_index_(\d{4})>|<(/?phrase|/?object)>")


def from_markup(text: str) -> list[Entry] | None:
    """Entries of a text with a model's marks for boxes; None where there are none."""
    for mark, form in (("<", _references), ("<loc", _paligemma), ("<loc_", _florence), ("<patch_index_", _kosmos)):
        if mark in text and (found := form(text)):
            return found
    return None


def _references(text: str) -> list[Entry]:
    """<ref>a dog</ref><box>(10,20),(30,40)</box> and its kin: Qwen-VL, InternVL, DeepSeek-VL2, GLM-V, Seed; 0..1000."""
    name, found, label, opened = "a model's <ref> and <box>", [], "", None
    for tag in _TAG.finditer(text):
        if tag[0] in _OPENING:
            opened = tag
            continue
        if opened is None:
            continue
        said, kind, opened = text[opened.end() : tag.start()], _OPENING[opened[0]], None
        if kind == "ref":
            label = " ".join(said.split())
            continue
        fours = [tuple(float(n) for n in m.groups()) for m in _FOUR.finditer(said)]
        if kind == "answer" and not _NUMBERS.fullmatch(said):
            continue  # GLM puts all of its answers between these
        if not fours:
            found.append(Entry(name, text=label, problem=f"a box of four numbers is expected; got {said[:40]}"))
        for four in fours:
            written = "[" + ", ".join(f"{n:g}" for n in four) + "]"
            found.append(Entry(name, four, "xyxy", units="0..1000", text=label, written=written))
    return found


def _paligemma(text: str) -> list[Entry]:
    """<loc0123> four times: y0, x0, y1, x1 of 1024."""
    found = []
    for mark in _PALIGEMMA.finditer(text):
        four = tuple(int(n) / 1024 for n in mark.groups()[:4])
        said = f"[{', '.join(mark.groups()[:4])}]"
        found.append(Entry("PaliGemma", four, "yxyx", False, "fractions", True, text=mark[5].strip(), written=said))
    return found


def _florence(text: str) -> list[Entry]:
    """a dog<loc_12><loc_34><loc_56><loc_78>: x0, y0, x1, y1 of 1000."""
    name, found, before = "Florence-2's text", [], 0
    for mark in _FLORENCE.finditer(text):
        label = re.sub(r"</?s>|</?\w{1,20}>", " ", text[max(before, mark.start() - 4000) : mark.start()]).strip(
            " ,.;\n"
        )
        before = mark.end()
        places = [int(n) for n in re.findall(r"\d+", mark[0])]
        if len(places) % 4:
            problem = f"{len(places)} places are no whole number of boxes"
            found.append(Entry(name, text=label, problem=problem, written=mark[0][:40]))
            continue
        for i in range(0, len(places), 4):
            four = tuple(float(n) for n in places[i : i + 4])
            written = str(places[i : i + 4])
            found.append(Entry(name, four, "xyxy", False, "0..1000", True, text=label, written=written))
    return found


def _kosmos(text: str) -> list[Entry]:
    """<phrase>a dog</phrase><object><patch_index_0044><patch_index_0863></object>: cells of a grid of 32 x 32."""
    found, label, start, cells = [], "", 0, []
    for mark in _KOSMOS.finditer(text):
        if mark[1]:
            cells.append(int(mark[1]))
        elif mark[2] == "phrase":
            start = mark.end()
        elif mark[2] == "/phrase":
            label = text[start : mark.start()].strip()
        elif mark[2] == "/object":
            for first, last in zip(cells[::2], cells[1::2], strict=False):
                four = (first % 32 / 32, first // 32 / 32, (last % 32 + 1) / 32, (last // 32 + 1) / 32)
                written = f"cells {first} and {last}"
                found.append(Entry("Kosmos-2", four, "xyxy", False, "fractions", True, text=label, written=written))
            cells = []
    return found
