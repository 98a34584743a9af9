"""Where the variance is wrong, the cause is named: questions from public threads, with the answers derived there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence import InitialiserReport, check_initialiser
from simulations import stream, truncated_gaussian

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Array]
WIDTH = 32


def normal(variance: float, shape: tuple[int, ...]) -> Draw:
    return lambda rng: rng.normal(0, math.sqrt(variance), shape)


def bounded(bound: float, shape: tuple[int, ...]) -> Draw:
    return lambda rng: rng.uniform(-bound, bound, shape)


def glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def he_fan_out(fan_in: int, fan_out: int) -> float:
    return 2 / fan_out


CONVOLUTION = (16, 8, 3, 3)
"""Outputs, inputs of a group, and the kernel."""

QUESTIONS: dict[str, tuple[Draw, tuple[int, int], dict[str, Any], float, str]] = {
    "q, k and v fused (pytorch 166378)": (
        normal(glorot(WIDTH, 3 * WIDTH), (WIDTH, WIDTH)),
        (WIDTH, WIDTH),
        {"variance": glorot},
        0.5,
        "drawn in one block with others, 3 in all along the outputs (q, k and v): 0.5",
    ),
    "an LSTM's gates (cleanrl 358)": (
        lambda rng: (
            np.linalg.qr(rng.standard_normal((4 * WIDTH, WIDTH)))[0][:WIDTH] * rng.choice([-1.0, 1.0], (1, WIDTH))
        ),
        (WIDTH, WIDTH),
        {"variance": lambda fan_in, fan_out: 1 / fan_out, "law": "orthogonal"},
        0.25,
        "4 in all along the outputs (an LSTM's gates): 0.25",
    ),
    "depthwise, by fan_out (pytorch 23854)": (
        normal(he_fan_out(9, 32 * 9), (32, 1, 3, 3)),
        (9, 9),
        {"variance": he_fan_out, "layout": "out_in", "shape": (32, 1, 3, 3)},
        1 / 32,
        "fan_out counted over 32 groups (channels, of a depthwise convolution): 0.03125",
    ),
    "grouped (mlx 4536)": (
        normal(he(4 * 72, 144), CONVOLUTION),
        (72, 144),
        {"variance": he, "layout": "out_in", "shape": CONVOLUTION},
        1 / 4,
        "fan_in counted over 4 groups: 0.25",
    ),
    "a = sqrt 5 for He (pytorch 15314)": (
        bounded(1 / math.sqrt(24), (16, 24)),
        (24, 16),
        {"variance": he, "layout": "out_in"},
        1 / 6,
        "PyTorch's default: kaiming_uniform_ with a = sqrt 5): 0.1667",
    ),
    "a = sqrt 5 for 1 / fan_in": (
        bounded(1 / math.sqrt(24), (16, 24)),
        (24, 16),
        {"variance": 1 / 24, "layout": "out_in"},
        1 / 3,
        "PyTorch's default: kaiming_uniform_ with a = sqrt 5): 0.3333",
    ),
    "truncated, not corrected": (
        lambda rng: math.sqrt(2 / 24) * truncated_gaussian(rng, (24, 16)),
        (24, 16),
        {"variance": he},
        0.7737,
        "cut off at two deviations, and not corrected for it: 0.7737",
    ),
    "a kernel of rank 3 (keras 22789)": (
        normal(glorot(4 * 64, 16 * 64), (64, 4, 16)),
        (64, 64),
        {"variance": glorot, "shape": (64, 4, 16)},
        1 / 10,
        "fans as Keras counts them in (64, 4, 16): 0.1",
    ),
    "transposed, with a stride of 2 (pro_gan_pytorch 44)": (
        normal(he(32 * 16, 128), (32, 8, 4, 4)),
        (128, 128),
        {"variance": he, "layout": "out_in", "shape": (32, 8, 4, 4)},
        1 / 4,
        "fan_in counted over 4 groups: 0.25",
    ),
    "fans swapped": (
        normal(he(16, 24), (24, 16)),
        (24, 16),
        {"variance": he},
        1.5,
        "fan_in and fan_out swapped: 1.5",
    ),
    "a deviation for a bound": (
        bounded(math.sqrt(2 / 24), (24, 16)),
        (24, 16),
        {"variance": he},
        1 / 3,
        "the deviation taken as the bound of a uniform law: 0.3333",
    ),
    "a variance for a deviation": (
        normal((2 / 24) ** 2, (24, 16)),
        (24, 16),
        {"variance": he},
        2 / 24,
        "the variance taken as the deviation: 0.08333",
    ),
    "no gain": (
        normal(1 / 24, (24, 16)),
        (24, 16),
        {"variance": he},
        0.5,
        "a factor of 2 left out, such as the rectifier's gain: 0.5",
    ),
    "the kernel left out": (
        normal(he(8, 16), CONVOLUTION),
        (72, 144),
        {"variance": he, "layout": "out_in", "shape": CONVOLUTION},
        9.0,
        "the kernel's places left out of the fans: 9",
    ),
}


def asked(name: str, **change: Any) -> InitialiserReport:
    draw, fans, options, _, _ = QUESTIONS[name]
    rng = stream(0, name)
    return check_initialiser(lambda fan_in, fan_out: draw(rng), *fans, **(options | {"error": 0.05} | change))


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_cause_is_among_those_told(name: str) -> None:
    report, (*_, ratio, cause) = asked(name), QUESTIONS[name]
    assert report.findings["variance / stated"].verdict == "refuted"
    low, high = report.ratio
    assert low <= ratio <= high
    assert high < 1.1 * low
    assert any(cause in one for one in report.causes), report
    told = [float(one.rpartition(": ")[2]) for one in report.causes]
    assert low * 0.999 <= min(told) <= max(told) <= high * 1.001
    assert max(map(len, report.why())) <= 80


def test_what_fits_no_cause_says_so() -> None:
    rng = stream(0, "odd")
    report = check_initialiser(lambda a, b: rng.normal(0, math.sqrt(0.9 / a), (a, b)), 24, 16, variance=1 / 24)
    assert report.causes == ()
    assert "fits no cause known here" in str(report)


def test_entries_rule_causes_out() -> None:
    """A third by a Gaussian law comes from no bound; a factor .774 with entries beyond two deviations from no cut."""
    rng = stream(0, "ruled out")
    third = check_initialiser(lambda a, b: rng.normal(0, math.sqrt(1 / 3 / a), (a, b)), 24, 16, variance=1 / 24)
    assert not any("bound" in cause or "sqrt" in cause for cause in third.causes)
    less = check_initialiser(lambda a, b: rng.normal(0, math.sqrt(0.774 / a), (a, b)), 24, 16, variance=1 / 24)
    assert not any("cut" in cause for cause in less.causes)


def test_nothing_is_told_where_the_variance_is_right() -> None:
    """A wrong law of the right variance has no cause in the fans."""
    rng = stream(0, "right")
    report = check_initialiser(lambda a, b: rng.uniform(-1, 1, (a, b)), 24, 16, variance=1 / 3, law="gaussian")
    assert not report.passed
    assert report.causes == ()
    assert "consistent" not in str(report)


def test_a_rule_that_refuses_other_fans_is_no_trouble() -> None:
    def picky(fan_in: int, fan_out: int) -> float:
        if (fan_in, fan_out) != (24, 16):
            raise KeyError(fan_in)
        return 1 / fan_in

    rng = stream(0, "picky")
    report = check_initialiser(lambda a, b: rng.normal(0, 1.0, (a, b)), 24, 16, variance=picky, error=0.1)
    assert report.findings["variance / stated"].verdict == "refuted"
