"""One part of the run, in a process of its own: what a fault of the device, a compiler that hangs or a crash ends.

The part sends what it finds as it finds it, so that nothing is lost with it.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

GRACE = 12.0  # seconds between the time at which a part should stop and the one at which it is stopped
NO_GPU = "There is no CUDA device here, so nothing was measured; --tiny runs every part on a CPU to see that it works."

Message = tuple[str, Any]
"""("environment", dict) | ("row", Row as a dict) | ("table", (title, header, lines)) | ("text", (title, text)) |
("note", sentence) | ("left out", what) | ("refused", sentence) | ("failed", traceback) | ("done", None)"""


@dataclass(frozen=True)
class Part:
    """What a part, a module's `run(part)`, is given. deadline: by time.time(); it looks at it between two cases."""

    device: Any
    tiny: bool
    deadline: float
    send: Callable[[Message], None]
    failed: list[str] = field(default_factory=list)

    def left(self) -> float:
        """Seconds to the deadline, negative after it."""
        return self.deadline - time.time()

    def row(self, row: Any) -> None:
        """row: a `measure.Row`."""
        self.send(("row", row.to_dict()))

    def table(self, title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
        """Send it again whenever it has grown: the last one counts, and a part that is stopped has sent what it had."""
        self.send(("table", (title, list(header), [list(line) for line in lines])))

    def text(self, title: str, text: str) -> None:
        """Text to be kept as it is: code, a list of failures. The last one of a title counts."""
        self.send(("text", (title, text)))

    def note(self, sentence: str) -> None:
        """One sentence, shown at once and kept for the page."""
        self.send(("note", sentence))

    def piece(self, what: str, work: Callable[[], None]) -> None:
        """Do `work`; if it raises, say so and go on: `run` ends the part as failed. Raises if the device is gone."""
        try:
            work()
        except Exception:
            self.failed.append(what)
            self.text(f"{what} failed", traceback.format_exc())
            if self.device.type == "cuda":
                import torch

                torch.cuda.synchronize()
                torch.cuda.empty_cache()

    def has(self, seconds: float, what: str) -> bool:
        """Whether `seconds` are left; if not, `what` is reported as left out."""
        if self.left() >= seconds:
            return True
        self.send(("left out", what))
        return False


def work(connection: Connection, module: str, tiny: bool, deadline: float) -> None:
    """The part's process: run(part) of `module`."""
    try:
        import torch

        from .environment import environment

        device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        if device.type == "cpu" and not tiny:
            connection.send(("refused", NO_GPU))
            return
        if device.type == "cpu":
            torch.set_num_threads(1)
        torch.manual_seed(0)
        connection.send(("environment", environment(device)))
        run = importlib.import_module(module).run
        gc.freeze()  # every recording of a graph begins with a collection
        with torch.no_grad():
            run(part := Part(device, tiny, deadline, connection.send))
        connection.send(("failed", f"{', '.join(part.failed)} failed.") if part.failed else ("done", None))
    except BaseException:
        connection.send(("failed", traceback.format_exc()))
    finally:
        connection.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # a compiler's thread that hangs must not keep the process


def conduct(module: str, tiny: bool, seconds: float, hear: Callable[[Message], None]) -> str:
    """Run a part for about `seconds`; hear what it sends. Returns "done", "failed", "refused", "died" or "stopped"."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, module, tiny, time.time() + seconds))
    stop = time.monotonic() + seconds + GRACE
    process.start()
    theirs.close()
    try:
        while ours.poll(max(0.0, stop - time.monotonic())):
            message = ours.recv()
            hear(message)
            if message[0] in ("done", "failed", "refused"):
                return message[0]
        hear(("failed", f"It had not stopped {GRACE:.0f} s after its time was over, so it was stopped."))
        return "stopped"
    except EOFError:
        process.join(5)
        hear(("failed", f"Its process ended without a word (exit code {process.exitcode})."))
        return "died"
    finally:
        process.join(0.5)
        if process.is_alive():
            process.kill()
            process.join()
        ours.close()
