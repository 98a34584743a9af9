"""First tokens of causal stacks, by enumeration of random signs."""

import itertools

import numpy as np
import pytest

from tests.theory.averages import sign_matrices
from theory.transformer import tokens

X = np.array([0.4, -1.3])


def _layer(x: np.ndarray, normalised: bool) -> float:
    """Mean square norm behind attention over one key and a perceptron, over all sign matrices of a width of 2."""

    def y(one: np.ndarray) -> np.ndarray:
        return np.asarray((one - one.mean()) / one.std()) if normalised else one

    total = []
    for value, output in itertools.product(sign_matrices(2, 2, 0.5**0.5), repeat=2):
        between = x + output @ value @ y(x)
        if between.std() == 0:  # LayerNorm at epsilon 0 has no value there
            continue
        for first, last in itertools.product(sign_matrices(1, 2), sign_matrices(2, 1)):
            after = between + last @ np.maximum(first @ y(between), 0)
            total.append(after @ after)
    return float(np.mean(total))


def test_a_pre_ln_layer_by_enumeration() -> None:
    assert _layer(X, True) == pytest.approx(float(tokens.first_token_norm(X @ X, 2, 1)))


def test_a_layer_without_norms_by_enumeration() -> None:
    assert _layer(X, False) == pytest.approx(float(X @ X * tokens.unnormalised_growth(1)))


def test_growth_in_depth() -> None:
    """Quoted: 42.25 +- .13 where 42.37 is expected, at N = 3 layers of width 6."""
    assert float(tokens.first_token_norm(6.37, 6, 3)) == pytest.approx(42.37)
    assert tokens.unnormalised_growth(32) == 2**64
    assert tokens.unnormalised_growth(0) == 1


def test_averages_of_vectors_of_one_length_are_not_longer() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=(50, 4, 3))
    y *= 3**0.5 / np.linalg.norm(y, axis=2, keepdims=True)
    averages = np.einsum("nt,ntd->nd", rng.dirichlet(np.ones(4), size=50), y)
    assert ((averages**2).sum(axis=1) <= float(tokens.later_token().at(d=3)) + 1e-12).all()


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="width is 0"):
        tokens.first_token_norm(1, 0, 1)
