"""Initialisers: fans, scales, shapes, and the laws of entries, tested at a false-alarm probability of 1e-9 each."""

import math
from functools import partial

import numpy as np
import pytest
from scipy import stats

from simulations import (
    Initialiser,
    gaussian,
    glorot,
    he,
    he_fan_out,
    lecun,
    rademacher,
    stream,
    torch_default,
    truncated_gaussian,
    uniform,
    zero,
)
from simulations.weights.initialisers import Law

ALPHA = 1e-9
SHAPE = (50, 40, 100)
SIZE = math.prod(SHAPE)
ROOT_3 = math.sqrt(3)
NARROW = partial(truncated_gaussian, cut=1.0)

CONTINUOUS = {
    "gaussian": (gaussian, stats.norm()),
    "uniform": (uniform, stats.uniform(-ROOT_3, 2 * ROOT_3)),
    "truncated at 2": (truncated_gaussian, stats.truncnorm(-2, 2)),
    "truncated at 1": (NARROW, stats.truncnorm(-1, 1)),
}


@pytest.mark.parametrize("case", CONTINUOUS.values(), ids=CONTINUOUS.keys())
def test_law_of_entries(case: tuple[Law, "stats.rv_frozen"]) -> None:
    """At 200,000 entries KS misses a cdf that is off by 0.02 with probability below 1e-20."""
    law, expected = case
    entries = law(stream(0, "law"), SHAPE)
    assert entries.shape == SHAPE
    assert stats.kstest(entries.ravel(), expected.cdf, method="asymp").pvalue > ALPHA


@pytest.mark.parametrize(
    ("law", "largest", "variance"),
    [
        (uniform, ROOT_3, 1.0),
        (rademacher, 1.0, 1.0),
        (truncated_gaussian, 2.0, float(stats.truncnorm(-2, 2).var())),
        (NARROW, 1.0, float(stats.truncnorm(-1, 1).var())),
    ],
)
def test_moments_of_bounded_laws(law: Law, largest: float, variance: float) -> None:
    """Hoeffding: the mean of N values in [a, a + r] is off by r sqrt(log(2/alpha) / 2N) with probability alpha."""
    entries = law(stream(0, "moments"), SHAPE)
    off = math.sqrt(math.log(2 / ALPHA) / (2 * SIZE))
    assert abs(entries).max() <= largest
    assert abs(entries.mean()) <= 2 * largest * off
    assert abs(np.square(entries).mean() - variance) <= largest**2 * off
    # Neighbours are uncorrelated: their products lie within largest^2 of 0 (martingale differences: Azuma).
    assert abs((entries[..., 1:] * entries[..., :-1]).mean()) <= 2 * largest**2 * off * math.sqrt(100 / 99)


def test_moments_of_gaussian_entries() -> None:
    entries = gaussian(stream(0, "moments"), SHAPE)
    assert stats.norm.sf(abs(entries.mean()) * math.sqrt(SIZE)) > ALPHA / 2
    assert ALPHA / 2 < stats.chi2(SIZE).cdf(np.square(entries).sum()) < 1 - ALPHA / 2


def test_rademacher_entries_are_signs() -> None:
    for size in (1, 7, 8, 9):
        assert set(rademacher(stream(0, "signs", size), (size, 5)).ravel()) <= {-1.0, 1.0}


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (he, 2 / 40),
        (he_fan_out, 2 / 100),
        (lecun, 1 / 40),
        (glorot, 2 / 140),
        (torch_default, 1 / 120),
        (he.scaled(3.0), 18 / 40),
        (he.scaled(3.0).scaled(0.5), 4.5 / 40),
        (lecun.with_law(rademacher), 1 / 40),
        (lecun.scaled(0.1).with_law(uniform), 0.01 / 40),
    ],
)
def test_variance_follows_the_fans(init: Initialiser, variance: float) -> None:
    """Entries are those of the law, times the standard deviation; the laws themselves are tested above."""
    weights = init.draw(stream(0, "fans"), *SHAPE)
    assert weights.shape == SHAPE
    entries = init.law(stream(0, "fans"), SHAPE)
    np.testing.assert_allclose(weights, math.sqrt(variance) * entries, rtol=4 * np.finfo(float).eps, atol=0)


def test_torch_default_is_uniform_up_to_one_over_root_fan_in() -> None:
    """All of 200,000 entries within 0.9 of the edge would have probability 0.9^200,000."""
    weights = torch_default.draw(stream(0, "edge"), *SHAPE)
    assert 0.9 < abs(weights).max() * math.sqrt(40) <= 1 + 1e-15


@pytest.mark.parametrize("init", [zero, zero.scaled(2.0), he.scaled(0.0)])
def test_zero_draws_zeros_and_no_random_numbers(init: Initialiser) -> None:
    rng = stream(0, "zero")
    assert not init.draw(rng, 2, 3, 4).any()
    assert rng.random() == stream(0, "zero").random()


def test_derived_initialisers_leave_the_original_alone() -> None:
    he.scaled(2.0), he.with_law(uniform)
    assert he.scale == 1.0
    assert he.law is gaussian
