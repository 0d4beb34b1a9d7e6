"""A limit of time for what is bounded, which is as strict on a slow or busy machine as on another."""

import json
import time
from contextlib import contextmanager

YARDSTICK = 0.75
"""CPU seconds that `_yardstick` takes on a slow machine which does nothing else."""


@contextmanager
def at_once(seconds=2):
    """At most so much CPU time; more only where the machine is slower now than a slow one, and as much as it is."""
    start = time.process_time()
    yield
    took = time.process_time() - start
    assert took < seconds or took < seconds * max(1, _yardstick() / YARDSTICK)


def _yardstick():
    start = time.process_time()
    for key in json.loads(json.dumps([{f"key {i}": [i, i, i]} for i in range(100_000)])):
        for name, values in key.items():
            assert name.lower().isascii() and len(values) == 3
    return time.process_time() - start
