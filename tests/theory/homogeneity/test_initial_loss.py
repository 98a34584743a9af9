"""The loss at small logits between its bounds."""

import pytest
import sympy as sp

from theory.homogeneity import gaussian_logits, initial_loss


@pytest.mark.parametrize(("classes", "scale"), [(2, 0.3), (3, 0.1), (10, 0.5)])
def test_the_quadratic_is_a_bound_and_the_remainder_too(classes: int, scale: float) -> None:
    mean = gaussian_logits.expected_loss(classes, scale)
    quadratic = float(initial_loss.loss(classes, scale))
    assert quadratic - float(initial_loss.loss_remainder(classes, scale)) <= mean <= quadratic


def test_zero_classifier() -> None:
    assert initial_loss.loss(10, 0) == sp.log(10)
