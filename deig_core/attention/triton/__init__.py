"""The fused kernel: when it runs (policy), how its work is cut (tiles), how it is launched (launch), and the kernel
itself, which alone imports Triton.
"""
