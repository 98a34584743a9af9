"""How far one Gaussian layer can stretch a vector: about twice as far as it stretches a typical one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, inequality
from simulations import Initialiser, he, lecun
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.weights.orthogonal import haar
from theory.domain import number
from theory.expectation import chi_square_moment
from theory.spectra import top_singular_value

WIDTH, GROUPS = 16, 40
"""Size of the matrices that are bounded, and how many averages of them are taken."""

Bounds = Callable[[int], tuple[sp.Expr, sp.Expr]]


def _largest(run: Run, init: Initialiser, width: int, draws: int) -> Array:
    weights = init.draw(run.rng("weights", width), draws, width, width)
    return np.asarray(np.linalg.svd(weights, compute_uv=False)[:, 0], np.float64)


def _halved(width: int) -> tuple[sp.Expr, sp.Expr]:
    low, high = top_singular_value.bounds(width)
    return low / 2, high / 2


def _squared(width: int) -> tuple[sp.Expr, sp.Expr]:
    low, high = top_singular_value.bounds(width)
    return low**2, high**2


def _inverse_root(fan_in: int, fan_out: int) -> float:
    return float(fan_in**-0.5)


@claim(
    "O3",
    paper="Davidson & Szarek 2001",
    where="theorem II.13, with a lower bound at finite width derived here; n = 2 derived here",
    states=r"W\in\mathbb R^{n\times n},\ W_{ij}\sim N(0,\tfrac1n):\quad2-O(n^{-2/3})\le\frac{x^{\mathsf T}\,\mathbb E"
    r"[B]\,y}{\sqrt n}\le\mathbb E\,\sigma_{\max}(W)\le\frac{2\,\mathbb E\chi_n}{\sqrt n}<2,\qquad\mathbb E\,"
    r"\sigma_{\max}=\sqrt{\pi/2}\ (n=2)",
    derivation=top_singular_value.DERIVATIONS,
    exact=False,
    mutants=[
        mutant(
            "the spectral radius",
            "Eigenvalues fill the disc of radius 1; singular values reach twice as far, as W is not normal.",
            bounds=_halved,
        ),
        mutant(
            "its square", "4 is the edge of the spectrum of W^T W (Marchenko and Pastur), not of W.", bounds=_squared
        ),
        mutant(
            "2 at any size",
            "The limit of wide layers taken for the value at n = 2.",
            of_two=sp.Integer(2),
        ),
        mutant(
            "the length of a column",
            "What a fixed vector is stretched by; the direction stretched most is chosen once W is drawn.",
            of_two=chi_square_moment(sp.S.Half, 2) / sp.sqrt(2),
        ),
        mutant("variance 2/n", "The simulated weights are He's, without a rectifier: 2 sqrt 2.", init=he),
        mutant("orthogonal weights", "The simulated weights stretch nothing.", init=lecun.with_law(haar)),
        mutant(
            "a variance of 1/sqrt n",
            "The simulated weights have the standard deviation that is meant as their variance.",
            init=Initialiser(_inverse_root),
        ),
    ],
)
def a_layer_stretches_at_most_twofold(
    run: Run,
    *,
    of_two: sp.Expr = top_singular_value.top_of_two()[0],  # noqa: B008
    bounds: Bounds = top_singular_value.bounds,
    init: Initialiser = lecun,
) -> Finding:
    """The largest singular value of a square Gaussian layer of variance 1/n tends to 2, from below in the mean.

    Averages over weights. At n = 2 mean and variance are exact; at n = 16 the mean lies between bounds that hold at any
    size. It is seen through averages of many matrices, which are Lipschitz functions of the entries' normals with a
    constant of 1/sqrt(n times the number averaged), so that their tails are at most Gaussian (Tsirelson, Ibragimov and
    Sudakov 1976). Uniform or other weights of finite fourth moment have the same limit.
    """
    run, (truth, variance) = run.share(3), top_singular_value.top_of_two()
    test = run.mean(truth, variance=variance, error=0.04)
    findings = [test(run.once(_largest, init, 2, test.draws), expected=of_two)]
    # An average leaves the bounds on one side by more than `margin` with probability alpha / GROUPS at most.
    margin, nats = run.error(0.12, at_most=0.2), math.log(GROUPS / run.alpha)
    many = math.ceil(2 * nats / (WIDTH * margin**2))
    averages = run.once(_largest, init, WIDTH, GROUPS * many).reshape(GROUPS, many).mean(axis=1)
    low, high = (number(bound) for bound in bounds(WIDTH))
    tolerance = margin + 100 * WIDTH**1.5 * EPS  # and the rounding of a singular value
    findings += [
        inequality(averages, low, rounding=tolerance),
        inequality(high, averages, rounding=tolerance),
    ]
    return all_of(findings)
