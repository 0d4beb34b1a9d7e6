"""One run at a time in a folder; the system frees the lock of a run that was killed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deig_core.errors import DeigError

LOOKED_AT = 0.3  # seconds; `holder` has the lock for a moment, and a run that begins just then is no second one


@contextmanager
def only_run(folder: Path, name: str = "run") -> Iterator[None]:
    """Hold `folder`/.`name`.lock; who holds it stands in .`name`.owner beside it.

    Raises DeigError soon where another run holds it, or the folder's file system has no locks.
    """
    from filelock import Timeout

    lock = _lock(folder, name)
    try:
        lock.acquire(timeout=LOOKED_AT)
    except Timeout:
        raise DeigError(
            f"{folder} is in use by {_owner(folder, name)}: wait for it, or stop it; two runs cannot write to one "
            f"folder."
        ) from None
    except NotImplementedError:
        raise DeigError(
            f"{folder} is on a file system without locks (flock): choose a folder on another one."
        ) from None
    owner = folder / f".{name}.owner"
    try:
        owner.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def holder(folder: Path, name: str = "run") -> str | None:
    """Who holds the lock, as "process 17 on host"; None where nobody does, or the folder is not ours to lock."""
    from filelock import Timeout

    if not (folder / f".{name}.lock").exists():
        return None
    try:
        with _lock(folder, name):
            return None
    except Timeout:
        return _owner(folder, name)
    except PermissionError:
        return None


def _lock(folder: Path, name: str):
    from filelock import FileLock

    return FileLock(folder / f".{name}.lock", timeout=0)


def _owner(folder: Path, name: str) -> str:
    try:
        found = (folder / f".{name}.owner").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # it writes its name when it holds the lock already
        found = ""
    return found or "another process"
