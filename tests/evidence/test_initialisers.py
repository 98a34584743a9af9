"""The public check passes initialisers that are what they say, and names what is wrong with those that are not."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence import check_initialiser
from evidence.finding import POWER
from evidence.initialisers.independent import _products_test, inner_products
from evidence.symmetry import symmetry
from simulations import (
    Initialiser,
    glorot,
    he,
    he_fan_out,
    lecun,
    rademacher,
    stream,
    torch_default,
    truncated_gaussian,
    uniform,
)
from tests.evidence.frequencies import at_least, at_most, superuniform

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]
Sampler = Callable[[int, int], Array]
FAN_IN, FAN_OUT = 24, 16


def drawn_by(initialiser: Initialiser, name: str = "sampler") -> Sampler:
    rng = stream(0, name)
    return lambda fan_in, fan_out: initialiser.draw(rng, 1, fan_in, fan_out)[0]


TRUE = [he, lecun, glorot, torch_default, he.with_law(uniform), he.with_law(rademacher)]


@pytest.mark.parametrize("initialiser", TRUE)
@pytest.mark.parametrize("fans", [(FAN_IN, FAN_OUT), (5, 40)])
def test_initialisers_that_are_what_they_say_pass(initialiser: Initialiser, fans: tuple[int, int]) -> None:
    """Each fails with probability 1e-6 at most."""
    report = check_initialiser(drawn_by(initialiser), *fans, variance=initialiser.variance)
    assert report.passed, report
    assert len(report.findings) == 7
    assert all(isinstance(f.detectable, float) and f.detectable <= 0.1 for f in report.findings.values())


@pytest.mark.parametrize("fans", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_the_narrowest_layers_pass(fans: tuple[int, int]) -> None:
    assert check_initialiser(drawn_by(he), *fans, variance=2 / fans[0], error=0.1).passed


RNG = np.random.default_rng(1)
FIXED = RNG.normal(0, math.sqrt(2 / FAN_IN), (FAN_IN, FAN_OUT))


def shifted(fan_in: int, fan_out: int) -> Array:
    return math.sqrt(2 / fan_in) * (RNG.standard_normal((fan_in, fan_out)) + 0.05)


def bound_for_deviation(fan_in: int, fan_out: int) -> Array:
    return math.sqrt(2 / fan_in) * RNG.uniform(-1, 1, (fan_in, fan_out))


def truncated(fan_in: int, fan_out: int) -> Array:
    return math.sqrt(2 / fan_in) * truncated_gaussian(RNG, (fan_in, fan_out))


def skewed(fan_in: int, fan_out: int) -> Array:
    """Mean 0 and variance 1 before scaling, and about 5 to 3 below 0; its kurtosis is 9."""
    return math.sqrt(2 / fan_in) * (RNG.exponential(size=(fan_in, fan_out)) - 1)


def skewed_evenly(fan_in: int, fan_out: int) -> Array:
    """Even signs and mean 0, but sizes of 0.2 or 1.8 above 0 against 1 below."""
    sizes = RNG.choice([0.2, 1.8], (fan_in, fan_out))
    return math.sqrt(2 / fan_in / 1.32) * np.where(RNG.random((fan_in, fan_out)) < 0.5, sizes, -1)


def repeated_column(fan_in: int, fan_out: int) -> Array:
    matrix = math.sqrt(2 / fan_in) * RNG.standard_normal((fan_in, fan_out))
    matrix[:, 3] = matrix[:, 11]
    return matrix


def repeated_row(fan_in: int, fan_out: int) -> Array:
    matrix = math.sqrt(2 / fan_in) * RNG.standard_normal((fan_in, fan_out))
    matrix[3] = -matrix[11]
    return matrix


def smooth_rows(fan_in: int, fan_out: int) -> Array:
    """Each entry shares a tenth of its variance with the next."""
    noise = RNG.standard_normal((fan_in, fan_out + 1))
    return math.sqrt(2 / fan_in / 1.0101) * (noise[:, 1:] + 0.1005 * noise[:, :-1])


def orthogonal(fan_in: int, fan_out: int) -> Array:
    """Columns orthonormal and uniform over rotations (signs made even), with entries of variance 1 / fan_in."""
    factor = np.linalg.qr(RNG.standard_normal((fan_in, fan_out)))[0]
    matrix: Array = math.sqrt(2) * factor * RNG.choice([-1.0, 1.0], fan_out)
    return matrix


DEFECTS: list[tuple[Sampler, str]] = [
    (shifted, "mean / deviation"),
    (bound_for_deviation, "variance / stated"),
    (truncated, "variance / stated"),
    (drawn_by(he_fan_out), "variance / stated"),
    (lambda fan_in, fan_out: np.zeros((fan_in, fan_out)), "variance / stated"),
    (lambda fan_in, fan_out: np.full((fan_in, fan_out), math.sqrt(2 / fan_in)), "mean / deviation"),
    (skewed, "asymmetry"),
    (skewed_evenly, "asymmetry"),
    (lambda fan_in, fan_out: FIXED, "same sign in next draw"),
    (smooth_rows, "... at next output"),
    (lambda fan_in, fan_out: math.sqrt(fan_out / fan_in) * smooth_rows(fan_out, fan_in).T, "... at next input"),
    (repeated_column, "squared inner products"),
    (repeated_row, "squared inner products"),
    (orthogonal, "squared inner products"),
]


@pytest.mark.parametrize(("sampler", "property_"), DEFECTS)
def test_every_defect_is_refuted_by_the_property_it_breaks(sampler: Sampler, property_: str) -> None:
    report = check_initialiser(sampler, FAN_IN, FAN_OUT, variance=2 / FAN_IN)
    assert not report.passed
    assert report.findings[property_].verdict == "refuted", report


def test_a_buffer_that_is_filled_again_is_not_the_same_matrix() -> None:
    """Frameworks fill a tensor in place and return it: every draw must be copied."""
    buffer = np.empty((FAN_IN, FAN_OUT))
    fresh = drawn_by(he)

    def fill(fan_in: int, fan_out: int) -> Array:
        buffer[...] = fresh(fan_in, fan_out)
        return buffer

    assert check_initialiser(fill, FAN_IN, FAN_OUT, variance=2 / FAN_IN).passed


def test_pytorch_initialises_as_it_says() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)

    def kaiming(fan_in: int, fan_out: int) -> Array:
        weights: Array = torch.nn.init.kaiming_normal_(torch.empty(fan_out, fan_in), nonlinearity="relu").numpy()
        return weights

    assert check_initialiser(kaiming, FAN_IN, FAN_OUT, variance=2 / FAN_IN, layout="out_in").passed
    assert not check_initialiser(kaiming, FAN_IN, FAN_OUT, variance=2 / FAN_OUT, layout="out_in").passed


def test_the_report_can_be_read() -> None:
    report = check_initialiser(drawn_by(he), 6, 4, variance=2 / 6, error=0.1)
    lines = str(report).splitlines()
    assert lines[0] == f"6 inputs, 4 outputs, {report.draws} draws: passed"
    assert len(lines) == 2 + len(report.findings)
    assert all(line.endswith("held") for line in lines[2:])
    assert max(map(len, lines)) <= 80
    assert "FAILED" in str(check_initialiser(bound_for_deviation, 6, 4, variance=2 / 6, error=0.1))


def test_too_few_draws_are_inconclusive() -> None:
    report = check_initialiser(drawn_by(he), FAN_IN, FAN_OUT, variance=2 / FAN_IN, draws=2)
    assert not report.passed
    assert {f.verdict for f in report.findings.values()} == {"inconclusive"}
    assert "too few" in str(report)


ONES: Sampler = lambda fan_in, fan_out: np.ones((fan_in, fan_out))  # noqa: E731
REFUSED: dict[str, tuple[object, dict[str, object], str]] = {
    "NaN": (lambda a, b: np.full((a, b), math.nan), {}, "not real finite"),
    "infinite": (lambda a, b: np.full((a, b), math.inf), {}, "not real finite"),
    "complex": (lambda a, b: np.ones((a, b)) * 1j, {}, "not real finite"),
    "transposed": (lambda a, b: np.ones((b, a)), {}, "layout='out_in'"),
    "flat": (lambda a, b: np.ones(a * b), {}, r"shape \(6,\)"),
    "many at once": (lambda a, b: np.ones((9, a, b)), {}, "shape"),
    "no inputs": (ONES, {"fan_in": 0}, "positive fans"),
    "no inputs, for a variance of 2 / fan_in": (
        ONES,
        {"fan_in": 0, "variance": lambda fan_in, fan_out: 2 / fan_in},
        "positive fans",
    ),
    "no outputs": (ONES, {"fan_out": 0}, "positive fans"),
    "no draws": (ONES, {"draws": 0}, "at least 2 draws"),
    "no variance": (ONES, {"variance": 0.0}, "variance must be positive"),
    "NaN variance": (ONES, {"variance": math.nan}, "variance must be"),
    "kurtosis below that of signs": (ONES, {"kurtosis": 0.5}, "kurtosis must be above 1"),
    "no error": (ONES, {"error": 0.0}, "error must be"),
    "alpha of 1": (ONES, {"alpha": 1.0}, "alpha must be"),
    "an unknown layout": (ONES, {"layout": "sideways"}, "layout must be"),
}


@pytest.mark.parametrize(("sampler", "options", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused(sampler: object, options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_initialiser(sampler, **({"fan_in": 3, "fan_out": 2, "variance": 1.0} | options))  # type: ignore[arg-type]


def test_a_sampler_must_be_callable() -> None:
    with pytest.raises(TypeError, match="function of fan_in and fan_out"):
        check_initialiser(FIXED, 3, 2, variance=1.0)  # type: ignore[arg-type]


def test_the_symmetry_of_symmetric_laws_is_refuted_at_most_as_often_as_said() -> None:
    """Random signs (all sizes tied), a tenth of them 0: a discrete walk, by 1,000 repetitions."""
    signs = rademacher(stream(2, "signs"), (1000, 200)) * (stream(2, "zeros").random((1000, 200)) > 0.1)
    superuniform([symmetry(row, error=0.9, alpha=0.05).p_value for row in signs])


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3), (5, 2)])
def test_the_mean_and_variance_of_inner_products_are_exact(shape: tuple[int, int]) -> None:
    """Enumerated over all matrices of signs."""
    every = np.array(list(product([-1.0, 1.0], repeat=shape[0] * shape[1]))).reshape(-1, 1, *shape)
    values = np.array([inner_products(one, error=0.9, alpha=0.05).measured for one in every])
    assert values.mean() == pytest.approx(1, abs=1e-12)
    assert values.var() == pytest.approx(_products_test(*shape, 0.9, 0.05).variance, rel=1e-12)


def test_the_inner_products_of_independent_signs_are_refuted_at_most_as_often_as_said() -> None:
    """Exact mean and variance, with and without zeros; for 1,000 repetitions of 50 matrices of 5 x 3."""
    signs = rademacher(stream(3, "signs"), (1000, 50, 5, 3)) * (stream(3, "zeros").random((1000, 1, 5, 3)) > 0.1)
    superuniform([inner_products(one, error=0.9, alpha=0.05).p_value for one in signs])


def test_an_asymmetry_at_the_detectable_size_is_seen_and_its_miss_is_a_bound() -> None:
    """P(w > 0) - P(w < 0) equal to what is promised; then half of it, for the frequency of surviving."""
    rng, count = np.random.default_rng(4), 200
    detectable = symmetry(rng.standard_normal(count), error=0.9, alpha=0.05).detectable
    assert isinstance(detectable, float)
    for share in (1.0, 0.5):
        positive = rng.random((1000, count)) < (1 + share * detectable) / 2
        found = [symmetry(row, error=0.9, alpha=0.05) for row in np.where(positive, 1.0, -1.0)]
        refuted = sum(f.verdict == "refuted" for f in found)
        if share == 1:
            at_least(POWER, refuted, 1000)
        at_most(min(f.miss for f in found), 1000 - refuted, 1000)
