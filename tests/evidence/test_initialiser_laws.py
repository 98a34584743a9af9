"""The laws that an initialiser may be stated to have: each passes as itself, and is told from the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from evidence import Stated, check_initialiser, check_parameters
from evidence.initialisers.ratio import UNSURE, interval
from evidence.initialisers.stated import CDF, KURTOSIS, TRUNCATED
from simulations import gaussian, stream, truncated_gaussian, uniform
from tests.evidence.frequencies import at_most

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], Array]
FANS = (12, 8)
VARIANCE = 1 / 12
COARSE: dict[str, Any] = {"variance": VARIANCE, "error": 0.05}


def orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """Uniform over rotations (Mezzadri 2007: the signs of R corrected), entries of variance 1 / max(fans)."""
    long, short = max(fan_in, fan_out), min(fan_in, fan_out)
    q, r = np.linalg.qr(rng.standard_normal((long, short)))
    matrix: Array = q * np.sign(np.diag(r))
    return matrix if fan_in >= fan_out else matrix.T


def sparse(rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """Three of twelve entries of each column are not 0 (Martens 2010)."""
    places = rng.permuted(np.tile(np.arange(fan_in) < fan_in // 4, (fan_out, 1)), axis=1).T
    return places * rng.normal(0, math.sqrt(4 * VARIANCE), (fan_in, fan_out))


LAWS: dict[str, Draw] = {
    "gaussian": lambda rng, a, b: math.sqrt(VARIANCE) * gaussian(rng, (a, b)),
    "uniform": lambda rng, a, b: math.sqrt(VARIANCE) * uniform(rng, (a, b)),
    "truncated": lambda rng, a, b: math.sqrt(VARIANCE / TRUNCATED) * truncated_gaussian(rng, (a, b)),
    "sparse": sparse,
    "orthogonal": orthogonal,
}


def options(law: str) -> dict[str, Any]:
    return COARSE | {"law": law} | ({"zeros": 0.75} if law == "sparse" else {})


def sampler(law: str) -> Callable[[int, int], Array]:
    rng = stream(0, law)
    return lambda fan_in, fan_out: LAWS[law](rng, fan_in, fan_out)


@pytest.mark.slow
@pytest.mark.parametrize(("drawn", "stated"), list(product(LAWS, LAWS)))
def test_a_law_passes_as_itself_alone(drawn: str, stated: str) -> None:
    """All have the stated variance, so only what the law adds can tell them apart."""
    wide = options(stated) | ({"error": 0.01} if {drawn, stated} == {"gaussian", "truncated"} else {})
    report = check_initialiser(sampler(drawn), *FANS, **wide)
    assert report.passed == (drawn == stated), report


@pytest.mark.slow
@pytest.mark.parametrize("fans", [(8, 12), (9, 9), (1, 6), (6, 1)])
def test_orthogonal_matrices_of_any_form_pass(fans: tuple[int, int]) -> None:
    rng = stream(0, "forms")
    report = check_initialiser(
        lambda a, b: orthogonal(rng, a, b), *fans, variance=1 / max(fans), law="orthogonal", error=0.1
    )
    assert report.passed, report


WRONG: dict[str, tuple[Callable[[np.random.Generator], Array], str]] = {
    "signs of R not corrected": (lambda rng: np.linalg.qr(rng.standard_normal(FANS))[0], "mean of the diagonal"),
    "always the same": (lambda rng: orthogonal(stream(0, "one"), *FANS), "likeness of next draw"),
    "no entry below 0": (lambda rng: np.abs(orthogonal(rng, *FANS)), "orthonormality"),
    "twice as large": (lambda rng: 2 * orthogonal(rng, *FANS), "variance / stated"),
    "all columns of one sign": (
        lambda rng: (one := orthogonal(rng, *FANS)) * np.sign(one.sum(axis=0)),
        "mean / deviation",
    ),
}


@pytest.mark.parametrize(("draw", "property_"), WRONG.values(), ids=WRONG)
def test_defects_of_orthogonal_matrices_are_refuted_by_what_they_break(
    draw: Callable[[np.random.Generator], Array], property_: str
) -> None:
    rng = stream(0, "wrong")
    report = check_initialiser(lambda a, b: draw(rng), *FANS, law="orthogonal", **COARSE)
    assert report.findings[property_].verdict == "refuted", report


def test_an_unnamed_law_is_recognised() -> None:
    """Orthonormal columns to rounding, a share of zeros, and nothing but zeros cannot be mistaken."""
    for law, says in (("orthogonal", "state law='orthogonal'"), ("sparse", "state law='sparse' and zeros=0.75")):
        report = check_initialiser(sampler(law), *FANS, variance=VARIANCE, kurtosis=12, error=0.1)
        assert not report.passed or law == "sparse"
        assert report.passed or any(says in note for note in report.notes), report
    nothing = check_initialiser(lambda a, b: np.zeros((a, b)), *FANS, **COARSE)
    assert "law='zero'" in " ".join(nothing.notes)
    assert nothing.causes == ("every entry is 0: 0",)


def test_zero_is_a_law() -> None:
    assert check_initialiser(lambda a, b: np.zeros((a, b)), 3, 2, variance=0, law="zero").passed
    tiny = check_initialiser(lambda a, b: np.full((a, b), 1e-300), 3, 2, variance=0, law="zero")
    assert tiny.findings["entries"].verdict == "refuted"


def test_the_stated_kurtoses_bound_those_of_the_laws() -> None:
    for law, bound in KURTOSIS.items():
        entries = LAWS[law](stream(1, law), 1000, 1000).ravel() / math.sqrt(VARIANCE)
        assert (entries**2).mean() == pytest.approx(1, abs=0.01)
        assert (entries**4).mean() == pytest.approx(bound, rel=0.01)


@pytest.mark.slow
def test_the_interval_of_the_ratio_misses_it_as_rarely_as_said() -> None:
    """1,000 repetitions, of entries whose variance is 1/3 of the stated one and whose kurtosis is the stated bound."""
    stated, rng = Stated(4, 5, variance=3.0, law="sparse", zeros=0.5), stream(2, "interval")
    missed = 0
    for _ in range(1000):
        entries = rng.standard_normal((20, 4, 5)) * (rng.random((20, 4, 5)) < 0.5) * math.sqrt(2)
        low, high = interval(stated, entries / math.sqrt(3.0))
        missed += not low <= 1 / 3 <= high
    at_most(UNSURE, missed, 1000)


def test_few_entries_leave_the_interval_open() -> None:
    stated = Stated(1, 2, variance=1.0)
    assert interval(stated, np.ones((1, 1, 2))) == (0.0, math.inf)
    assert interval(stated, np.zeros((1, 1, 2))) == (0.0, 0.0)


def model(rng: np.random.Generator) -> dict[str, Array]:
    return {
        "conv.weight": rng.uniform(-1, 1, (16, 4, 3, 3)) / 6,
        "conv.bias": np.zeros(16),
        "head.weight": orthogonal(rng, 12, 8).T,
    }


STATED = {
    "conv.weight": Stated(36, 144, variance=1 / 108, law="uniform", layout="out_in", shape=(16, 4, 3, 3)),
    "conv.bias": Stated(1, 16, variance=0, law="zero", shape=(16,)),
    "head.weight": Stated(12, 8, variance=1 / 12, law="orthogonal", layout="out_in"),
}


def test_the_parameters_of_a_model_are_checked_in_one_call() -> None:
    rng = stream(0, "model")
    report = check_parameters(lambda: model(rng), STATED, error=0.05)
    assert report.passed, report
    assert str(report).splitlines()[0] == "3 of 3 parameters passed"
    he = STATED | {"conv.weight": Stated(36, 144, variance=2 / 36, layout="out_in", shape=(16, 4, 3, 3))}
    wrong = check_parameters(lambda: model(rng), he, error=0.05)
    assert not wrong.passed
    assert [name for name, one in wrong.reports.items() if not one.passed] == ["conv.weight"]
    assert "a = sqrt" in str(wrong)


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({}, "nothing is stated"),
        ({"missing": Stated(3, 2, variance=1.0)}, "no parameter 'missing'; it has conv.weight"),
        ({"conv.bias": Stated(4, 4, variance=1.0)}, "parameter 'conv.bias': the sampler returned shape"),
        ({"conv.weight": Stated(36, 144, variance=1.0)}, r"pass shape=\(16, 4, 3, 3\)"),
    ],
)
def test_parameters_that_do_not_fit_are_named(stated: dict[str, Stated], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_parameters(lambda: model(stream(0, "model")), stated, error=0.1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fan_in": 2.5}, "positive fans"),
        ({"law": "normal"}, "law must be one of symmetric, gaussian"),
        ({"law": "sparse"}, "zeros, a share"),
        ({"zeros": 0.5}, "goes with law='sparse'"),
        ({"law": "zero"}, "0 with law='zero'"),
        ({"shape": ()}, "at least one axis"),
        ({"shape": (3, 0)}, "positive sides"),
    ],
)
def test_what_cannot_be_stated_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Stated(**({"fan_in": 3, "fan_out": 2, "variance": 1.0} | change))


def test_more_draws_than_memory_should_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="more than memory should hold; check the same initialiser at smaller fans"):
        check_initialiser(lambda a, b: np.zeros((a, b)), 1 << 14, 1 << 13, variance=1.0)


@pytest.mark.parametrize(
    ("law", "frozen"),
    [
        ("gaussian", stats.norm()),
        ("uniform", stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))),
        ("truncated", stats.truncnorm(-2, 2, scale=1 / math.sqrt(TRUNCATED))),
    ],
)
def test_distribution_functions_are_scipy_s(law: str, frozen: Any) -> None:
    assert frozen.var() == pytest.approx(1)
    places = np.linspace(-4, 4, 801)
    assert CDF[law](places) == pytest.approx(frozen.cdf(places), rel=1e-13, abs=1e-15)
