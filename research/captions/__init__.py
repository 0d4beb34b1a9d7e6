"""Detailed descriptions of the instances of a detection set, for the trainer: docs/captions.md."""
