"""What an exception of other people's code says, in one line: theirs run over many."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line of what it says; its class's name where it says nothing."""
    return _said(error) or type(error).__name__


def with_class(error: BaseException, most: int = 160) -> str:
    """Its class, a colon and the first line of what it says, of which no more than `most` characters are kept."""
    line = _said(error)
    return f"{type(error).__name__}: {line if len(line) <= most else f'{line[:most]}...'}"


def _said(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "")
