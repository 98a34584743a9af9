r"""The symbols that several subjects share, as the papers write them.

A symbol stands here if three or more files mean the same by it and assume the same of it; what one file alone uses is
defined there. SymPy tells symbols apart by name and assumptions only, so ETA and RATE, or ORDER and SCALE, are equal:
no derivation has both.
"""

from __future__ import annotations

import sympy as sp

N = sp.Symbol("n", integer=True, positive=True)
"""Width: the number of units of a layer, or of features of a residual stream."""
H = sp.Symbol("h", integer=True, positive=True)
"""Hidden width: the number of units inside a residual branch."""
ACTIVE = sp.Symbol("K", integer=True, nonnegative=True)
"""The number of active ReLU units of a layer."""

DEPTH = sp.Symbol("l", integer=True, nonnegative=True)
"""The number of layers or blocks so far; in n(l), the position of a layer."""
BLOCKS = sp.Symbol("L", integer=True, positive=True)
"""The number of layers or blocks of the whole net."""
L = sp.Symbol("L", integer=True, nonnegative=True)
"""The same where it solves a recursion, which starts from a net of none."""
BRANCHES = sp.Symbol("L", positive=True)
"""The same as a real number, for Fixup's powers of it and their limits."""
LAYERS = sp.Symbol("m", integer=True, positive=True)
"""The number of layers in a residual branch."""

VARIANCE = sp.Symbol("sigma^2", positive=True)
"""Variance of the entries of a weight matrix."""
SQUARE_NORM = sp.Symbol(r"\|x\|^2", positive=True)
"""Square norm of the fixed input x."""
Q = sp.Symbol("q", positive=True)
"""Variance of a pre-activation of mean 0."""
SLOPE = sp.Symbol("a", real=True)
"""Slope of the leaky ReLU for negative inputs: 0 is ReLU, 1 the identity, -1 the absolute value."""
THETA = sp.Symbol("theta", positive=True)
"""The angle between two inputs."""

ETA = sp.Symbol("eta", positive=True)
"""The scale of a residual branch; its square is the branch's gain."""
SCALE = sp.Symbol("a", positive=True)
"""Fixup's scale of a branch layer."""
RATE = sp.Symbol("eta", positive=True)
"""The learning rate."""
LOSS_SLOPE = sp.Symbol("l'", real=True)
"""The slope of the loss in the output of the net, or of the branch."""

X = sp.Symbol("x", real=True)
"""A scalar input."""
C = sp.Symbol("c", positive=True)
"""The factor by which a quantity is scaled where its degree of homogeneity is asked."""
T = sp.Symbol("t", real=True)
"""A standard normal variable."""
ORDER = sp.Symbol("a", positive=True)
"""The order of a moment, in Mellin transforms E r^a."""
EPSILON = sp.Symbol("epsilon", positive=True)
"""One over the width, where wide layers are expanded in it."""
