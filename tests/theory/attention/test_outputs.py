"""Outputs of attention against enumerations and matrices."""

import itertools

import numpy as np
import pytest

from tests.theory.averages import sign_matrices
from theory.attention import outputs, rank_collapse

RNG = np.random.default_rng(2)
TOKENS, WEIGHTS = RNG.normal(size=(3, 2)), np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [1, 0, 0]])


def test_output_by_enumeration() -> None:
    found = [((WEIGHTS[0] @ TOKENS @ value) ** 2).sum() for value in sign_matrices(2, 2, 0.5)]
    gram = float(WEIGHTS[0] @ TOKENS @ TOKENS.T @ WEIGHTS[0])
    assert np.mean(found) == pytest.approx(float(outputs.mean_square(2, 0.25, gram)))


def test_correlated_tokens() -> None:
    gram = 2 * (0.3 + 0.7 * np.eye(3))
    squares = float(WEIGHTS[0] @ WEIGHTS[0])
    assert WEIGHTS[0] @ gram @ WEIGHTS[0] == pytest.approx(float(outputs.correlated_gram(0.3, squares, 2)))


def test_dropout_by_enumeration() -> None:
    kept, mean = 0.8, 0.0
    for coins in itertools.product((0, 1), repeat=3):
        chance = np.prod([kept if one else 1 - kept for one in coins])
        mean += chance * ((WEIGHTS[0] * coins / kept @ TOKENS) ** 2).sum()
    whole, squares = ((WEIGHTS[0] @ TOKENS) ** 2).sum(), (WEIGHTS[0] ** 2 * (TOKENS**2).sum(axis=1)).sum()
    assert mean == pytest.approx(float(outputs.dropped_square(whole, squares, kept)))
    with pytest.raises(ValueError, match="kept is 1\\.5"):
        outputs.dropped_square(1, 1, 1.5)


def test_backward_by_enumeration() -> None:
    found = [((WEIGHTS.T @ cotangent) ** 2).sum() for cotangent in sign_matrices(3, 2, 1.0)]
    assert np.mean(found) == pytest.approx(float(outputs.backward_square(float((WEIGHTS**2).sum()), 2)))


def test_differences_behind_a_skip_by_enumeration() -> None:
    centre = np.eye(3) - 1 / 3
    found = [((centre @ (TOKENS + WEIGHTS @ TOKENS @ value)) ** 2).sum() for value in sign_matrices(2, 2, 0.5)]
    differences, mixed = (
        float((centre @ of @ TOKENS).ravel() @ (centre @ of @ TOKENS).ravel()) for of in (np.eye(3), WEIGHTS)
    )
    assert np.mean(found) == pytest.approx(float(rank_collapse.skipped_square(differences, mixed, 2, 0.25)))


def test_uniform_attention_gathers_tokens() -> None:
    assert rank_collapse.uniform_growth(4, 0.25) == pytest.approx(2)
    assert rank_collapse.uniform_cosine(0.5, 0) == pytest.approx(0.5)
    assert rank_collapse.uniform_cosine(0.1, 3) == pytest.approx(0.8 / 1.7)
