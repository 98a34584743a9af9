"""Mean losses at normal logits against quadrature, limits and quoted numbers."""

import math
from collections.abc import Callable

import pytest
from scipy import integrate, stats

from theory.homogeneity import gaussian_logits, maximum, softmax


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_two_classes_by_quadrature(scale: float) -> None:
    """Two classes depend on the difference of the logits alone, a normal variable of variance 2 scale^2."""
    law = stats.norm(scale=scale * math.sqrt(2))
    square = integrate.quad(lambda d: (1 + math.exp(2 * d)) / (1 + math.exp(d)) ** 2 * law.pdf(d), -60, 60)[0]
    loss = integrate.quad(lambda d: math.log1p(math.exp(d)) * law.pdf(d), -60, 60, limit=200)[0]
    value = gaussian_logits.expected_loss_minus_entropy(2, scale)
    assert value == pytest.approx(float(softmax.mean_loss_minus_entropy(scale, square)), abs=1e-7)
    assert gaussian_logits.expected_loss(2, scale) == pytest.approx(loss, abs=1e-7)


def test_quoted() -> None:
    values = [gaussian_logits.expected_loss_minus_entropy(10, scale) for scale in (0.1, 1, 10)]
    assert values == pytest.approx([0.0090, 0.8053, 15.249], abs=6e-4)
    assert gaussian_logits.expected_loss(10, 0.1) == pytest.approx(2.3071, abs=5e-5)
    assert gaussian_logits.expected_loss(10, 3) == pytest.approx(5.08, abs=6e-3)


def test_limits() -> None:
    assert gaussian_logits.expected_loss_minus_entropy(10, 1e-3) == pytest.approx(9e-7, rel=1e-5)
    assert gaussian_logits.expected_loss_minus_entropy(10, 0) == 0
    assert gaussian_logits.expected_loss(7, 0) == pytest.approx(math.log(7))
    assert gaussian_logits.expected_loss(1, 2.0) == pytest.approx(0, abs=1e-11)
    wide = gaussian_logits.expected_loss_minus_entropy(10, 30) / 30
    assert wide == pytest.approx(float(maximum.expected_maximum(10)), rel=2e-3)


def test_the_bound_of_theorem_2_lies_below() -> None:
    for scale in (0.1, 1, 3, 10):
        bound = scale * float(maximum.expected_maximum(10)) - math.log(10)
        gap = gaussian_logits.expected_loss_minus_entropy(10, scale) - bound
        assert 0 < gap < math.log(10)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (gaussian_logits.expected_loss, (10, -1), "scale is -1"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
