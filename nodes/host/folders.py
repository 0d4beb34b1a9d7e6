"""Where weights lie: models/deig and the text encoders' folders, extra_model_paths.yaml included."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import comfy
import folder_paths

from ...deig_core.text.encoder import SHARD

FOLDER = "deig"
EXTENSIONS = {".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin"}
TEXT_ENCODERS = "text_encoders"
MOST_DEEP = 5
MOST_CHARACTERS = 4_000_000
_walked: dict[Path, tuple[dict[Path, int | None], list[Path]]] = {}


def register() -> None:
    """Add models/deig beside whatever extra_model_paths.yaml has named before; nothing is overwritten."""
    paths, extensions = folder_paths.folder_names_and_paths.get(FOLDER, ([], set()))
    folder_paths.folder_names_and_paths[FOLDER] = (paths, set(extensions) | EXTENSIONS)
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER), is_default=not paths)


def weights() -> list[str]:
    """Names of the files in the DEIG folders; empty where there is none."""
    return folder_paths.get_filename_list(FOLDER)


def text_encoders() -> list[str]:
    """Text encoder files, and the Hugging Face folders (with a config.json and weights), however deep they lie.

    A file inside such a folder is a part of it. A shard that lies alone is none; of a download's cache, the newest
    snapshot counts.
    """
    folders = {str(f.relative_to(root)) for root in _roots() for f in _folders_in(root)}
    found = {
        name
        for name in folder_paths.get_filename_list(TEXT_ENCODERS)
        if name.lower().endswith((".safetensors", ".sft", ".bin"))
        and not SHARD.search(name)
        and not any(Path(name).is_relative_to(f) for f in folders)
        and not {"blobs", "snapshots"} & set(Path(name).parts)
    }
    return sorted(found | folders)


def _roots() -> list[Path]:
    return [Path(root) for root in folder_paths.get_folder_paths(TEXT_ENCODERS) if os.path.isdir(root)]


def _folders_in(root: Path) -> list[Path]:
    """Folders below `root` that are a text encoder, remembered until something is put into a folder or taken out."""
    stamps, found = _walked.get(root, ({}, []))
    if not stamps or any(_stamp(folder) != stamp for folder, stamp in stamps.items()):
        stamps = {}
        found = list(_encoder_folders(root, stamps))
        _walked[root] = stamps, found
    return found


def _stamp(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except OSError:  # gone, or not readable
        return None


def _encoder_folders(root: Path, stamps: dict[Path, int | None], depth: int = 0) -> Iterator[Path]:
    """Folders below `root` that are a model of their own, not further than MOST_DEEP; with a stamp of each visited."""
    stamps[root] = _stamp(root)
    try:
        inside = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    except OSError:  # not readable
        return
    if root.name == "snapshots" and inside:
        inside = [max(inside, key=lambda f: f.stat().st_mtime)]
    for folder in inside:
        stamps[folder] = _stamp(folder)
        if _is_encoder(folder):
            yield folder
        elif depth < MOST_DEEP:
            yield from _encoder_folders(folder, stamps, depth + 1)


def _is_encoder(folder: Path) -> bool:
    # Other models' folders have a config.json too, but not one that says T5.
    try:
        with open(folder / "config.json", encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
        if len(text) > MOST_CHARACTERS:
            return False  # no model's settings
        config = json.loads(text)
        kind = config.get("model_type", "t5") if isinstance(config, dict) else "t5"
    except FileNotFoundError:
        return False
    except (OSError, ValueError, RecursionError):
        kind = "t5"  # damaged: the loader says how
    return "t5" in str(kind).lower()


def weights_path(name: str) -> str:
    return folder_paths.get_full_path_or_raise(FOLDER, name)


def text_encoder_path(name: str) -> str:
    """Path of a file or folder that `text_encoders` named. Raises FileNotFoundError."""
    for root in folder_paths.get_folder_paths(TEXT_ENCODERS):
        path = os.path.normpath(os.path.join(root, name))
        if os.path.isdir(path) and path.startswith(os.path.normpath(root) + os.sep):
            return path
    return folder_paths.get_full_path_or_raise(TEXT_ENCODERS, name)


def t5_tokenizer() -> str:
    """Folder of the T5 tokenizer that ComfyUI carries."""
    return os.path.join(
        os.path.dirname(comfy.__file__) if comfy.__file__ else next(iter(comfy.__path__)),
        "text_encoders",
        "t5_tokenizer",
    )
