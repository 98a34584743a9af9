"""Moments against plain sums, and what merging must not change. No random failure: every check is exact to rounding."""

import numpy as np
import pytest

from simulations import stream
from simulations.sweep.moments import BINS, EDGES, Moments, merge, merged

EPS = np.finfo(np.float64).eps
VALUES = stream(0, "moments").normal(size=(500, 3)) * [1e-3, 1.0, 1e6] + [0.0, 1e8, 0.0]


def test_moments_are_those_of_the_values() -> None:
    found = Moments.of(VALUES)
    assert found.count.tolist() == [500] * 3
    assert not found.nonfinite.any()
    assert not found.zeros.any()
    np.testing.assert_allclose(found.mean, VALUES.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.variance, VALUES.var(axis=0, ddof=1), rtol=1e-10)
    logs = np.log2(np.abs(VALUES))
    np.testing.assert_allclose(found.log_mean, logs.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.log_variance, logs.var(axis=0, ddof=1), rtol=1e-10)


def test_logarithms_may_be_given_instead() -> None:
    direct, by_logs = Moments.of(np.abs(VALUES)), Moments.of_log2(np.log2(np.abs(VALUES)))
    np.testing.assert_allclose(by_logs.mean, direct.mean, rtol=1e-13)
    np.testing.assert_array_equal(by_logs.histogram, direct.histogram)


def test_merging_parts_gives_the_moments_of_the_whole() -> None:
    values = VALUES.copy()
    values[::50, 2], values[1::50, 0] = 0, np.nan
    whole, parts = Moments.of(values), merged(Moments.of(part) for part in np.split(values, [1, 7, 300]))
    assert (whole.zeros[2], whole.nonfinite[0]) == (10, 10)
    for mean, m2 in (("mean", "m2"), ("log_mean", "log_m2")):
        size, squares = np.abs(getattr(whole, mean)), getattr(whole, m2)
        np.testing.assert_allclose(getattr(parts, mean), getattr(whole, mean), rtol=1e-12)
        # A deviation is off by a few roundings of the mean, and by Cauchy and Schwarz their squares' sum by:
        assert (np.abs(getattr(parts, m2) - squares) <= 8 * EPS * (size * np.sqrt(500 * squares) + squares)).all()
    for name in ("count", "nonfinite", "zeros", "log_count", "histogram"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_merging_does_not_cancel() -> None:
    shifted = 1e9 + np.array([[0.0], [1.0], [2.0], [3.0]])
    together = merge(Moments.of(shifted[:2]), Moments.of(shifted[2:]))
    assert together.m2[0] == 5.0  # sums of squares would have lost it: 4e18 has no units digit


def test_what_is_not_finite_or_zero_is_counted_and_left_out() -> None:
    found = Moments.of(np.array([[np.nan], [np.inf], [0.0], [4.0], [-8.0]]))
    assert (found.count[0], found.nonfinite[0], found.zeros[0], found.log_count[0]) == (5, 2, 1, 2)
    assert found.mean[0] == pytest.approx(-4 / 3)
    assert found.m2[0] == pytest.approx(80 - 16 / 3)
    assert found.log_mean[0] == 2.5
    assert found.histogram.sum() == 2


def test_merging_with_nothing_finite_keeps_the_other() -> None:
    nothing, something = Moments.of(np.full((3, 1), np.nan)), Moments.of(np.array([[1.0], [3.0]]))
    for together in (merge(nothing, something), merge(something, nothing)):
        assert (together.count[0], together.nonfinite[0], together.mean[0], together.m2[0]) == (5, 3, 2.0, 2.0)
        assert together.log_mean[0] == something.log_mean[0]
    assert np.isnan(nothing.variance[0])


def test_a_value_beyond_float64_keeps_its_logarithm() -> None:
    found = Moments.of_log2(np.array([[5000.0], [-np.inf], [1.0]]))
    assert (found.nonfinite[0], found.zeros[0], found.log_count[0]) == (1, 1, 2)
    assert (found.mean[0], found.log_mean[0]) == (1.0, 2500.5)
    assert found.histogram[0, -1] == 1


@pytest.mark.parametrize(("log", "bin"), [(-1e4, 0), (-64.0, 1), (-63.5001, 1), (-63.5, 2), (63.9, 256), (64.0, 257)])
def test_bins_begin_at_their_edges(log: float, bin: int) -> None:
    histogram = Moments.of_log2(np.array([[log]])).histogram[0]
    assert histogram.shape == (BINS,)
    assert histogram[bin] == 1
    assert np.searchsorted(EDGES, log, side="right") == bin


@pytest.mark.parametrize("shape", [(3,), (0, 2), (2, 0), (1, 1, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected values \(draws, positions\)"):
        Moments.of(np.ones(shape))


def test_other_positions_are_not_merged() -> None:
    with pytest.raises(ValueError, match="at 1 positions with moments at 3"):
        merge(Moments.of(VALUES[:, :1]), Moments.of(VALUES))
