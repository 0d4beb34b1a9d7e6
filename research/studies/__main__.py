"""`python -m research.studies NAME ...`: a study of the method's choices."""

from __future__ import annotations

import sys
from collections.abc import Sequence

STUDIES = ("follow", "tokens")


def main(arguments: Sequence[str]) -> int:
    """The exit status of the study that is named first; 2 where none is."""
    if not arguments or arguments[0] not in STUDIES:
        print(f"usage: python -m research.studies {{{','.join(STUDIES)}}} ...", file=sys.stderr)
        return 2
    if arguments[0] == "follow":
        from .follow import main as study
    else:
        from .tokens import main as study
    return study(arguments[1:])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
