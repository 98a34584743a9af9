"""The gradient of a product of matrices, entry by entry."""

import numpy as np
import pytest

from theory.spectra import chains


def test_gradient_entry() -> None:
    rng = np.random.default_rng(0)
    (a, b), x, v = rng.normal(size=(2, 2, 2)), rng.normal(size=2), rng.normal(size=2)
    expected = np.outer(x @ a, b @ v)
    for row, column in np.ndindex(2, 2):
        value = chains.gradient_entry(row, column, *(some.ravel().tolist() for some in (a, b, x, v)))
        assert float(value) == pytest.approx(expected[row, column])
    with pytest.raises(ValueError, match="expected 4"):
        chains.gradient_entry(0, 0, [1], [1, 2, 3, 4], [1, 2], [1, 2])
