"""The softmax identity and the bound of the entropy, at numbers."""

from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from theory.homogeneity import softmax


def test_identity_at_numbers() -> None:
    logits, label = np.array([0.3, -2.0, 1.1]), np.array([0.7, 0.5, -0.2])
    p = np.exp(logits) / np.exp(logits).sum()
    oracle = -label @ np.log(p) + p @ np.log(p)
    assert float(softmax.loss_minus_entropy(tuple(p), tuple(label), tuple(logits))) == pytest.approx(oracle)


def test_identity_needs_a_label_that_sums_to_one() -> None:
    with pytest.raises(ValueError, match="label sums to 3"):
        softmax.loss_minus_entropy((1, 0, 0), (1, 1, 1), (0, 0, 0))


def test_entropy_bound() -> None:
    assert softmax.entropy_bound(10) == sp.log(10)
    draws = np.random.default_rng(0).dirichlet(np.ones(10), size=100)
    assert stats.entropy(draws, axis=1).max() <= float(softmax.entropy_bound(10))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (softmax.entropy_bound, (0,), "classes is 0"),
        (softmax.mean_loss_minus_entropy, (0, 0.5), "scale is 0"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
