"""Where weights lie: models/deig and the text encoders' folders, extra_model_paths.yaml included."""

from __future__ import annotations

import os
from pathlib import Path

import comfy
import folder_paths

FOLDER = "deig"
EXTENSIONS = {".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin"}
TEXT_ENCODERS = "text_encoders"


def register() -> None:
    """Add models/deig beside whatever extra_model_paths.yaml has named before; nothing is overwritten."""
    paths, extensions = folder_paths.folder_names_and_paths.get(FOLDER, ([], set()))
    folder_paths.folder_names_and_paths[FOLDER] = (paths, set(extensions) | EXTENSIONS)
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER), is_default=not paths)


def weights() -> list[str]:
    """Names of the files in the DEIG folders; empty where there is none."""
    return folder_paths.get_filename_list(FOLDER)


def text_encoders() -> list[str]:
    """Text encoder files, and the Hugging Face folders (with a config.json) beside them."""
    found = {
        name
        for name in folder_paths.get_filename_list(TEXT_ENCODERS)
        if name.lower().endswith((".safetensors", ".sft", ".bin"))
    }
    folders = {
        os.path.relpath(config.parent, root)
        for root in folder_paths.get_folder_paths(TEXT_ENCODERS)
        if os.path.isdir(root)
        for config in Path(root).glob("*/config.json")
    }
    inside = {name for name in found if Path(name).parts[0] in folders}
    return sorted(found - inside | folders)


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
