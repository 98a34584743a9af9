"""The scalar residual net f = prod_l (1 + a_l b_l) x: its tangent kernel ||grad f||^2 in closed form.

The smallest net in which Fixup's argument can be seen whole: one SGD step of rate eta moves f by -eta l' times the
kernel, to first order. Exact; nothing is averaged.

- L equal branches a b: the kernel is L (1 + a b)^(2L-2) (a^2 + b^2) x^2 (`kernel`).
- At a = b = 1/sqrt(L) and x = 1 it tends to 2 e^2 in depth (`all_scaled_limit`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.rules import limit, substituting
from theory.symbols import BRANCHES, X

A, B = sp.symbols("a b", real=True)
"""The two scales of a branch."""
OTHERS = sp.Symbol("P", real=True)
"""The product of all factors 1 + a_l b_l but one."""


@cache
def kernel() -> Derivation:
    """Derive the kernel of L equal branches a b."""
    output = OTHERS * (1 + A * B) * X
    return (
        Derivation.begin(
            "Tangent kernel of the scalar residual net",
            "Square the derivatives of f in the two scales of a branch; L branches add alike.",
            BRANCHES * (sp.Derivative(output, A) ** 2 + sp.Derivative(output, B) ** 2),
        )
        .then("Differentiate.", BRANCHES * OTHERS**2 * (A**2 + B**2) * X**2)
        .then(
            "The other L - 1 branches are equal to this one.",
            BRANCHES * (1 + A * B) ** (2 * BRANCHES - 2) * (A**2 + B**2) * X**2,
            substituting({OTHERS: (1 + A * B) ** (BRANCHES - 1)}),
        )
    )


@cache
def all_scaled_limit() -> Derivation:
    """Derive the limit in depth of the kernel with both scales at 1/sqrt(L), for x = 1."""
    scale = 1 / sp.sqrt(BRANCHES)
    return (
        Derivation.begin("Scalar residual net with all scales 1/sqrt(L)", "The kernel.", kernel().result)
        .then(
            "Put in the scales.",
            2 * (1 + 1 / BRANCHES) ** (2 * BRANCHES - 2),
            substituting({A: scale, B: scale, X: sp.S.One}),
        )
        .then("Let the depth grow.", 2 * sp.E**2, limit(BRANCHES, sp.oo))
    )


def tangent_kernel(branches: Value, first: Value, last: Value, x: Value = 1) -> sp.Expr:
    """Return ||grad f||^2 of f = prod(1 + a b) x over `branches` equal branches a = `first`, b = `last`. Exact.

    Standard (1, 1): L 4^L / 2; last zeroed (1, 0): L; Fixup (L^-1/2, 0): 1; all scaled: 2 (1 + 1/L)^(2L - 2).
    """
    values = {"a": real("first", first), "b": real("last", last), "x": real("x", x)}
    return kernel().at(L=positive_integer("branches", branches), **values)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (kernel, all_scaled_limit)
