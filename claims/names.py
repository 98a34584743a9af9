"""The papers that claims are drawn from, and how a SymPy result becomes a number."""

from __future__ import annotations

import sympy as sp

LECUN = "LeCun, Bottou, Orr & Müller 1998"
GLOROT = "Glorot & Bengio 2010"
HE = "He, Zhang, Ren & Sun 2015"
HANIN = "Hanin & Rolnick 2018; Hanin 2018"
FIXUP = "Zhang, Dauphin & Ma 2019 (Fixup)"


def number(expression: sp.Expr) -> float:
    """Evaluate a SymPy expression without free symbols."""
    return float(sp.N(expression))
