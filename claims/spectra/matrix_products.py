"""Products of random matrices: how a hundred of them typically grow, and why the mean square says something else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, lecun, measure, mlp
from simulations.numbers.arrays import Array
from theory.spectra import matrix_products

D2L = "Zhang, Lipton, Li & Smola 2023 (Dive into Deep Learning)"
WIDTH, MATRICES = 4, 100


def _unit_variance(fan_in: int, fan_out: int) -> float:
    return 1.0


def _growth(run: Run, init: Initialiser, draws: int) -> Array:
    """The factor on a vector's squared norm of each matrix of each product, (draws, MATRICES)."""
    network = mlp([WIDTH] * (MATRICES + 1), init=init, activation=None)
    rows = run.inputs.narrowed(WIDTH)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    norms = measure(network, rows, draws=draws, rng=run.rng("product")).square_norms
    factors: Array = norms[:, 1:] / norms[:, :-1]
    return factors


@claim(
    "X6",
    paper=D2L,
    where="section 5.4.1, a product of 100 matrices",
    states=r"\mathbb E\log\frac{\|Mx\|}{\|x\|}=\tfrac12\bigl(\psi(\tfrac n2)+\log2\bigr)<\tfrac12\log n="
    r"\tfrac12\log\frac{\mathbb E\|Mx\|^2}{\|x\|^2}",
    derivation=matrix_products.DERIVATIONS,
    mutants=[
        mutant(
            "the mean square is typical",
            "E||P||^2 is made by rare, large products: after 100 matrices its root is a million times the typical "
            "size.",
            exponent=matrix_products.annealed,
        ),
        mutant(
            "unit variance preserves the size",
            "Unit variance of the entries multiplies the mean square by the number of columns.",
            exponent=lambda width: sp.Integer(0),
        ),
        mutant(
            "as for numbers",
            "The mean logarithm of a product of numbers, n = 1, which shrinks; matrices add n squares first.",
            exponent=lambda width: matrix_products.lyapunov(1),
        ),
        mutant(
            "scaled matrices", "Entries of variance 1/n, as weights have, where the claim is of variance 1.", init=lecun
        ),
    ],
)
def typical_product_is_not_the_mean_square(
    run: Run,
    *,
    exponent: Callable[[int], sp.Expr] = matrix_products.lyapunov,
    init: Initialiser = Initialiser(_unit_variance),  # noqa: B008
) -> Finding:
    """A product of 100 Gaussian 4 x 4 matrices stretches a vector e^56 fold; its mean square suggests e^69.

    Averages over matrices with N(0, 1) entries at a fixed vector; exact at any size: the factors on the squared norm
    are independent from matrix to matrix, each chi-square with n degrees of freedom. Tested are that law and the mean
    logarithm, of every matrix in the products.
    """
    run = run.share(2)
    typical = run.mean(matrix_products.lyapunov(WIDTH), variance=matrix_products.lyapunov_variance(WIDTH), error=0.02)
    law = run.chi_square(WIDTH, error=0.02)
    factors = run.once(_growth, init, -(-max(typical.draws, law.draws) // MATRICES)).ravel()
    return all_of([typical(np.log(factors) / 2, expected=exponent(WIDTH)), law(factors)])
