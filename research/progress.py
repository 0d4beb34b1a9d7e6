"""How far a slow command is: done of all, how fast, how long yet."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 10.0  # seconds between two lines


class Progress:
    """`add(n)` after each piece of work; says a line now and then, and one at the end."""

    def __init__(self, what: str, all_: int, unit: str, say: Callable[[str], None] = print):
        self._what, self._all, self._unit, self._say = what, all_, unit, say
        self._began = self._said = time.monotonic()
        self.done = self.failed = 0

    def add(self, done: int, failed: int = 0) -> None:
        self.done += done
        self.failed += failed
        now = time.monotonic()
        if now - self._said >= EVERY and self.done < self._all:
            self._said = now
            self._say(self.line())

    def line(self) -> str:
        rate = self.done / max(time.monotonic() - self._began, 1e-9)
        parts = [f"{self._what}: {self.done} of {self._all} {self._unit}", f"{rate:,.1f} a second"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if 0 < self.done < self._all:
            parts.append(f"{_span((self._all - self.done) / rate)} left")
        return ", ".join(parts)


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{seconds / 3600:.1f} h"
