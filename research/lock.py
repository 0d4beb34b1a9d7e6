"""One run at a time in a folder; the system frees the lock of a run that was killed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deig_core.errors import DeigError


@contextmanager
def only_run(folder: Path, name: str = "run") -> Iterator[None]:
    """Hold `folder`/.`name`.lock; who holds it stands in .`name`.owner beside it.

    Raises DeigError at once where another run holds it.
    """
    from filelock import FileLock, Timeout

    lock, owner = FileLock(folder / f".{name}.lock", timeout=0), folder / f".{name}.owner"
    try:
        lock.acquire()
    except Timeout:
        who = owner.read_text(encoding="utf-8") if owner.is_file() else "another process"
        raise DeigError(
            f"{folder} is in use by {who}: wait for it, or stop it; two runs cannot write to one folder."
        ) from None
    try:
        owner.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()
