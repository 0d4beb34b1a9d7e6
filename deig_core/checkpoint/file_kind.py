"""What a file really is, from its first bytes: downloads that are no weights are said for what they are."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from ..errors import WeightsError

MOST_JSON = 64 * 1024 * 1024
LFS = b"version https://git-lfs.github.com/spec"


def check_kind(path: Path) -> None:
    """Raise WeightsError, saying what it is instead, for a path that is no file, an empty file, and any text."""
    if path.is_dir():
        raise WeightsError(f"{path.name} is a folder where a file of weights was expected.")
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be opened ({error.strerror}); put the file there again.") from None
    if what := _text_kind(start):
        raise WeightsError(f"{path.name} {what}")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file beside weights. Raises WeightsError that says what the file is instead."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_JSON else b""
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be opened ({error.strerror}); put the file there again.") from None
    if size > MOST_JSON:
        raise WeightsError(f"{path.name} has {size} bytes, which no file of its name has; download it again.")
    if what := _text_kind(data[:512], json_expected=True):
        raise WeightsError(f"{path.name} {what}")
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise WeightsError(f"{path.name} is damaged: it is no JSON; download it again.") from None
    if not isinstance(value, dict):
        raise WeightsError(f"{path.name} holds {type(value).__name__} where a JSON object was expected.")
    return value


def is_whole_zip(path: Path) -> bool:
    """Whether a torch file may be mapped into memory: a zip whose records are stored as they are, and all there.

    Raises WeightsError for a zip that would unpack to more than a hundred times its size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            records, size = archive.infolist(), path.stat().st_size
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    if sum(r.file_size for r in records) > 100 * size:
        raise WeightsError(f"{path.name} is no weights file: it would unpack to a hundred times its size.")
    return all(r.compress_type == zipfile.ZIP_STORED and r.header_offset + r.file_size <= size for r in records)


def _text_kind(start: bytes, json_expected: bool = False) -> str:
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "is empty; download it again."
    if head.startswith(LFS):
        return "is a Git LFS pointer and not the file itself: run `git lfs pull` there, or download the file."
    if head[:1] == b"<":
        return "is a web page and not the file itself: the download needs a login or another link; download it again."
    if not json_expected and (head[:1] == b"{" and head[1:2] in (b'"', b"\n", b"\r", b" ", b"}")):
        return "is JSON text and not the file of weights that belongs to it; download the weights."
    words = start.decode("ascii", "replace") if not json_expected else ""
    if len(words) > 7 and words.isascii() and all(c.isprintable() or c in "\r\n\t" for c in words) and " " in words:
        said = " ".join(words.split())[:60]
        return f"is a text that begins with {said!r} and not a file of weights; download it again."
    if not json_expected and len(start) < 8:
        return f"has {len(start)} bytes and is no weights file; download it again."
    return ""
