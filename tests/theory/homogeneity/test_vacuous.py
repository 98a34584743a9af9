"""What sweeps show: variances of log-norms by shape, and the share of vacuous draws, beside other ways to them."""

import itertools

import numpy as np
import pytest
import sympy as sp
from scipy import special, stats

from theory.fluctuations import log_moments, shape_collapse
from theory.homogeneity import softmax, vacuous


def log_variance(width: int) -> float:
    """Var log r of one layer, from SciPy's polygamma functions and binomial law."""
    k = np.arange(1, width + 1)
    weights = stats.binom.pmf(k, width, 0.5) / (1 - 0.5**width)
    means = special.digamma(k / 2)
    return float(weights @ (means**2 + special.polygamma(1, k / 2)) - (weights @ means) ** 2)


class TestShapeCollapse:
    @pytest.mark.parametrize("widths", [(6, 4, 3), (3, 6, 4), (16, 2, 16)])
    def test_exact_variance_is_a_sum_in_any_order(self, widths: tuple[int, ...]) -> None:
        assert float(log_moments.log_variance(widths)) == pytest.approx(sum(map(log_variance, widths)))

    def test_second_order_is_what_is_left(self) -> None:
        """Of a layer of 1,000 and of two layers of 500 and 2,000; what remains falls like 1/n^2."""
        for widths in ((1000,), (500, 2000)):
            beta = 5 * sum(1 / n for n in widths)
            left = sum(map(log_variance, widths)) / beta - 1
            assert left == pytest.approx(float(shape_collapse.excess(widths)), rel=0.02)
        errors = [log_variance(n) * n / 5 - 1 - float(shape_collapse.excess([n])) for n in (250, 500)]
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)

    def test_weights_are_inverse_widths(self) -> None:
        assert shape_collapse.excess([10, 20]) == sp.Rational(37, 10) * sp.Rational(5, 400) / sp.Rational(3, 20)


def excess(logits: np.ndarray, label: int) -> float:
    return float(-special.log_softmax(logits)[label] - stats.entropy(special.softmax(logits)))


class TestVacuous:
    def test_excess_over_scale_never_falls(self) -> None:
        rng = np.random.default_rng(0)
        for logits in rng.normal(size=(50, 4)):
            values = [excess(scale * logits, 2) / scale for scale in (0.01, 0.3, 1, 3, 30)]
            assert np.all(np.diff(values) > -1e-12)
            assert values[0] == pytest.approx(logits.mean() - logits[2], abs=0.05)
            assert values[-1] == pytest.approx(logits.max() - logits[2], abs=0.05)

    def test_derivative_is_a_variance(self) -> None:
        """The derivation's sum over pairs, at numbers, beside NumPy's weighted variance."""
        g, s = np.array([0.3, -1.2, 0.8]), 1.7
        values = dict(zip(vacuous.LOGIT, map(float, g), strict=True))
        spread = float(vacuous.growth().steps[1].statement.subs(values).subs(vacuous.SCALE, s))
        assert spread == pytest.approx(np.cov(g, aweights=special.softmax(s * g), ddof=0))

    def test_large_share_counts_labels(self) -> None:
        """Of the label tuples of 2 examples and 3 classes, one has the largest logits only."""
        logits = 1e4 * np.random.default_rng(1).normal(size=(2, 3))
        tuples = list(itertools.product(range(3), repeat=2))
        silent = sum(sum(excess(z, y) for z, y in zip(logits, labels, strict=True)) <= 0 for labels in tuples)
        assert sp.Rational(silent, len(tuples)) == vacuous.share_at_large_logits(3, 2)

    def test_two_classes(self) -> None:
        """One example of two classes: the sign is that of the gap to the label's logit, at any scale."""
        gap = sp.Float(1.3)
        assert float(vacuous.two_classes().at(d=gap)) == pytest.approx(excess(np.array([2.3, 1.0]), 0))
        assert vacuous.share_at_large_logits(2, 1) == vacuous.share_at_small_logits() == sp.Rational(1, 2)

    def test_agrees_with_the_softmax_identity(self) -> None:
        p, z = (0.2, 0.3, 0.5), tuple(np.log([0.2, 0.3, 0.5]))
        assert float(softmax.loss_minus_entropy(p, (1, 0, 0), z)) == pytest.approx(excess(np.array(z), 0))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (shape_collapse.excess, ([],), "no widths"),
        (shape_collapse.excess, ([3, 0],), "widths is 0"),
        (vacuous.share_at_large_logits, (0, 2), "classes is 0"),
        (vacuous.share_at_large_logits, (3, 1.5), "batch is 1.5"),
    ],
)
def test_domain_errors_name_the_argument(function: object, arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)  # type: ignore[operator]
