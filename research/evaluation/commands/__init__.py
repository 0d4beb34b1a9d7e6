"""The subcommands of `python -m research.evaluation`, one a file: NAME, `add_arguments(parser)`, `run(options)`."""
