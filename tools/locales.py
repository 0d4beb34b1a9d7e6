"""The texts of the nodes in every language: `locales/<language>/nodeDefs.json`, as ComfyUI's page looks them up.

English stands in the nodes themselves. `locales/en/nodeDefs.json` is what it was when the others were translated: where
it has changed since, their translations no longer count. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

LANGUAGES = ("zh", "ja", "ko", "fr", "de", "es")
SYNTAX = frozenset("{}|@")
"""The page reads these as orders to its translator."""

Texts = dict[str, str]
"""Paths such as "DEIGApply/inputs/model/tooltip" to texts."""


def english(nodes: dict[str, dict]) -> Texts:
    """All texts of the nodes. nodes: their entries in the host's /object_info, by id."""
    return dict(_flat({name: _of_node(info) for name, info in nodes.items()}))


def read(folder: Path, language: str) -> Texts:
    """Texts of a language; none where it has no file yet."""
    path = folder / language / "nodeDefs.json"
    return dict(_flat(json.loads(path.read_text(encoding="utf-8")))) if path.exists() else {}


def write(folder: Path, language: str, texts: Texts) -> None:
    tree: dict = {}
    for path, text in texts.items():
        *parents, last = path.split("/", 4)
        branch = tree
        for key in parents:
            branch = branch.setdefault(key, {})
        branch[last] = text
    (folder / language).mkdir(parents=True, exist_ok=True)
    words = json.dumps(tree, ensure_ascii=False, indent=1) + "\n"
    (folder / language / "nodeDefs.json").write_text(words, encoding="utf-8")


def update(folder: Path, now: Texts) -> dict[str, Texts]:
    """Make `now` the English source, keep of every language what still fits it; returns what each has to translate."""
    before, missing = read(folder, "en"), {}
    write(folder, "en", now)
    for language in LANGUAGES:
        kept = read(folder, language)
        kept = {path: kept[path] for path in now if path in kept and before.get(path) == now[path]}
        write(folder, language, kept)
        missing[language] = {path: text for path, text in now.items() if path not in kept}
    return missing


def wrong(now: Texts, translated: Texts) -> list[str]:
    """What a translation of `now` lacks, has too much, or leaves in English; a sentence each."""
    found = [f"{path} is not translated: {text}" for path, text in now.items() if path not in translated]
    for path, text in translated.items():
        if path not in now:
            found.append(f"{path} is no text of the nodes any more")
        elif " " in text and text == now[path]:
            found.append(f"{path} is still English: {text}")
        elif SYNTAX & set(text):
            found.append(f"{path} has one of {''.join(sorted(SYNTAX))}, which the page's translator would read: {text}")
    return found


def _of_node(info: dict) -> dict:
    inputs = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    outputs = zip(info["output"], info["output_name"], info["output_tooltips"], strict=True)
    return {
        "display_name": info["display_name"],
        "description": info["description"],
        "inputs": {name: _of_input(name, *spec) for name, spec in inputs.items()},
        # The page names an output that is called like its type by the type.
        "outputs": {
            str(i): {**({} if name == kind else {"name": name}), "tooltip": tooltip}
            for i, (kind, name, tooltip) in enumerate(outputs)
        },
    }


def _of_input(name: str, kind: str | list, options: dict) -> dict:
    # Choices without a default are names of files.
    choices = options.get("options", kind if isinstance(kind, list) else ()) if "default" in options else ()
    told = {"name": options.get("display_name", name), "tooltip": options["tooltip"]}
    return {**told, "options": {choice: choice for choice in choices}} if choices else told


def _flat(tree: dict, path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        yield from _flat(value, f"{path}{key}/") if isinstance(value, dict) else [(path + key, value)]
