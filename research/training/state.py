"""States on disk: written aside and renamed, so that a kill at any moment leaves the last one whole."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch

from deig_core.errors import DeigError

_NAME = "step_{:09d}.pt"


def save(folder: Path, step: int, contents: dict[str, Any], keep: int) -> Path:
    """Write the state of `step` and remove all but the newest `keep`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _NAME.format(step)
    aside = path.with_suffix(".partial")
    try:
        with open(aside, "wb") as file:
            torch.save({"step": step, **contents}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except (OSError, RuntimeError) as error:  # torch's own writer raises the latter on a full disk
        reason = str(error).splitlines()[0][:120]
        raise DeigError(
            f"The state {path.name} cannot be written ({reason}); free space: older states are whole."
        ) from None
    finally:
        aside.unlink(missing_ok=True)
    for old in states(folder)[:-keep]:
        old.unlink()
    return path


def states(folder: Path) -> list[Path]:
    """Oldest first; files that a kill left half written are not among them."""
    return (
        sorted(p for p in folder.glob("step_*.pt") if re.fullmatch(r"step_\d{9}\.pt", p.name))
        if folder.is_dir()
        else []
    )


def newest(folder: Path) -> dict[str, Any] | None:
    """The newest state, or None where training starts from nothing. Raises DeigError for one that cannot be read."""
    found = states(folder)
    if not found:
        return None
    try:
        return torch.load(found[-1], map_location="cpu", weights_only=True)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:150]
        raise DeigError(
            f"The state {found[-1].name} cannot be read ({reason}): delete it, and training goes on from the one "
            f"before, if any."
        ) from None
