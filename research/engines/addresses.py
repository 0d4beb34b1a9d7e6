"""Which of several servers is asked next: the least busy of those that do not rest after a failure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_WAIT = 60.0  # seconds before another try, whatever a server asks for


@dataclass
class Address:
    """failures: bursts of them since the last answer; what fails while the address rests belongs to the same burst."""

    url: str
    busy: int = 0
    failures: int = 0
    rests_until: float = 0.0


class Addresses:
    """first_wait: seconds of rest after a first failure, doubled with each further one. Times are a clock's, in
    seconds.
    """

    def __init__(self, urls: Sequence[str], first_wait: float):
        self.all = [Address(url) for url in urls]
        self.first_wait = first_wait

    def next(self, now: float) -> Address:
        """The least busy of those that do not rest at `now`; where all rest, of all."""
        return min(self.all, key=lambda a: (a.rests_until > now, a.busy))

    def answered(self, address: Address) -> None:
        """Ends its rest, and begins the count of its failures anew."""
        address.failures, address.rests_until = 0, 0.0

    def failed(self, address: Address, now: float, asked_wait: float, turn: int) -> float:
        """Lets the address rest; returns the seconds that the question waits before its try number `turn` + 1.

        0 where another address is at work; else longer with each try and by lot, so that what failed together does
        not come back together.
        """
        if now >= address.rests_until:
            address.failures += 1
        rest = max(asked_wait, self._growing(address.failures - 1))
        address.rests_until = max(address.rests_until, now + min(rest, LONGEST_WAIT))
        if any(a.rests_until <= now for a in self.all):
            return 0.0
        return min(max(asked_wait, self._growing(turn)), LONGEST_WAIT) * random.uniform(1.0, 1.5)

    def _growing(self, failures: int) -> float:
        return self.first_wait * 2 ** min(failures, 10)
