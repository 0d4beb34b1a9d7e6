"""What a card does, in a few minutes.

`python dev.py gpu`, or `python -m deig_core.bench.gpu` on a machine that has torch, Triton and transformers only.
"""
