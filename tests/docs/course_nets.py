"""The answers to the exercises on whole nets, lessons 6 to 12 of the course, from closed forms or their definition."""

import math
from collections.abc import Callable, Iterable
from statistics import NormalDist

import numpy as np
import pytest
import sympy as sp

from simulations import stream
from tests.docs.course_layers import LARGEST, first_depth, product
from theory.attention.logits import logit_kurtosis
from theory.attention.logits import mean_square as logit_square
from theory.attention.weights import causal_weight
from theory.fixup.rules import scalar_count
from theory.fixup.scale import fixup_scale
from theory.homogeneity.bounds import theorem_1
from theory.homogeneity.degrees import loss_gradient_along
from theory.plain.glorot import forward_variance, glorot_variance, he_variance
from theory.recurrent.lstm import biased_path
from theory.residual.norms import block_growth, second_moment_growth
from theory.training.balance import square_norm_change

GAIN = sp.Symbol("gain", positive=True)


def overflowing_streams() -> list[str]:
    doubled = first_depth(lambda depth: second_moment_growth(1, depth) > LARGEST)
    tripled = first_depth(lambda depth: second_moment_growth(2, depth) > LARGEST)
    before, behind = (int(second_moment_growth(2, depth)) for depth in (tripled - 1, tripled))
    return [f"{int(second_moment_growth(1, doubled)):,}", f"{doubled}", f"{before:,}", f"{behind:,}", f"{tripled}"]


def scaled_branches() -> list[str]:
    growth = block_growth(GAIN)
    root, whole = (product(growth.subs(GAIN, sp.Rational(1, at**power)) for at in range(1, 51)) for power in (1, 2))
    limit = math.sinh(math.pi) / math.pi
    assert np.prod(1 + np.arange(1, 10**6) ** -2.0) == pytest.approx(limit, rel=2e-6)  # the rest is below 1/10**6
    return [f"{root:.0f}", f"{whole:.3f}", f"{limit:.3f}"]


def least_gradient() -> list[str]:
    said = np.array([0.01] + [0.11] * 9)
    assert said.sum() == pytest.approx(1)
    loss, entropy = -math.log(0.01), float(-(said * np.log(said)).sum())
    return [f"{loss:.3f}", f"{entropy:.3f}", f"{float(theorem_1(loss, entropy, 10)):.4f}"]


def powers_of_biases() -> list[str]:
    """In a net of three layers, to the last bit: all scales are powers of two."""
    rng = stream(0, "course")
    weights, biases, x = rng.normal(size=(3, 5, 5)), rng.normal(size=(3, 5)), rng.normal(size=(4, 5))

    def logits(scale: float, powers: Iterable[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        state = x
        for layer, power in enumerate(powers):
            state = (np.maximum(state, 0) if layer else state) @ (scale * weights[layer]) + scale**power * biases[layer]
        return state

    once = logits(1, (1, 2, 3))
    assert (logits(2, (1, 2, 3)) == 8 * once).all()
    assert not (logits(2, (1, 1, 1)) == 8 * once).any()
    return ["2", "4", "8"]


def bottlenecks() -> list[str]:
    scale, he = fixup_scale(16, 3), he_variance(256) ** sp.Rational(1, 2)
    return [f"{float(scale):g}", f"{float(scale**2):g}", f"{float(he):.4f}", f"{float(he * scale):.4f}"]


def scalars() -> list[str]:
    stem_and_classifier = 2
    return [f"{scalar_count(54, 2) - stem_and_classifier}", f"{sum(2 * 2 * 18 * width for width in (16, 32, 64)):,}"]


def moving_norms() -> list[str]:
    def moved(loss: float, entropy: float, square: float) -> float:
        return float(square_norm_change(0.1, loss_gradient_along(1, loss, entropy), square))

    first, last, grown = moved(1.9, 1.4, 9), moved(1.9, 1.4, 1), moved(1.4, 1.9, 9)
    assert first < 0
    assert last < 0
    still = 2 * (1.9 - 1.4) / 9
    assert float(square_norm_change(still, loss_gradient_along(1, 1.9, 1.4), 9)) == pytest.approx(0, abs=1e-12)
    return [f"{-first:.2f}", f"{-last:.2f}", f"{still:.3f}", f"{grown:.2f}"]


def undrawn() -> list[str]:
    width, layers = 10**6, 10**3
    return [f"{2 * width * layers:,}", f"{width**2 * layers:,}", f"{width**2 * np.dtype('f4').itemsize / 1e12:g}"]


def known_answer() -> list[str]:
    asked, answers = np.array([[1, 0], [0.6, 0.8]]), np.array([0.5, 1.1])
    row = np.array([0, 1])
    assert np.linalg.matrix_rank(np.vstack([asked, row])) == np.linalg.matrix_rank(asked)
    return [f"{row @ np.linalg.solve(asked, answers):g}", "0"]


def forget_biases() -> list[str]:
    gates = [f"{float(biased_path(bias, 1)):.4f}" for bias in (1, 3)]
    few = first_depth(lambda steps: float(biased_path(1, steps)) < 0.01)
    many = first_depth(lambda steps: float(biased_path(3, steps)) < 0.01)
    return [*gates, f"{few}", f"{many}"]


def swinging_matrix() -> list[str]:
    matrix = np.array([[0, 4], [0.04, 0]])
    largest, radius = np.linalg.norm(matrix, 2), abs(np.linalg.eigvals(matrix)).max()
    ten = np.linalg.matrix_power(matrix, 10)
    assert ten == pytest.approx(ten[0, 0] * np.eye(2))
    return [f"{largest:g}", f"{radius:g}", f"{ten[0, 0]:.6f}", f"{largest**10:,.0f}"]


def heads() -> list[str]:
    deviation = logit_square(64, 1, 1, 1, 1) ** sp.Rational(1, 2)
    return [f"{deviation}", *(f"{float(logit_kurtosis(width, 3, 3)):.4g}" for width in (64, 2))]


def causal() -> list[str]:
    return [f"{float(causal_weight(8, key)):.4f}" for key in (1, 8)]


def suspects() -> list[str]:
    root = sp.Rational(1, 2)
    variances = [he_variance(100), glorot_variance(300, 100), he_variance(300, sp.sqrt(5))]
    assert f"{float(forward_variance(300) ** root):.4f}" == "0.0577"
    meant, *others = (f"{float(one**root):.4f}" for one in [he_variance(300), *variances])
    return [meant, f"{0.0577**2 / float(he_variance(300)):.2f}", *others]


def copies() -> list[str]:
    """The product of two independent numbers of variance 1 has variance 1, as a logit of a head of one unit."""
    error = (logit_square(1, 1, 1, 1, 1) / 64**2) ** sp.Rational(1, 2)
    return [f"{float(error):.4f}", *(f"{correlation / error}" for correlation in (1, sp.Rational(1, 2)))]


def false_alarms() -> list[str]:
    level = 1e-4 / 40
    return [f"{1 - 0.95**40:.3f}", f"{level:.7f}", f"{-NormalDist().inv_cdf(level / 2):.2f}"]


ANSWERS: dict[str, Callable[[], list[str]]] = {
    "6.1": overflowing_streams,
    "6.2": scaled_branches,
    "7.1": least_gradient,
    "7.2": powers_of_biases,
    "8.1": bottlenecks,
    "8.2": scalars,
    "8.3": moving_norms,
    "9.1": undrawn,
    "9.2": known_answer,
    "10.1": forget_biases,
    "10.2": swinging_matrix,
    "11.1": heads,
    "11.2": causal,
    "12.1": suspects,
    "12.2": copies,
    "12.3": false_alarms,
}
