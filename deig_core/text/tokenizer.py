"""Which T5 tokenizer belongs to weights, and loading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..checkpoint.file_kind import read_json
from ..errors import WeightsError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FILE = "tokenizer.json"
_FILES = (FILE, "spiece.model")
_WEIGHTS = {".safetensors", ".sft", ".bin", ".pt", ".pth", ".ckpt", ".gguf"}
_PIECES = ("<pad>", "</s>", "<unk>")  # which every T5 has, and CLIP and BERT have not


def tokenizer_folder(path: Path, fallback: str | Path | None) -> Path:
    """Folder of the tokenizer of the weights at `path`: the folder's own; for one file, that beside it where the file
    is the only weights there and the tokenizer is a T5's, for beside several may lie another model's; else `fallback`.

    Raises WeightsError where there is none.
    """
    folder = path if path.is_dir() else path.parent
    if any((folder / name).is_file() for name in _FILES) and (
        path.is_dir() or fallback is None or (_is_alone(path) and _is_t5(folder / FILE))
    ):
        return folder
    if fallback is None:
        raise WeightsError(f"{path.name} comes without a tokenizer: put {FILE} of Flan-T5-XL beside it.")
    return Path(fallback)


def _is_alone(path: Path) -> bool:
    return [f for f in path.parent.iterdir() if f.suffix.lower() in _WEIGHTS] == [path]


def _is_t5(file: Path) -> bool:
    if not file.is_file():
        return False
    model = read_json(file).get("model")
    pieces = model.get("vocab") if isinstance(model, dict) else None
    # A list of [piece, score], or the number of each piece.
    first = [p[0] if isinstance(p, list) and p else p for p in list(pieces)[:3]] if pieces else []
    return first == list(_PIECES)


def load_tokenizer(path: Path, fallback: str | Path | None) -> PreTrainedTokenizerBase:
    """The tokenizer of the weights at `path`. Raises WeightsError where there is none, or none that can be read."""
    from transformers import T5TokenizerFast

    folder = tokenizer_folder(path, fallback)
    for name in (FILE, "tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).is_file():
            read_json(folder / name)
    try:
        return T5TokenizerFast.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # the library raises whatever its parsers do
        raise WeightsError(
            f"The tokenizer in {folder.name} cannot be read ({type(error).__name__}); download {FILE} of Flan-T5-XL "
            "again."
        ) from None
