"""The variance over layers against sums over pairs of layers, and its bound against exact fourth moments."""

import numpy as np
import pytest
import sympy as sp

from theory.fluctuations import across_layers


def test_sums_over_pairs() -> None:
    widths = [3, 7, 5, 4, 9]
    squares = np.cumprod([1 + 5 / n for n in widths])
    pairs = np.minimum.outer(np.arange(5), np.arange(5))
    expected = squares.mean() - squares[pairs].mean()
    assert float(across_layers.expected_variance(widths)) == pytest.approx(expected)


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_the_derivations_are_special_cases(layers: int) -> None:
    exact = across_layers.wide(layers).steps[1].statement
    exact = exact.subs(dict.fromkeys(exact.free_symbols, 6))
    assert sp.simplify(across_layers.expected_variance([6] * layers) - exact) == 0
    n = 10**6
    leading = sp.Rational(5 * (layers**2 - 1), 6 * layers * n)
    assert float(across_layers.expected_variance([n] * layers) / leading) == pytest.approx(1, abs=1e-4)


def test_one_layer_does_not_vary() -> None:
    assert across_layers.expected_variance([4]) == 0
    assert across_layers.second_moment_bound([4]) == 0


def test_two_layers_meet_the_bound_up_to_the_pairs_that_vary() -> None:
    """V is (M_1 - M_2)^2 / 4 for two layers: Jensen's mean over four pairs is twice its square."""
    square = np.random.default_rng(0)
    n, draws = 50, 400_000
    ratios = [2 * square.chisquare(square.binomial(n, 0.5, draws)) / n for _ in range(2)]
    spread = (ratios[0] * (1 - ratios[1])) ** 2 / 4
    assert float(across_layers.expected_variance([n, n])) == pytest.approx(spread.mean(), rel=0.02)
    assert float(across_layers.second_moment_bound([n, n])) == pytest.approx(2 * np.mean(spread**2), rel=0.1)


def test_no_widths() -> None:
    with pytest.raises(ValueError, match="no widths"):
        across_layers.expected_variance([])
