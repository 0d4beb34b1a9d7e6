"""What an entry of a foreign file says of its thing: its description, its negative, words under a key nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .entry import Context, folded, is_list, number
from .vocabulary import BOX_KEYS, DECLARES, OUTLINES

TEXT_KEYS = (
    *("description", "desc", "caption", "prompt", "phrase", "expression", "sentence", "label", "text", "name", "class"),
    *("category", "classname", "categoryname", "tagname", "title", "classtitle", "displayname", "object", "objectname"),
    *("entity", "entityname", "labelname", "labeltext", "textlabel", "item", "subject", "concept", "query", "ref"),
    *("referringexpression", "instanceprompt", "regionprompt", "localprompt", "longdescription", "thing", "what"),
    *("rectanglelabels", "polygonlabels", "ellipselabels", "labels", "names", "tags", "classes", "categories", "obj"),
    *("value", "tag", "cls", "identity", "content", "textcontent", "transcription", "ocrtext", "sentences", "sent"),
)
NEGATIVE_KEYS = ("negative", "negativeprompt", "negprompt", "uncond", "negativedescription")
_HOLDERS = ("metadata", "regionattributes", "attributes", "data", "properties", "payload", "body")
_CLASS_KEYS = ("categoryid", "classid", "labelid", "class", "label", "category", "cls", "categoryidx")
_WORDS = re.compile(r"\s*[^\W\d_][^\n/\\#<>{}=]{2,2000}")
# Parts of keys that stand before words which describe no thing.
_NO_TEXT = (
    *("id", "type", "kind", "mode", "format", "color", "colour"),
    *("file", "path", "url", "image", "source", "date", "time"),
    *("by", "author", "user", "state", "status", "split", "token", "hash", "version", "license", "origin", "shape"),
    *("pose", "lang", "model", "mask", "unit", "order", "created", "layer", "direction", "view", "set", "space"),
    *("occluded", "truncated", "difficult", "outside", "keyframe", "align", "font", "style", "rule", "cap", "join"),
)


def text_of(entry: Mapping, context: Context) -> str:
    """The first text that an entry has for its thing, in the order of TEXT_KEYS, "" for none."""
    holders = [entry, *(v for k, v in folded(entry).items() if k in _HOLDERS and isinstance(v, Mapping))]
    for holder in holders:
        values = folded(holder)
        for key in TEXT_KEYS:
            if said := _said(values.get(key)):
                return said
    values = folded(entry)
    if context.names:
        for key in _CLASS_KEYS:
            known = values.get(key)
            if isinstance(known, (str, int)) and not isinstance(known, bool):
                said = context.names.get(known) or context.names.get(str(known))
                if said:
                    return said
    attributes = values.get("regionattributes")
    if isinstance(attributes, Mapping):
        return next((v.strip() for v in attributes.values() if isinstance(v, str) and v.strip()), "")
    return context.text


def _said(value: Any) -> str:
    if isinstance(value, str):
        return "" if number(value) is not None else value.strip()
    if is_list(value) and value:
        first = value[0]
        if isinstance(first, str) and all(isinstance(v, str) for v in value):
            return ", ".join(v.strip() for v in value if v.strip())
        return _said(first) if isinstance(first, Mapping) else ""
    if isinstance(value, Mapping):
        values = folded(value)
        return next((v.strip() for k in TEXT_KEYS if isinstance(v := values.get(k), str) and v.strip()), "")
    return ""


def negative_of(entry: Mapping) -> str:
    values = folded(entry)
    return next((v.strip() for k in NEGATIVE_KEYS if isinstance(v := values.get(k), str)), "")


def unread_text(entry: Mapping) -> str:
    """A key of an entry without a text whose value reads like one, "" for none."""
    for key, value in entry.items():
        name = next(iter(folded({key: value})), "")
        if not isinstance(value, str) or not _WORDS.fullmatch(value) or any(part in name for part in _NO_TEXT):
            continue
        if name not in DECLARES and name not in NEGATIVE_KEYS and name not in BOX_KEYS and name not in OUTLINES:
            return str(key)[:40]
    return ""
