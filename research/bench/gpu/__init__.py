"""What a card does, in a few minutes.

`python dev.py gpu`, or `python -m research.bench.gpu` on a machine that has torch, Triton and transformers only.
"""
