"""The subcommands of `python -m research.evaluation`, one a file: NAME, `add_arguments(parser)` and `run(options)`,
which prints, and raises DeigError or OSError where it cannot go on.
"""
