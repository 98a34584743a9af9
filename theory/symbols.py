r"""Symbols that more than one subject uses: widths, depths, scales and the learning rate, as the papers write them."""

from __future__ import annotations

import sympy as sp

ETA = sp.Symbol("eta", positive=True)
"""The scale of a residual branch; its square is the branch's gain."""
DEPTH = sp.Symbol("l", integer=True, nonnegative=True)
"""The number of layers or blocks so far."""
SCALE, BRANCHES = sp.Symbol("a", positive=True), sp.Symbol("L", positive=True)
"""Fixup's scale of a branch layer, and the number of residual branches."""
LAYERS = sp.Symbol("m", integer=True, positive=True)
"""The number of layers in a branch."""
