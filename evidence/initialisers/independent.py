"""Tests of independent symmetric entries with mean 0 and a stated variance, and of their law where it is stated.

If all of that is true, each test fails with at most its share of alpha, at any number of draws and for any such law:

- mean and variance: Catoni's bound (`evidence.mean`), where the stated kurtosis bounds the spread of w^2;
- symmetry: in order of |w| the signs are steps of a simple random walk, and reflection bounds its largest excursion;
- independence, by signs: the product of two signs is 1 with probability 1/2, and products along a chain are
  independent, so agreements with the next entry and the next draw are counts. The squared inner products of columns of
  signs look at everything else: products of four signs at the corners of a rectangle are uncorrelated, which gives
  their variance. Orthogonal columns make them small, repeated columns large.

Where each output has an exact number of zeros, at places chosen at random, the squares are negatively associated
(Joag-Dev & Proschan 1983), and the bounds above hold as they do for independent ones.

Not seen is dependence through magnitudes alone, such as a random factor that a whole matrix shares.
"""

from __future__ import annotations

import math

import numpy as np

from evidence.arrays import Array
from evidence.counts import CountTest
from evidence.finding import Finding, inconclusive
from evidence.initialisers.stated import CDF, Stated
from evidence.law import law
from evidence.mean import MeanTest
from evidence.symmetry import draws_for_symmetry, symmetry

PARTS = 8
"""Tests that share alpha (fewer apply where a side is 1, or no law is stated)."""
COARSER = 5
"""Errors of inner products, of laws, and of signs where most are 0, are this many times larger."""


def draws(stated: Stated, error: float, alpha: float) -> int:
    """Return how many arrays see the stated error in every property."""
    alpha /= PARTS
    mean, square, sign = _tests(stated, error, alpha)
    entries = max(mean.draws, square.draws, draws_for_symmetry(error=error, alpha=alpha) / (1 - stated.zeros))
    if stated.law in CDF:
        entries = max(entries, _needed_for_law(stated.law, COARSER * error, alpha))
    sides = stated.inputs, stated.outputs
    pairs = 2 * sign.trials / (1 - stated.zeros) ** 2 if stated.zeros else sign.trials
    products = _products_test(*sides, COARSER * error, alpha).draws if min(sides) > 1 else 0
    return max(2, _matrices(*sides, entries, pairs), products)


def findings(stated: Stated, weights: Array, error: float, alpha: float) -> dict[str, Finding]:
    """Test matrices (draws, inputs, outputs) in units of the stated deviation, by the property tested."""
    alpha /= PARTS
    mean, square, sign = _tests(stated, error, alpha)
    entries, signs = weights.ravel(), np.sign(weights)
    found = {
        "mean / deviation": mean(entries),
        "variance / stated": square(entries**2),
        "asymmetry": symmetry(entries, error=error, alpha=alpha),
        "same sign in next draw": _agreement(sign, signs[1:] * signs[:-1]),
    }
    if stated.inputs > 1:
        found["... at next input"] = _agreement(sign, signs[:, 1:] * signs[:, :-1])
    if stated.outputs > 1:
        found["... at next output"] = _agreement(sign, signs[:, :, 1:] * signs[:, :, :-1])
    if min(stated.inputs, stated.outputs) > 1:
        found["squared inner products"] = inner_products(signs, error=COARSER * error, alpha=alpha)
    if stated.law in CDF:
        found[f"{stated.law} law, by scale"] = _of_law(stated.law, entries, COARSER * error, alpha)
    if stated.law == "sparse":
        zeros = CountTest(stated.zeros, error=min(COARSER * error, 1 / stated.zeros - 1), alpha=alpha)
        found["share of zeros"] = zeros(int((entries == 0).sum()), entries.size)
    return found


def inner_products(signs: Array, *, error: float, alpha: float) -> Finding:
    """Test that columns of signs (draws, inputs, outputs) have the squared inner products of independent ones."""
    if not signs.any():
        return inconclusive("mean", "no entry but 0", expected=1.0)
    narrow = signs if signs.shape[2] <= signs.shape[1] else signs.swapaxes(1, 2)
    _, long, short = narrow.shape
    pairs = short * (short - 1) / 2
    products = np.stack([one.T @ one for one in narrow])
    sizes = np.stack([one.T @ one for one in np.abs(narrow)])  # the expected squares, where some entries are 0
    excess = np.triu(products**2 - sizes, 1).sum(axis=(1, 2)) / (long * pairs)
    return _products_test(long, short, error, alpha)(1 + excess)


def _tests(stated: Stated, error: float, alpha: float) -> tuple[MeanTest, MeanTest, CountTest]:
    """Return the tests of the mean, of the variance and of signs."""
    spread = (stated.of_squares - 1) * (1 + error) ** 2
    return (
        MeanTest(0.0, variance=1.0, error=error, alpha=alpha, unit=1.0),
        MeanTest(1.0, variance=spread, error=error, alpha=alpha),
        CountTest(0.5, error=COARSER * error if stated.zeros else error, alpha=alpha),
    )


def _products_test(fan_in: int, fan_out: int, error: float, alpha: float) -> MeanTest:
    long, short = max(fan_in, fan_out), min(fan_in, fan_out)
    return MeanTest(1.0, variance=4 * (long - 1) / (long * short * (short - 1)), error=error, alpha=alpha)


def _agreement(test: CountTest, products: Array) -> Finding:
    """Count pairs of equal signs among those without a 0."""
    return test(int((products > 0).sum()), int(np.count_nonzero(products)))


def _of_law(name: str, entries: Array, error: float, alpha: float) -> Finding:
    return law(
        np.clip(CDF[name](entries), 0, 1),
        measured=float(np.sqrt((entries**2).mean())),
        distance_of=lambda by: _distance(name, by),
        error=error,
        alpha=alpha,
    )


def _distance(name: str, error: float) -> float:
    """Return how far apart the cdfs of a law and of the same, larger by a relative error, are."""
    places = np.linspace(0, 4, 401)
    return float(np.abs(CDF[name](places) - CDF[name](places / (1 + error))).max())


def _needed_for_law(name: str, error: float, alpha: float) -> float:
    nats = math.sqrt(math.log(4 / alpha) / 2) + math.sqrt(math.log(4 / 1e-3) / 2)
    return 1.02 * (nats / _distance(name, error)) ** 2


def _matrices(inputs: int, outputs: int, entries: float, pairs: float) -> int:
    """Return how many matrices have so many entries, and so many pairs of entries in each direction that has any."""
    size = inputs * outputs
    needs = [entries / size, 1 + pairs / size, *(pairs / (size - one) for one in (inputs, outputs) if size > one)]
    return math.ceil(max(needs))
