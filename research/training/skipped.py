"""Pictures that could not be used: skipped when they are encoded, counted, said, and left out when training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from deig_core.errors import DeigError

from ..atomic import write_whole
from .pictures import Picture

_FILE = "skipped.json"
_DATA = "data.json"
_SHOWN = 5


def remember(cache: Path, reasons: dict[str, str], pictures: Sequence[Picture]) -> str:
    """Write which of the pictures were skipped and why (by file name), and say so. Raises DeigError where all were."""
    if not reasons:
        (cache / _FILE).unlink(missing_ok=True)
        return ""
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(cache / _FILE, json.dumps(reasons, indent=1, ensure_ascii=False))
    some = "; ".join(f"{name}: {why}" for name, why in list(reasons.items())[:_SHOWN])
    if len(reasons) >= len({p.file_name for p in pictures}):
        raise DeigError(f"None of the {len(pictures)} pictures can be used ({some}).")
    return f"{len(reasons)} of {len(pictures)} pictures were skipped, all named in {_FILE} ({some})."


def without_skipped(cache: Path, pictures: Sequence[Picture]) -> tuple[list[Picture], str]:
    """The pictures that prepare did not skip, and a sentence about the others."""
    try:
        reasons = json.loads((cache / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        reasons = {}
    except (OSError, ValueError):
        raise DeigError(f"{_FILE} in {cache.name} cannot be read: run prepare again.") from None
    kept = [p for p in pictures if p.file_name not in reasons]
    if not kept:
        raise DeigError(f"All pictures of the data were skipped by prepare: see {_FILE} in {cache.name}.")
    left = len(pictures) - len(kept)
    return kept, f"{left} of {len(pictures)} pictures are left out, which prepare skipped." if left else ""


def changed_since(folder: Path, pictures: Sequence[Picture]) -> str:
    """Remember in the run's folder which pictures it is trained with, in their order; say where they are others now."""
    seen = hashlib.sha256("\n".join(p.to_json() for p in pictures).encode()).hexdigest()
    note = folder / _DATA
    try:
        before = json.loads(note.read_text(encoding="utf-8"))
        told = ""
        if before["digest"] != seen:
            told = (
                "Training goes on with other pictures than it began with, or in another order "
                f"({before['pictures']} before, {len(pictures)} now)."
            )
    except (OSError, ValueError, KeyError, TypeError):
        told = ""
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"pictures": len(pictures), "digest": seen}), encoding="utf-8")
    return told
