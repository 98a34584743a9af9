"""The power series of the matrix logarithm, inside and outside its radius of convergence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian
from theory.domain import number
from theory.precision import log_series

HIGHAM = "Higham 2008"
SIZE, DRAWS, TERMS = 4, 100, (64, 128, 256)
INSIDE, OUTSIDE = (0.8, 0.95), (1.05, 1.25, 2.0)
STEEP = 3.0
"""Entries of the nilpotent matrices, whose only eigenvalue is 0."""


@dataclass(frozen=True)
class _Sums:
    """Partial sums of the series (terms, draws, SIZE, SIZE) at matrices of one spectral radius."""

    matrices: Array
    sums: Array

    def settle(self) -> Array:
        """1 where the later terms change the sum no more than the earlier ones did, else 0: (draws,)."""
        steps = np.linalg.norm(np.diff(self.sums, axis=0), axis=(2, 3))
        settled: Array = (steps[1] <= steps[0]).astype(float)
        return settled

    def norms(self) -> Array:
        """Spectral norms of the matrices, (draws,)."""
        norms: Array = np.linalg.norm(self.matrices, 2, axis=(1, 2))
        return norms

    def errors(self) -> Array:
        """Spectral norms of log(1 + X) less the partial sums, of symmetric X from eigenvectors: (terms, draws)."""
        values, vectors = np.linalg.eigh(self.matrices)
        logs = (vectors * np.log1p(values)[:, None, :]) @ vectors.mT
        errors: Array = np.linalg.norm(logs - self.sums, 2, axis=(2, 3))
        return errors


def _partial_sums(matrices: Array, harmonic: bool) -> _Sums:
    power, total, sums = np.eye(SIZE), np.zeros_like(matrices), []
    for k in range(1, TERMS[-1] + 1):
        power = power @ matrices
        total = total + (-1) ** (k + 1) * power / (k if harmonic else 1)
        if k in TERMS:
            sums.append(total)
    return _Sums(matrices, np.stack(sums))


def _symmetric(run: Run, radius: float, harmonic: bool) -> _Sums:
    """Sums at symmetric matrices of this spectral radius, eigenvalues above -1: inside, of both signs."""
    rng = run.rng("eigenvalues", str(radius))
    values = rng.uniform(-0.5, 0.5, (DRAWS, SIZE))
    values[:, 0] = radius * (rng.choice([-1.0, 1.0], DRAWS) if radius < 1 else 1.0)
    vectors = np.linalg.qr(gaussian(rng, (DRAWS, SIZE, SIZE)))[0]
    return _partial_sums((vectors * values[:, None, :]) @ vectors.mT, harmonic)


def _nilpotent(run: Run, harmonic: bool) -> _Sums:
    """Sums at matrices of random signs above the diagonal and zeros elsewhere."""
    signs = run.rng("nilpotent").choice([-STEEP, STEEP], (DRAWS, SIZE, SIZE))
    return _partial_sums(np.triu(signs, 1), harmonic)


Bound = Callable[[float, int], sp.Expr]


def _exponential(radius: float, terms: int) -> sp.Expr:
    return sp.Float(radius) ** (terms + 1) / sp.factorial(terms + 1)


@claim(
    "D3",
    paper=HIGHAM,
    where="section 1.7 and theorem 4.7, with remainders derived here",
    states=r"\log(1+X)=\sum_{k\ge1}\frac{(-1)^{k+1}}kX^k\iff\rho(X)<1,\qquad"
    r"\frac{\rho^{K+1}}{(K+1)(1+\rho)}\le\|\text{remainder}\|_2\le\frac{\rho^{K+1}}{(K+1)(1-\rho)}",
    derivation=log_series.DERIVATIONS,
    mutants=[
        mutant(
            "converges for every matrix",
            "The series of the exponential does; that of the logarithm has 1/k where that one has 1/k!.",
            growth=lambda radius: sp.Integer(0),
        ),
        mutant(
            "radius 2",
            "1 + X may lie anywhere below 2, X between -1 and 1.",
            growth=lambda radius: log_series.growth_of_terms(radius) / 2,
        ),
        mutant(
            "the norm decides",
            "A norm below 1 is enough, and not needed: only eigenvalues count.",
            by_norm=True,
        ),
        mutant(
            "as fast as the exponential",
            "Terms fall like r^k / k and not like r^k / k!.",
            largest=_exponential,
        ),
        mutant(
            "without the 1/(1 - r)",
            "The next term alone bounds an alternating series; below 1, X is negative and nothing alternates.",
            largest=lambda radius, terms: sp.Float(radius) ** (terms + 1) / (terms + 1),
        ),
        mutant("the geometric series", "The simulated terms lack their 1/k: they add up to X/(1 + X).", harmonic=False),
    ],
)
def logarithm_series_has_radius_one(
    run: Run,
    *,
    growth: Callable[[sp.Expr], sp.Expr] = log_series.growth_of_terms,
    least: Bound = log_series.least_error,
    largest: Bound = log_series.largest_error,
    by_norm: bool = False,
    harmonic: bool = True,
) -> Finding:
    """The power series of the matrix logarithm converges where all eigenvalues are within 1 of 1, and else diverges.

    Nothing is averaged; the bounds are exact, for symmetric matrices 1 + X with positive eigenvalues (4 x 4, with
    spectral radius of X 0.8 and 0.95, and 1.05, 1.25 and 2; up to 256 terms). What later terms add must shrink inside
    and grow outside; at nilpotent X of norm above 3 it ends, since its eigenvalues are 0. Radius 1 is not tested.
    """
    findings = []
    for radius in (*INSIDE, *OUTSIDE):
        found = run.once(_symmetric, radius, harmonic)
        rounding = 64 * SIZE * EPS * (1 + sum(radius**k for k in range(TERMS[-1])))
        for terms, errors in zip(TERMS, found.errors(), strict=True):
            findings.append(inequality(errors, number(least(radius, terms)), rounding=rounding, says=True))
            if radius in INSIDE:
                findings.append(inequality(number(largest(radius, terms)), errors, rounding=rounding, says=True))
        sizes = found.norms() if by_norm else np.full(DRAWS, radius)
        findings.append(_settles(found, sizes, growth))
    nilpotent = run.once(_nilpotent, harmonic)
    return all_of([*findings, _settles(nilpotent, nilpotent.norms() if by_norm else np.zeros(DRAWS), growth)])


def _settles(found: _Sums, sizes: Array, growth: Callable[[sp.Expr], sp.Expr]) -> Finding:
    ratio = sp.lambdify(log_series.RADIUS, growth(log_series.RADIUS))(sizes)
    return identity(found.settle(), np.broadcast_to(ratio < 1, sizes.shape).astype(float), rounding=0.0)
