"""Counts of parameters, by hand."""

import pytest
import sympy as sp

from theory.fixup import parameter_counts


def test_counts_by_hand() -> None:
    """A ResNet with 54 branches of two layers and 64 channels."""
    assert parameter_counts.scalar_parameters(54, 2) == 270
    assert parameter_counts.norm_parameters(54, 2, 64) == 13824
    share = parameter_counts.ratio().at(m=2, C=64)
    assert share == sp.Rational(270, 13824)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="channels is 0"):
        parameter_counts.norm_parameters(1, 1, 0)
    with pytest.raises(ValueError, match="branches is 0"):
        parameter_counts.scalar_parameters(0, 1)
