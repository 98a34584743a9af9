"""Degrees of compositions, products and sums."""

import pytest

from theory.homogeneity import euler


def test_degrees() -> None:
    assert euler.composition_degree(2, 3) == 6
    assert euler.product_degree(1, 1) == 2
    assert euler.sum_degree(1, 1, 1) == 1
    with pytest.raises(ValueError, match="degrees are"):
        euler.sum_degree(1, 2)
