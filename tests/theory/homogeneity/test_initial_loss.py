"""The loss at small logits between its bounds."""

import pytest
import sympy as sp

from theory.homogeneity import gaussian_logits, initial_loss


@pytest.mark.parametrize(("classes", "scale"), [(2, 0.3), (3, 0.1), (10, 0.3), (32128, 0.005)])
def test_the_quadratic_is_a_bound_and_the_remainder_too(classes: int, scale: float) -> None:
    mean = gaussian_logits.expected_loss(classes, scale)
    quadratic = float(initial_loss.loss(classes, scale))
    assert quadratic - float(initial_loss.loss_remainder(classes, scale)) <= mean <= quadratic


def test_zero_classifier() -> None:
    assert initial_loss.loss(10, 0) == sp.log(10)


@pytest.mark.parametrize(("classes", "scale"), [(32_128, 768**0.5), (10, 0.4), (2, 1)])
def test_the_expansion_refuses_logits_outside_its_range(classes: int, scale: float) -> None:
    with pytest.raises(ValueError, match=r"classes \* scale\^2 up to 1"):
        initial_loss.loss(classes, scale)


def test_at_the_end_of_the_range_the_remainder_is_an_eighth_of_the_rise() -> None:
    rise = initial_loss.loss(100, sp.Rational(1, 10)) - sp.log(100)
    assert initial_loss.loss_remainder(100, sp.Rational(1, 10)) == rise / 8
