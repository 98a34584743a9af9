"""What positive homogeneity alone says of gradients, and when the bounds say nothing.

Papers: Zhang et al. 2019 (Fixup), theorems 1 and 2.
Claims: P1 to P19.
"""
