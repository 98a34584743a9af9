"""Exponents of an encoder-decoder, counted by hand."""

import pytest

from theory.homogeneity import weighted


def test_dimension() -> None:
    assert [weighted.exponents(*layers) for layers in ((1, 1), (2, 3), (6, 6))] == [11, 24, 51]
    with pytest.raises(ValueError, match="decoder is 0"):
        weighted.exponents(1, 0)


def test_conditions_of_the_smallest() -> None:
    """Three of the encoder's layer, five of the decoder's and one that defines the exponent of the logits."""
    found = list(weighted.conditions(1, 1))
    assert len(found) == 3 + 5 + 1
    assert len(set().union(*(one.free_symbols for one in found))) == 19 + 1
