"""A box as a file writes it."""

from __future__ import annotations

from dataclasses import dataclass

from .entry import Numbers


@dataclass(frozen=True)
class RawBox:
    """Four numbers, and what the keys beside them say, "" where they say nothing. order: of the numbers,
    "?" where the key has been used for more than one; named: the keys say which number is which; key: the user's own;
    problem: why it is no box; text: what stands beside the numbers; more: the others under the same key.
    """

    values: Numbers = ()
    order: str = ""
    named: bool = False
    units: str = ""
    key: str = ""
    written: str = ""
    problem: str = ""
    remark: str = ""
    text: str = ""
    more: tuple[RawBox, ...] = ()
