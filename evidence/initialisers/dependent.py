"""Tests of the two laws whose entries are not independent: orthogonal matrices, and nothing but zeros.

Of an orthogonal matrix that is uniform over rotations the squares are certain and the entries uncorrelated (a flip of
one row's or one column's sign changes nothing). So a sum of k entries has mean 0 and k times their variance, whatever
the entries, and one sum a matrix gives independent samples: all entries, which a common mean would move, and the
diagonal, which a QR decomposition moves if the signs of R are not corrected (Mezzadri 2007). The inner product of two
draws, too, has mean 0 and a known variance.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from evidence.arrays import Array
from evidence.certain import identity
from evidence.finding import Finding
from evidence.initialisers.sample import Sample
from evidence.initialisers.stated import Stated
from evidence.mean import MeanTest

PARTS = 3
"""Tests that share alpha."""
COARSER = 5
"""Errors of the sums are this many times larger: one sum a matrix is seen."""
ROUNDINGS = 10
"""How many roundings of each entry of a column add up; PyTorch's and NumPy's decompositions need about one."""


def draws(stated: Stated, error: float, alpha: float) -> int:
    """Return how many arrays see the stated error in every property."""
    if stated.law == "zero":
        return 2
    tests = (_sum_test(count, error, alpha) for count in _counts(stated))
    return max(2 * _sum_test(_counts(stated)[0], error, alpha).draws, *(test.draws for test in tests))


def findings(stated: Stated, sample: Sample, error: float, alpha: float) -> dict[str, Finding]:
    """Test matrices in units of the stated deviation, by the property tested."""
    if stated.law == "zero":
        return {"entries": identity(sample.weights, 0.0, rounding=0.0, chance=False, expected="0")}
    weights = sample.weights
    short, entries = min(weights.shape[1:]), weights[0].size
    ratios, gaps = orthogonality(weights)
    rounding = ROUNDINGS * max(weights.shape[1:]) * sample.spacing
    right, straight = (identity(*two, rounding=rounding, chance=False) for two in ((ratios, 1.0), (gaps, 0.0)))
    diagonals = np.trace(weights, axis1=1, axis2=2)
    pairs = len(weights) // 2 * 2
    products = (weights[:pairs:2] * weights[1:pairs:2]).sum(axis=(1, 2))
    return {
        "variance / stated": replace(right, expected=1.0, measured=float(ratios.mean())),
        "orthonormality": replace(straight, expected=0.0, measured=float(gaps.max()), detectable=rounding),
        "mean / deviation": _sum(weights.sum(axis=(1, 2)), entries, error, alpha),
        "mean of the diagonal": _sum(diagonals, short, error, alpha),
        "likeness of next draw": _sum(products, entries, error, alpha),
    }


def orthogonality(weights: Array) -> tuple[Array, Array]:
    """Return the mean square of each matrix (draws,), and how far its rows or columns are from orthonormal."""
    ratios = (weights**2).mean(axis=(1, 2))
    narrow = weights if weights.shape[2] <= weights.shape[1] else weights.swapaxes(1, 2)
    _, long, short = narrow.shape
    scale = np.where(ratios > 0, ratios, 1.0) * long
    gaps = np.array([np.abs(one.T @ one / c - np.eye(short)).max() for one, c in zip(narrow, scale, strict=True)])
    return ratios, gaps


def _counts(stated: Stated) -> tuple[int, int]:
    return stated.inputs * stated.outputs, min(stated.inputs, stated.outputs)


def _sum_test(count: int, error: float, alpha: float) -> MeanTest:
    """Return the test of a sum of `count` entries, which an error of each of them moves by so much more."""
    error = COARSER * error * math.sqrt(count)
    return MeanTest(0.0, variance=1.0, error=error, alpha=alpha / PARTS, unit=1.0)


def _sum(sums: Array, count: int, error: float, alpha: float) -> Finding:
    """Test sums of `count` uncorrelated entries; sizes are shown as of one entry."""
    root = math.sqrt(count)
    found = _sum_test(count, error, alpha)(sums / root)
    return replace(
        found,
        measured=float(found.measured) / root,
        detectable=float(found.detectable) / root,
        effect=found.effect / root,
    )
