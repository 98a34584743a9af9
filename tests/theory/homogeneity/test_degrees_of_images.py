"""Degrees of pooling and normalisation."""

import pytest

from theory.homogeneity import degrees_of_images


def test_pooling_keeps() -> None:
    assert [degrees_of_images.maximum_degree(k) for k in (None, 0, 2)] == [None, 0, 2]
    assert [degrees_of_images.average_degree(k) for k in (None, 0, 2)] == [None, 0, 2]


def test_normalisation() -> None:
    degree = degrees_of_images.normalisation_degree
    assert (degree(2), degree(1, 1.0), degree(0, 1.0), degree(None)) == (0, None, 0, None)
    assert (degree(2, 0, True), degree(2, 0, True, False), degree(2, 0, True, True)) == (1, None, 1)
    assert degree(2, 0, False, True) is None
    with pytest.raises(ValueError, match="epsilon"):
        degree(1, -1.0)
