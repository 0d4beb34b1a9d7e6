"""Files that appear whole or not at all, whatever is killed when."""

from __future__ import annotations

import os
from pathlib import Path

from deig_core.errors import DeigError

HALF = ".partial"


def write_whole(path: Path, content: str | bytes) -> None:
    """`content` as the file `path`, text as UTF-8: whole or not at all, also after a power cut.

    Raises DeigError where it cannot be written, a full disk among others; what was there before stays.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}{HALF}")
    try:
        with open(aside, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise DeigError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        aside.unlink(missing_ok=True)


def remove_halves(*folders: Path) -> None:
    """Take away what a killed writer left in the folders, not below them. Hold the writers' lock meanwhile."""
    for folder in folders:
        for half in folder.glob(f"*{HALF}"):
            half.unlink()
