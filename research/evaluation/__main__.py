"""python -m research.evaluation: the paper's three benchmarks, from COCO to the tables (docs/evaluation.md)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deig_core.errors import DeigError

from .commands import adopt, ap, build, compare, demo, generate, look, read, score

COMMANDS = (build, read, generate, adopt, look, score, ap, compare, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0; 1 for what cannot be done, in a sentence on stderr; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_arguments(commands.add_parser(command.NAME, help=command.__doc__, description=command.__doc__))
    options = parser.parse_args(arguments)
    try:
        next(command for command in COMMANDS if options.command == command.NAME).run(options)
    except (DeigError, OSError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{options.command}: stopped; what is done is kept, and the same command goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
