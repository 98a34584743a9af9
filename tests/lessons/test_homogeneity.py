"""Lesson 7: degrees, bounds and means that it measures agree with the closed forms beside them.

Measured means may lie 6 standard errors off, which normal ones do with probability 2e-9.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.experiments import homogeneity as lesson
from simulations import stream

ERRORS = 6


@pytest.mark.parametrize("layers", [1, 3, 6])
@pytest.mark.parametrize("what", lesson.WHAT)
def test_relu_nets_without_biases_scale_with_their_degree(what: str, layers: int) -> None:
    table = lesson.scaling(what, "relu", 0, layers, seed=1)
    power = layers if what == "all" else 1
    np.testing.assert_allclose(table.numbers("expected"), table.numbers("factor") ** power, rtol=1e-12)
    # A few hundred roundings a layer; most factors are not powers of two.
    np.testing.assert_allclose(table.numbers("measured"), table.numbers("expected"), rtol=1e-12)


@pytest.mark.parametrize(("activation", "bias"), [("tanh", 0.0), ("relu", 0.5), ("tanh", 0.5)])
def test_where_the_rules_give_no_degree_there_is_none(activation: str, bias: float) -> None:
    table = lesson.scaling("input", activation, bias, 3, seed=1)
    assert "expected" not in table.units
    slopes = np.diff(np.log(table.numbers("measured"))) / np.diff(np.log(table.numbers("factor")))
    assert np.ptp(slopes) > 0.1


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seed", range(6))
def test_theorem_1_holds_with_euler_s_equality(scale: float, seed: int) -> None:
    table = lesson.theorem(scale, 8, seed)
    excess = table.numbers("loss") - table.numbers("entropy")
    size = table.numbers("norm") * table.numbers("gradient")
    np.testing.assert_allclose(table.numbers("inner"), excess, atol=1e-12 * size.max() + 1e-12)
    np.testing.assert_allclose(table.numbers("bound") * table.numbers("norm"), excess, rtol=1e-12)
    assert (size >= excess - 1e-12 * size.max()).all()


def test_some_bounds_are_vacuous_and_some_are_not() -> None:
    signs = {bool(lesson.theorem(1, 8, seed)["excess"][0] > 0) for seed in range(12)}
    assert signs == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "classes"), [(0.5, 10), (2.0, 3), (6.0, 20)])
def test_means_over_last_layers(scale: float, classes: int) -> None:
    """Against closed forms, and the closed form of E(l - H) against 100,000 draws of p.z - z_1."""
    table = lesson.vacuous(scale, classes, seed=1)
    z = scale * stream(0, "test", classes).standard_normal((100_000, classes))
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    excess = (p * z).sum(axis=1) - z[:, 0]
    assert abs(table["now"][-1] - excess.mean()) < ERRORS * excess.std() / math.sqrt(len(z))
    assert abs(table["excess"][-1] - table["now"][-1]) < ERRORS * excess.std() / math.sqrt(2000)
    # The largest of normals of deviation s has a variance of at most s^2 (Poincaré).
    off = np.abs(table.numbers("largest") - table.numbers("law"))
    assert (off < ERRORS * table.numbers("scale") / math.sqrt(2000)).all()
    share = (excess < 0).mean()
    assert abs(table["negative"][-1] - share) < ERRORS * math.sqrt(0.25 / 2000) + ERRORS * math.sqrt(0.25 / len(z))


def test_threshold_of_ten_classes() -> None:
    """The mean of the largest of ten standard normals is 1.53875 (tables of order statistics)."""
    assert lesson.guessed_threshold() == pytest.approx(math.log(10) / 1.53875, rel=1e-5)
    assert float(lesson.EXERCISES[2].truth()) == pytest.approx(math.log(2) * math.sqrt(math.pi), rel=1e-12)
