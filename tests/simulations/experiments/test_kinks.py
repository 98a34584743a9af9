"""Switches around a circle: as many as on a fine grid, and as exact means say in deeper layers."""

import itertools

import numpy as np
import pytest

from simulations.experiments.kinks import kinks
from theory.shattering.kinks import gradient_jumps, unit_switches

CIRCLE = np.eye(2, 4)[None]


def test_they_are_those_of_a_grid() -> None:
    """A grid of 40,000 angles misses two switches of a unit within one step: in few of the draws."""
    widths, draws = (4, 3, 5, 4), 40
    counts = kinks(widths, CIRCLE, draws=draws, rng=np.random.default_rng(5))
    rng = np.random.default_rng(5)
    axes = CIRCLE[rng.integers(1, size=draws)]
    angles = np.linspace(0, 2 * np.pi, 40_001)
    state, seen = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ axes, []
    for fan_in, fan_out in itertools.pairwise(widths):
        units = state @ rng.standard_normal((draws, fan_in, fan_out))
        alive = np.abs(state).max(axis=2, keepdims=True) > 0
        both = alive[:, 1:] & alive[:, :-1]
        seen.append((((units[:, 1:] > 0) != (units[:, :-1] > 0)) & both).sum(axis=(1, 2)))
        state = np.maximum(units, 0)
    assert (np.stack(seen, axis=1) == counts).all(axis=1).mean() > 0.9


def test_means_of_three_layers() -> None:
    """To six standard errors, of counts that are bounded."""
    widths, draws = (4, 3, 4, 3), 6_000
    counts = kinks(widths, CIRCLE, draws=draws, rng=np.random.default_rng(1)) / widths[1:]
    error = counts.std(axis=0, ddof=1) / draws**0.5
    expected = [float(unit_switches(widths[1:layer])) for layer in (1, 2, 3)]
    assert expected == [2, 1, 0.6875]
    assert (np.abs(counts.mean(axis=0) - expected) <= 6 * error).all()
    assert float(gradient_jumps(widths[1:])) == 3 * 2 + 4 * 1 + 3 * 0.6875


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"circles \(samples, 2, 3\)"):
        kinks((3, 4), CIRCLE, draws=5, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="got 0"):
        kinks((4, 4), CIRCLE, draws=0, rng=np.random.default_rng(0))
