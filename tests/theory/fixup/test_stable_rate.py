"""The largest stable rate of a scalar net, against the eigenvalues of its Hessian by differences."""

import math

import numpy as np
import pytest

from theory.fixup import stable_rate

X, WAY = 1.3, 1e-3


@pytest.mark.parametrize("branches", [1, 2, 3])
@pytest.mark.parametrize("name", ["zeros", "fixup", "standard"])
def test_the_hessian_at_the_minimum(name: str, branches: int) -> None:
    """Second differences of (f - y)^2 / 2, y the output at the weights, with three layers a branch."""
    start = {"zeros": (1.0, 0.0), "fixup": (branches**-0.25, 0.0), "standard": (1.0, 1.0)}[name]
    weights = np.array([[start[0], start[0], start[1]]] * branches).ravel()

    def output(w: np.ndarray) -> float:
        return X * math.prod(1 + float(one.prod()) for one in w.reshape(branches, 3))

    def loss(w: np.ndarray) -> float:
        return (output(w) - output(weights)) ** 2 / 2

    moves = WAY * np.eye(weights.size)
    hessian = [
        [
            (loss(weights + p + q) - loss(weights + p - q) - loss(weights - p + q) + loss(weights - p - q))
            / (4 * WAY**2)
            for p in moves
        ]
        for q in moves
    ]
    known = float(stable_rate.largest_rate(getattr(stable_rate, name), branches, 3, X))
    assert 2 / np.linalg.eigvalsh(hessian)[-1] == pytest.approx(known, rel=1e-4)


def test_depth() -> None:
    rates = [float(stable_rate.largest_rate(stable_rate.fixup, branches, 4, 2)) for branches in (1, 7, 10_000)]
    assert rates == [0.5] * 3
    assert float(stable_rate.largest_rate(stable_rate.zeros, 10, 4, 2)) == pytest.approx(0.05)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="x is 0"):
        stable_rate.largest_rate(stable_rate.zeros, 1, 2, 0)
    with pytest.raises(ValueError, match="layers_per_branch is 1"):
        stable_rate.largest_rate(stable_rate.zeros, 1, 1, 1)
