"""The share of draws whose bound is vacuous, against NumPy's softmax and counts of labels."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import special, stats

from theory.homogeneity import softmax, vacuous


def excess(logits: np.ndarray, label: int) -> float:
    return float(-special.log_softmax(logits)[label] - stats.entropy(special.softmax(logits)))


def test_excess_over_scale_never_falls() -> None:
    rng = np.random.default_rng(0)
    for logits in rng.normal(size=(50, 4)):
        values = [excess(scale * logits, 2) / scale for scale in (0.01, 0.3, 1, 3, 30)]
        assert np.all(np.diff(values) > -1e-12)
        assert values[0] == pytest.approx(logits.mean() - logits[2], abs=0.05)
        assert values[-1] == pytest.approx(logits.max() - logits[2], abs=0.05)


def test_derivative_is_a_variance() -> None:
    """The derivation's sum over pairs, at numbers, beside NumPy's weighted variance."""
    g, s = np.array([0.3, -1.2, 0.8]), 1.7
    values = dict(zip(vacuous.LOGIT, map(float, g), strict=True))
    spread = float(vacuous.growth().steps[1].statement.subs(values).subs(vacuous.SCALE, s))
    assert spread == pytest.approx(np.cov(g, aweights=special.softmax(s * g), ddof=0))


def test_large_share_counts_labels() -> None:
    """Of the label tuples of 2 examples and 3 classes, one has the largest logits only."""
    logits = 1e4 * np.random.default_rng(1).normal(size=(2, 3))
    tuples = list(itertools.product(range(3), repeat=2))
    silent = sum(sum(excess(z, y) for z, y in zip(logits, labels, strict=True)) <= 0 for labels in tuples)
    assert sp.Rational(silent, len(tuples)) == vacuous.share_at_large_logits(3, 2)


def test_two_classes() -> None:
    """One example of two classes: the sign is that of the gap to the label's logit, at any scale."""
    gap = sp.Float(1.3)
    assert float(vacuous.two_classes().at(d=gap)) == pytest.approx(excess(np.array([2.3, 1.0]), 0))
    assert vacuous.share_at_large_logits(2, 1) == vacuous.share_at_small_logits() == sp.Rational(1, 2)


def test_agrees_with_the_softmax_identity() -> None:
    p, z = (0.2, 0.3, 0.5), tuple(np.log([0.2, 0.3, 0.5]))
    assert float(softmax.loss_minus_entropy(p, (1, 0, 0), z)) == pytest.approx(excess(np.array(z), 0))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (vacuous.share_at_large_logits, (0, 2), "classes is 0"),
        (vacuous.share_at_large_logits, (3, 1.5), "batch is 1.5"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
