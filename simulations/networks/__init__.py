"""Whole architectures: plain and residual nets, Fixup, its rivals, and convolutional ResNets."""
