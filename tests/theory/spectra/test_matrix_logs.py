"""Defects of matrix logarithms against SciPy's."""

import math

import numpy as np
import pytest
from scipy import linalg

from theory.spectra import matrix_logs


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.4), (2.0, 0.5)])
def test_shears(a: float, b: float) -> None:
    up, down = np.array([[1, a], [0, 1]]), np.array([[1, 0], [b, 1]])
    defect = linalg.logm(up @ down) - linalg.logm(up) - linalg.logm(down)
    assert float(matrix_logs.product_defect(a, b)) == pytest.approx(np.linalg.norm(defect), rel=1e-6)


@pytest.mark.parametrize("angle", [1.0, 2.5])
def test_rotations(angle: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    defect = np.linalg.norm(linalg.logm(turn @ turn) - 2 * linalg.logm(turn))
    assert float(matrix_logs.squared_rotation_defect(angle)) == pytest.approx(defect, abs=1e-9)
    with pytest.raises(ValueError, match="between 0 and pi"):
        matrix_logs.squared_rotation_defect(4)
