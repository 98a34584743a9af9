"""True claims are refuted no more often than promised: 1,000 independent repetitions of each kind of evidence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from evidence import ChiSquareTest, CountTest, MeanTest, binomial_degrees, identity, inequality, law, rate
from simulations import he, lecun, measure, mlp, softmax_loss, stream
from tests.evidence.frequencies import at_most, superuniform, uniform
from theory.fluctuations import norms as fluctuations
from theory.homogeneity import softmax
from theory.layer import one_layer, rectifiers
from theory.plain import norms as plain

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]
REPETITIONS = 1000
ALPHA = 0.05
INPUT = np.array([[1.0, -2.0, 3.0, 0.5]])


def layer_ratios(draws: int) -> Array:
    """||Wx||^2 / ||x||^2 of one linear layer of 4 inputs and 3 outputs, (repetitions, draws)."""
    network = mlp([4, 3], init=lecun, activation=None)
    record = measure(network, INPUT, draws=REPETITIONS * draws, rng=stream(1, "layer"))
    return (record.square_norms[:, 1] / record.square_norms[:, 0]).reshape(REPETITIONS, draws)


def test_an_exact_pivot_gives_uniform_p_values() -> None:
    draws = 60
    pivots = layer_ratios(draws) * 3 / float(one_layer.second_moment(3, 1 / 4, 1))
    found = list(map(ChiSquareTest(3.0, error=9.0, alpha=ALPHA), pivots))
    uniform([f.p_value for f in found])
    at_most(ALPHA, sum(f.verdict == "refuted" for f in found), REPETITIONS)


def test_a_mixture_over_active_units_gives_uniform_p_values() -> None:
    repetitions, draws, width = 400, 60, 5
    record = measure(
        mlp([4, width], init=he),
        INPUT,
        draws=repetitions * draws,
        rng=stream(2, "mixture"),
        extras=("variances", "active"),
    )
    factor = float(plain.layer_factor(width, 2 / 4))
    pivots = record.square_norms[:, 1] / record.square_norms[:, 0] * width / (2 * factor)
    blocks = zip(pivots.reshape(-1, draws), record.active[:, 1].reshape(-1, draws), strict=True)
    test = ChiSquareTest(binomial_degrees(width), error=9.0, alpha=ALPHA)
    uniform([test(row, active).p_value for row, active in blocks])
    # The degrees that plan such a test have the mean of the law that they stand for.
    assert binomial_degrees(width).mean() == pytest.approx(width / 2, abs=5e-3)


@pytest.mark.parametrize("units", [1, 2])
def test_counts_of_logits_with_the_right_sign(units: int) -> None:
    """z.y > 0 at one or at two labels: probability 1/2 or 1/4; discrete, so p-values are larger than uniform."""
    trials = 80
    record = lecun.draw(stream(3, "logits", units), REPETITIONS * trials, 4, 2)
    positive = ((INPUT @ record)[:, 0, :units] > 0).all(axis=1).reshape(REPETITIONS, trials).sum(axis=1)
    test = CountTest(0.5**units, error=0.9, alpha=ALPHA)
    by_count = {k: test(int(k), trials) for k in np.unique(positive)}
    found = [by_count[k] for k in positive]
    superuniform([f.p_value for f in found])
    at_most(ALPHA, sum(f.verdict == "refuted" for f in found), REPETITIONS)


def test_the_mean_of_relu_squared() -> None:
    draws, q = 200, 0.25
    z = (INPUT @ lecun.draw(stream(4, "relu"), REPETITIONS * draws, 4, 1))[:, 0, 0] / np.linalg.norm(INPUT)
    squares = (np.maximum(z, 0) ** 2).reshape(REPETITIONS, draws)
    second, fourth = float(rectifiers.relu_second_moment(q)), float(rectifiers.relu_fourth_moment(q))
    found = list(map(MeanTest(second, variance=fourth - second**2, error=9.0, alpha=ALPHA), squares))
    superuniform([f.p_value for f in found])
    assert {f.verdict for f in found} <= {"held", "refuted"}


def test_heavy_tails_break_a_t_test_but_not_catoni() -> None:
    """||x_L||^2 of a ReLU chain of width 4: the t-test refutes the true mean far too often."""
    draws, layers = 200, 8
    widths = [4] * (layers + 1)
    record = measure(mlp(widths, init=he), INPUT, draws=REPETITIONS * draws, rng=stream(5, "chain"))
    growth = (record.square_norms[:, -1] / record.square_norms[:, 0]).reshape(REPETITIONS, draws)
    expected = float(plain.norm_product(widths[1:], [2 / 4] * layers))
    variance = float(fluctuations.relative_variance(widths[1:])) * expected**2
    test = MeanTest(expected, variance=variance, error=9.0, alpha=ALPHA)
    superuniform([test(row).p_value for row in growth])
    t_values = stats.ttest_1samp(growth, expected, axis=1).pvalue
    with pytest.raises(AssertionError, match="at most"):
        superuniform(t_values)


def test_a_true_identity_is_never_refuted() -> None:
    """<dl/dz, z> = l - H(p), up to the rounding that the simulation bounds: 1,000 repetitions of 5 draws."""
    logits = stream(6, "identity").normal(scale=10.0, size=(REPETITIONS, 5, 3))
    loss = softmax_loss(logits, np.broadcast_to(np.eye(3)[0], logits.shape))
    inner = (loss.logit_gradient * logits).sum(axis=-1)
    sides = zip(inner, loss.loss - loss.entropy, loss.rounding, strict=True)
    assert {identity(left, right, rounding=bound).verdict for left, right, bound in sides} == {"held"}


def test_a_true_inequality_is_never_refuted() -> None:
    """Entropy is at most log C, with equality at equal logits, where only rounding separates the two."""
    logits = stream(7, "inequality").normal(size=(REPETITIONS, 5, 3)) * np.logspace(-18, 1, 5)[:, None]
    loss = softmax_loss(logits, np.broadcast_to(np.eye(3)[0], logits.shape))
    most = float(softmax.entropy_bound(3))
    found = [inequality(np.full(5, most), h, rounding=b) for h, b in zip(loss.entropy, loss.rounding, strict=True)]
    assert {f.verdict for f in found} == {"held"}


def test_a_true_rate_is_never_refuted() -> None:
    """Points off a line of slope 3/2 by at most 0.1 move the slope by at most 0.1 sum |x - mean| / sum (x - mean)^2."""
    x = np.log(np.array([4.0, 16.0, 64.0, 256.0]))
    y = 1.5 * x + stream(8, "rate").uniform(-0.1, 0.1, (REPETITIONS, 4))
    centred = x - x.mean()
    bias = 0.1 * np.abs(centred).sum() / (centred @ centred)
    assert {rate(x, row[None], expected=1.5, bias=float(bias)).verdict for row in y} == {"held"}
    assert rate(x, y, expected=1.5, bias=float(bias) / 3).verdict == "refuted"


@pytest.mark.parametrize("count", [1, 10, 1000, 150_000, 2_000_000])
def test_the_p_value_of_a_law_is_exact_far_in_the_tail(count: int) -> None:
    """It lies between Smirnov's one-sided tail and twice that, and below DKW, on which power rests, down to 1e-12."""
    for nats in (1.0, 4.0, 10.0, 18.0, 25.0):
        distance = min(1 - 1e-9, float(np.sqrt(nats / (2 * count))))
        # Samples whose empirical cdf is off by exactly this distance.
        p_value = law_p_value(distance, count)
        one_sided = float(stats.ksone.sf(distance, count))
        assert one_sided * (1 - 1e-6) <= p_value <= min(1.0, 2 * one_sided) * (1 + 1e-6)
        assert p_value <= 2 * np.exp(-2 * count * distance**2) * (1 + 1e-6)


def law_p_value(distance: float, count: int) -> float:
    samples = np.clip((np.arange(count) + 1) / count - distance, 0, 1)
    found = law(samples, measured=1.0, distance_of=lambda error: error, error=9.0, alpha=ALPHA)
    assert found.p_value is not None
    return found.p_value
