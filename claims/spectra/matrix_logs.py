"""Logarithms of products of matrices, for gradients that are such products."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.spectra.chains import D2L
from evidence import Finding, all_of, identity
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian
from theory.domain import number
from theory.spectra import matrix_logs

DRAWS = 100


def _logarithm(matrices: Array) -> tuple[Array, Array]:
    """The principal logarithm of diagonalisable 2 x 2 matrices from their eigenvectors V, and a bound on its rounding.

    An error E of the matrix moves its logarithm by at most cond(V)^2 |E| / |smallest eigenvalue|.
    """
    values, vectors = np.linalg.eig(matrices.astype(complex))
    logs = (vectors * np.log(values)[:, None, :]) @ np.linalg.inv(vectors)
    condition, size = np.linalg.cond(vectors), np.linalg.norm(matrices, axis=(1, 2))
    return logs.real, 64 * EPS * condition**2 * size / np.abs(values).min(axis=1)


def _determinant(matrices: Array) -> tuple[Array, Array]:
    """log|det| of 3 x 3 matrices by the six products of their entries, and a bound on its rounding."""
    orders = np.array(list(permutations(range(3))))
    signs = np.array([1, -1, -1, 1, 1, -1])  # of the permutations in this order
    products = np.prod(matrices[:, np.arange(3), orders], axis=2)
    determinant = products @ signs
    return np.log(np.abs(determinant)), 8 * EPS * np.abs(products).sum(axis=1) / np.abs(determinant)


def _shears(run: Run, both_up: bool) -> tuple[Array, Array, Array, Array]:
    """Two sizes a draw, ||log(AB) - log A - log B|| of the shears, and its rounding."""
    a, b = run.rng("shears").uniform(0.5, 2, (2, DRAWS))
    first, second = np.zeros((2, DRAWS, 2, 2))
    first[:, 0, 1], second[:, 1, 0] = a, b
    if both_up:
        log, rounding = first + second.swapaxes(1, 2), np.full(DRAWS, EPS)
        second = second.swapaxes(1, 2)
    else:
        log, rounding = _logarithm((np.eye(2) + first) @ (np.eye(2) + second))
    return a, b, np.linalg.norm(log - first - second, axis=(1, 2)), rounding


@claim(
    "S2",
    paper=D2L,
    where="section 5.4, the remark on logarithms of products",
    states=r"\log|\det AB|=\log|\det A|+\log|\det B|,\quad\log(AB)\ne\log A+\log B,\quad"
    r"\|\log R^2-2\log R\|_F=2\sqrt2\,\pi\ \text{for a rotation by more than }\tfrac\pi2",
    derivation=matrix_logs.DERIVATIONS,
    mutants=[
        mutant(
            "the sum of the logarithms",
            "Logarithms of products add for numbers; matrices would have to commute at least.",
            shears=lambda a, b: sp.S.Zero,
        ),
        mutant(
            "half the commutator",
            "[log A, log B]/2 is the first term of a series (Baker, Campbell and Hausdorff) and not all of it.",
            shears=lambda a, b: a * b / sp.sqrt(2),
        ),
        mutant(
            "commuting is enough",
            "A rotation commutes with itself; but its doubled angle leaves (-pi, pi].",
            rotation=lambda angle: sp.S.Zero,
        ),
        mutant("matrices that commute", "Both simulated shears go the same way; their logarithms add.", both_up=True),
    ],
)
def logarithms_of_products(
    run: Run,
    *,
    shears: Callable[[sp.Expr, sp.Expr], sp.Expr] = matrix_logs.product_defect,
    rotation: Callable[[float], sp.Expr] = matrix_logs.squared_rotation_defect,
    both_up: bool = False,
) -> Finding:
    """Of a product of matrices log|det| adds up, but not the logarithm, not even of all matrices that commute.

    Nothing is averaged; exact for every draw: Gaussian 3 x 3 matrices, pairs of shears, rotations by 0.6 pi to 0.9 pi.
    """
    one, two = gaussian(run.rng("determinants"), (2, DRAWS, 3, 3))
    # The product's |det| is that of its singular values, the factors' comes from their entries. The product and its
    # singular values err by at most about n^3 eps of its norm, logarithms by cond(A) as much each.
    stretches = np.linalg.svd(one @ two, compute_uv=False)
    (alone, rounded), (other, rounded_too) = _determinant(one), _determinant(two)
    lost = 81 * EPS * np.linalg.cond(one) * np.linalg.cond(two) + rounded + rounded_too
    lost += 8 * EPS * (np.abs(np.log(stretches)).sum(axis=1) + np.abs(alone) + np.abs(other))
    a, b, defects, rounding = run.once(_shears, both_up)
    symbols = sp.symbols("a b", positive=True)
    claimed = sp.lambdify(symbols, shears(*symbols))(a, b)
    angles = run.rng("angles").uniform(0.6 * np.pi, 0.9 * np.pi, DRAWS)
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    (double, first), (single, second) = _logarithm(turns @ turns), _logarithm(turns)
    jumps = np.linalg.norm(double - 2 * single, axis=(1, 2))
    expected = np.array([number(rotation(float(angle))) for angle in angles])
    return all_of(
        [
            identity(np.log(stretches).sum(axis=1), alone + other, rounding=lost),
            identity(defects, np.broadcast_to(claimed, defects.shape), rounding=2 * rounding),
            identity(jumps, expected, rounding=2 * (first + 2 * second)),
        ]
    )
