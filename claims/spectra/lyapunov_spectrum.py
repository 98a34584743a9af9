"""The Lyapunov spectrum of Gaussian matrix products: n rates, one for each singular value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.spectra.isometry import DRAWS, ORTHOGONAL
from evidence import Finding, all_of, identity, inequality
from simulations import Initialiser, lecun
from simulations.experiments.frames import Carried, carried
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.spectra import lyapunov_spectrum

WIDTH, MATRICES = 4, 3


def _carried(run: Run, init: Initialiser, each: bool, draws: int) -> Carried:
    """Products of small matrices; with `each`, singular values of the factors stand in for the frame's lengths."""
    found = carried(init, WIDTH, MATRICES, draws=draws, rng=run.rng("frames"))
    return replace(found, lengths=np.asarray(np.linalg.svd(found.factors, compute_uv=False), float)) if each else found


def _volumes(found: Carried) -> tuple[Array, Array, Array]:
    """Logarithms of the products of the first i singular values and of the first i lengths, and their rounding.

    Factors and products of them err by some n L eps times the product of the factors' norms, which moves the logarithm
    of a singular value by that over the value; the lengths likewise.
    """
    values = np.linalg.svd(found.product[:DRAWS], compute_uv=False)
    lengths, sizes = found.lengths[:DRAWS], np.linalg.norm(found.factors[:DRAWS], axis=(2, 3))
    lost = sizes.prod(axis=1)[:, None] / values + (sizes[:, :, None] / lengths).sum(axis=1)
    rounding = 8 * WIDTH**1.5 * MATRICES * EPS * np.cumsum(lost, axis=1)
    return np.cumsum(np.log(values), axis=1), np.cumsum(np.log(lengths).sum(axis=1), axis=1), rounding


@claim(
    "O2",
    paper="Newman 1986",
    where="the distribution of Lyapunov exponents, Gaussian matrices",
    states=r"\lambda_i=\tfrac12\Bigl[\psi\bigl(\tfrac{n-i+1}2\bigr)+\log2-\log n\Bigr],\qquad "
    r"\sum_{j\le i}\log\sigma_j(W_L\cdots W_1)\ge\sum_{j\le i}\sum_{l}\log R^{(l)}_{jj},\quad\mathbb E\log R_{jj}"
    r"=\lambda_j",
    derivation=lyapunov_spectrum.DERIVATIONS,
    mutants=[
        mutant(
            "all zero",
            "The spectrum of orthogonal matrices; Gaussian ones keep the mean square, not the typical size.",
            exponent=lambda width, index: sp.S.Zero,
        ),
        mutant(
            "the top exponent for all",
            "How a single vector grows; what is left of the next ones off it grows less.",
            exponent=lambda width, index: lyapunov_spectrum.lyapunov(width, 1),
        ),
        mutant(
            "the volume shared equally",
            "log |det| / n for each: right for their sum, but depth spreads them.",
            exponent=lambda width, index: sum(lyapunov_spectrum.lyapunov(width, j + 1) for j in range(width)) / width,
        ),
        mutant(
            "the logarithm of the mean square",
            "log((n - i + 1) / n) / 2, where the mean of the logarithm is asked.",
            exponent=lambda width, index: sp.log(sp.Rational(width - index + 1, width)) / 2,
        ),
        mutant("orthogonal matrices", "The simulated matrices stretch nothing.", init=ORTHOGONAL),
        mutant(
            "singular values of each factor",
            "Singular values do not multiply: the directions that one matrix stretches most are not the next one's.",
            each=True,
        ),
    ],
)
def gaussian_products_have_a_spectrum(
    run: Run,
    *,
    exponent: Callable[[int, int], sp.Expr] = lyapunov_spectrum.lyapunov,
    init: Initialiser = lecun,
    each: bool = False,
) -> Finding:
    """The singular values of a Gaussian product grow at n different rates, digammas of (n - i + 1)/2, none of them 0.

    Averages over matrices with N(0, 1/n) entries; exact at any size and depth, for the lengths of an orthonormal frame
    that is carried along: their law, chi-square with n - i + 1 degrees of freedom, and mean logarithms are tested on
    three matrices of size 4. For every draw the first i of them multiply to no more than the first i singular values
    of the product, and all n to the same; in depth both have the same rates.
    """
    run, degrees = run.share(WIDTH + 1), np.arange(WIDTH, 0, -1.0)
    law = run.chi_square(degrees, error=0.05)
    tests = {
        i: run.mean(
            lyapunov_spectrum.lyapunov(WIDTH, i),
            variance=lyapunov_spectrum.log_variance(WIDTH, i),
            error=0.06,
            unit=1,
        )
        for i in range(1, WIDTH + 1)
    }
    needed = max(-(-law.draws // WIDTH), *(test.draws for test in tests.values()))
    found = run.once(_carried, init, each, -(-needed // MATRICES))
    findings = [
        test(np.log(found.lengths[:, :, i - 1]).ravel(), expected=exponent(WIDTH, i)) for i, test in tests.items()
    ]
    statistics = WIDTH * found.lengths**2
    findings.append(law(statistics.ravel(), np.broadcast_to(degrees, statistics.shape).ravel()))
    singular, frame, rounding = _volumes(found)
    findings.append(inequality(singular, frame, rounding=rounding, says=True))
    findings.append(identity(singular[:, -1], frame[:, -1], rounding=rounding[:, -1]))
    return all_of(findings)
