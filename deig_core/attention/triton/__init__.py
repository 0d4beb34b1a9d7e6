"""The fused kernel: when it runs (policy), how it is launched, and the kernel itself, which alone imports Triton."""
