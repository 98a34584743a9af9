"""The bounds of theorems 1 and 2, at a linear classifier."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from theory.homogeneity import bounds

N = sp.Symbol("N", integer=True, positive=True)


def test_theorem_1_holds_and_is_tight() -> None:
    """A linear classifier: logits W x, gradient W^T (p - y)."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        w, x = rng.normal(size=(4, 3)), rng.normal(size=3)
        p = np.exp(w @ x) / np.exp(w @ x).sum()
        gradient = w.T @ (p - np.eye(4)[0])
        bound = float(bounds.theorem_1(-math.log(p[0]), stats.entropy(p), np.linalg.norm(x)))
        assert np.linalg.norm(gradient) >= bound
        assert gradient @ x == pytest.approx(bound * np.linalg.norm(x))


def test_theorem_2() -> None:
    assert bounds.theorem_2([3, 5], [1, 2], 2) == sp.Rational(5, 4)
    assert bounds.theorem_2([3], [1], 2) == bounds.theorem_1(3, 1, 2) == 1
    assert bounds.theorem_2_expected(N, 10, 2) == (N - sp.log(10)) / 2
    assert bounds.theorem_2_expected(N, 10, 2) + bounds.theorem_2_shortfall(10, 2) == (N + sp.log(10)) / 2


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (bounds.theorem_1, (1, 1, 0), "norm is 0"),
        (bounds.theorem_2, ([], [], 1), "0 losses"),
        (bounds.theorem_2, ([1], [1, 2], 1), "1 losses and 2 entropies"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
