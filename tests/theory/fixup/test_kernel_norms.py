"""Trace and Frobenius norm of a kernel, against all signs of the loss's slopes."""

import itertools

import numpy as np
import pytest

from theory.fixup import kernel_norms


@pytest.mark.parametrize("outputs", [1, 2, 4])
def test_means_by_enumeration(outputs: int) -> None:
    jacobian = np.random.default_rng(1).standard_normal((outputs, 5))
    kernel, rate = jacobian @ jacobian.T, 0.3
    moves = [rate * kernel @ np.array(g) for g in itertools.product((-1, 1), repeat=outputs)]
    falls = [g @ moved for g, moved in zip(itertools.product((-1, 1), repeat=outputs), moves, strict=True)]
    trace, square = np.trace(kernel), np.sum(kernel**2)
    assert np.mean(falls) == pytest.approx(float(kernel_norms.mean_decrease(rate, trace)))
    assert np.mean([moved @ moved for moved in moves]) == pytest.approx(
        float(kernel_norms.mean_square_move(rate, square))
    )
    assert trace**2 / outputs <= square * (1 + 1e-12)
    assert square <= trace**2 * (1 + 1e-12)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="trace is -1"):
        kernel_norms.mean_decrease(1, -1)
    with pytest.raises(ValueError, match="frobenius_square is -1"):
        kernel_norms.mean_square_move(1, -1)
