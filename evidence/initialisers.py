"""A public check of anyone's initialiser: whether it draws what it is said to draw.

Initialisation theory asks for independent entries of one symmetric law with mean 0 and a stated variance. If all of
that is true, each test below fails with at most its share of alpha, at any number of draws and for any such law:

- mean and variance: Catoni's bound (`evidence.mean`), where the kurtosis stated by the caller bounds the spread of w^2;
- symmetry: in order of |w| the signs are steps of a simple random walk, and reflection bounds its largest excursion;
- independence, by signs: the product of two signs is 1 with probability 1/2, and products along a chain are
  independent, so agreements with the next entry and the next draw are counts. The squared inner products of columns of
  signs look at everything else: products of four signs at the corners of a rectangle are uncorrelated, which gives
  their variance. Orthogonal columns make them small, repeated columns large.

Not seen is dependence through magnitudes alone, such as a random factor that a whole matrix shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evidence.arrays import Array
from evidence.counts import CountTest
from evidence.finding import Finding, inconclusive
from evidence.mean import MeanTest
from evidence.symmetry import draws_for_symmetry, symmetry

Layout = Literal["in_out", "out_in"]

Sampler = Callable[[int, int], ArrayLike]

PARTS = 7
"""Tests that share alpha (fewer apply where a fan is 1)."""
COARSER = 5
"""Errors of the inner products are this many times larger: they are of order 1 where there are any."""


@dataclass(frozen=True)
class InitialiserReport:
    """What the tests of one initialiser found, by the property tested."""

    fan_in: int
    fan_out: int
    draws: int
    findings: dict[str, Finding]

    @property
    def passed(self) -> bool:
        """Whether every property held."""
        return all(finding.verdict == "held" for finding in self.findings.values())

    def __str__(self) -> str:
        """Return a table, a line a property."""
        head = (
            f"{self.fan_in} inputs, {self.fan_out} outputs, {self.draws} draws: {'passed' if self.passed else 'FAILED'}"
        )
        lines = [head, f"{'':24}{'expected':>12}{'measured':>12}{'sees':>8}  verdict"]
        for name, f in self.findings.items():
            lines.append(
                f"{name:24}{f.expected:>12.4g}{f.measured:>12.4g}{f.detectable:>8.2g}  {f.verdict} {f.note}".rstrip()
            )
        return "\n".join(lines)


def check_initialiser(
    sampler: Sampler,
    fan_in: int,
    fan_out: int,
    *,
    variance: float | Callable[[int, int], float],
    kurtosis: float = 3.0,
    layout: Layout = "in_out",
    error: float = 0.02,
    alpha: float = 1e-6,
    draws: int | None = None,
) -> InitialiserReport:
    """Test that ``sampler(fan_in, fan_out)`` draws independent symmetric entries with mean 0 and the stated variance.

    Choose unequal fans, or a sampler that mixes them up will pass. Small ones are as telling as large ones, and faster.

    Parameters
    ----------
    sampler : callable
        Returns one weight matrix a call, with fresh random numbers of its own.
    variance : float or callable
        Of an entry: a number, or a function of fan_in and fan_out.
    kurtosis : float
        An upper bound on E w^4 / (E w^2)^2. 3 covers Gaussian, truncated and uniform entries; heavier tails need more.
    layout : {"in_out", "out_in"}
        Whether matrices have shape (fan_in, fan_out), or (fan_out, fan_in) as in PyTorch.
    error : float
        The error that must be seen: of the mean relative to the standard deviation, of the variance relative to it, of
        symmetry and agreement as a difference of probabilities; of squared inner products, five times as much.
    alpha : float
        The probability of a failure if all is well.
    draws : int, optional
        How many matrices to draw; by default as many as `error` needs. With fewer, findings are inconclusive.

    Raises
    ------
    TypeError
        If `sampler` is not callable.
    ValueError
        If an option makes no sense, or the sampler returns a wrong shape, or numbers that are not real and finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def he(fan_in, fan_out):
    ...     return rng.normal(0, (2 / fan_in) ** 0.5, (fan_in, fan_out))
    >>> report = check_initialiser(he, 24, 16, variance=lambda fan_in, fan_out: 2 / fan_in)
    >>> report.passed
    True
    >>> check_initialiser(he, 24, 16, variance=2 / 16).findings["variance / stated"].verdict
    'refuted'
    """
    _validate(sampler, fan_in, fan_out, kurtosis, layout, error, alpha, draws)
    claimed = float(variance(fan_in, fan_out) if callable(variance) else variance)
    if not 0 < claimed < math.inf:
        raise ValueError(f"variance must be positive and finite, got {claimed}")
    part, spread = alpha / PARTS, (kurtosis - 1) * (1 + error) ** 2
    mean = MeanTest(0.0, variance=1.0, error=error, alpha=part, unit=1.0)
    square = MeanTest(1.0, variance=spread, error=error, alpha=part)
    sign = CountTest(0.5, error=error, alpha=part)
    entry_draws = max(mean.draws, square.draws, draws_for_symmetry(error=error, alpha=part))
    draws = draws or max(
        _matrices(fan_in, fan_out, entry_draws, sign.trials),
        _products_test(fan_in, fan_out, COARSER * error, part).draws if min(fan_in, fan_out) > 1 else 0,
    )
    weights = np.stack([_matrix(sampler, fan_in, fan_out, layout) for _ in range(draws)]) / math.sqrt(claimed)
    entries, signs = weights.ravel(), np.sign(weights)
    findings = {
        "mean / deviation": mean(entries),
        "variance / stated": square(entries**2),
        "asymmetry": symmetry(entries, error=error, alpha=part),
        "same sign in next draw": _agreement(sign, signs[1:] * signs[:-1]),
    }
    if fan_in > 1:
        findings["... at next input"] = _agreement(sign, signs[:, 1:] * signs[:, :-1])
    if fan_out > 1:
        findings["... at next output"] = _agreement(sign, signs[:, :, 1:] * signs[:, :, :-1])
    if min(fan_in, fan_out) > 1:
        findings["squared inner products"] = inner_products(signs, error=COARSER * error, alpha=part)
    return InitialiserReport(fan_in, fan_out, draws, findings)


def inner_products(signs: Array, *, error: float, alpha: float) -> Finding:
    """Test that columns of signs (draws, fan_in, fan_out) have the squared inner products of independent ones."""
    if not signs.any():
        return inconclusive("mean", "no entry but 0", expected=1.0)
    narrow = signs if signs.shape[2] <= signs.shape[1] else signs.swapaxes(1, 2)
    _, long, short = narrow.shape
    pairs = short * (short - 1) / 2
    products = np.stack([one.T @ one for one in narrow])
    sizes = np.stack([one.T @ one for one in np.abs(narrow)])  # the expected squares, where some entries are 0
    excess = np.triu(products**2 - sizes, 1).sum(axis=(1, 2)) / (long * pairs)
    return _products_test(long, short, error, alpha)(1 + excess)


def _products_test(fan_in: int, fan_out: int, error: float, alpha: float) -> MeanTest:
    long, short = max(fan_in, fan_out), min(fan_in, fan_out)
    return MeanTest(1.0, variance=4 * (long - 1) / (long * short * (short - 1)), error=error, alpha=alpha)


def _agreement(test: CountTest, products: Array) -> Finding:
    """Count pairs of equal signs among those without a 0."""
    return test(int((products > 0).sum()), int(np.count_nonzero(products)))


def _matrices(fan_in: int, fan_out: int, entries: int, pairs: int) -> int:
    """Return how many matrices have so many entries, and so many pairs of entries in each direction that has any."""
    size = fan_in * fan_out
    needs = [entries / size, 1 + pairs / size, *(pairs / (size - one) for one in (fan_in, fan_out) if size > one)]
    return math.ceil(max(needs))


def _matrix(sampler: Sampler, fan_in: int, fan_out: int, layout: Layout) -> Array:
    drawn = np.array(sampler(fan_in, fan_out))  # a copy: the sampler may fill the same array again
    expected = (fan_in, fan_out) if layout == "in_out" else (fan_out, fan_in)
    if drawn.shape != expected:
        other = "out_in" if layout == "in_out" else "in_out"
        hint = f"; pass layout={other!r} if that is meant" if drawn.shape == expected[::-1] else ""
        raise ValueError(f"the sampler returned shape {drawn.shape}; layout {layout!r} expects {expected}{hint}")
    if drawn.dtype.kind not in "fiu" or not np.isfinite(drawn).all():
        raise ValueError(f"the sampler returned entries that are not real finite numbers (type {drawn.dtype})")
    matrix: Array = (drawn if layout == "in_out" else drawn.T).astype(np.float64)
    return matrix


def _validate(
    sampler: object,
    fan_in: int,
    fan_out: int,
    kurtosis: float,
    layout: str,
    error: float,
    alpha: float,
    draws: int | None,
) -> None:
    if not callable(sampler):
        raise TypeError(f"sampler must be a function of fan_in and fan_out, got {type(sampler).__name__}")
    if min(fan_in, fan_out) < 1 or (draws is not None and draws < 2):
        raise ValueError(f"expected positive fans and at least 2 draws, got {fan_in}, {fan_out} and {draws}")
    if layout not in ("in_out", "out_in"):
        raise ValueError(f"layout must be 'in_out' or 'out_in', got {layout!r}")
    for name, value, low, high in (
        ("kurtosis", kurtosis, 1, math.inf),
        ("error", error, 0, 1 / COARSER),
        ("alpha", alpha, 0, 1),
    ):
        if not low < value < high:
            raise ValueError(f"{name} must be above {low} and below {high}, got {value}")
