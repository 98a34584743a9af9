"""Lesson 11: what it measures agrees with the closed forms beside it, and these with computations of their own.

Measured means may lie 6 standard errors off, which normal ones do with probability 2e-9.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.experiments import attention as lesson
from simulations import stream
from theory.domain import number
from theory.transformer import random_walk, streams

ERRORS = 6


@pytest.mark.parametrize(
    ("head", "divisor", "spread"), [(64, "root", 1.0), (1, "root", 1.0), (16, "none", 4.0), (16, "whole", 0.25)]
)
def test_deviation_of_logits(head: int, divisor: str, spread: float) -> None:
    assert lesson.deviation(head, divisor) == pytest.approx(spread, rel=1e-12)


@pytest.mark.parametrize(
    ("head", "divisor", "keys", "cosine"),
    [(16, "root", 16, 0.0), (9, "none", 5, 0.8), (1, "root", 2, 0.0), (16, "whole", 32, 0.5)],
)
def test_keys_seen_are_those_of_the_closed_form_and_of_correlated_normal_logits(
    head: int, divisor: str, keys: int, cosine: float
) -> None:
    """The closed form against 40,000 draws of logits with their common part, and the heads against it."""
    table = lesson.heads(head, divisor, keys, cosine, seed=3)
    rng, spread = stream(0, "test", keys), table.numbers("spread")[-1]
    normals = math.sqrt(1 - cosine) * rng.standard_normal((40_000, keys))
    normals += math.sqrt(cosine) * rng.standard_normal((40_000, 1))
    powers = np.exp(spread * normals)
    squares = np.square(powers / powers.sum(axis=1, keepdims=True)).sum(axis=1)
    told = 1 / table["now"][-1]
    assert abs(squares.mean() - told) < ERRORS * squares.std() / math.sqrt(len(squares))
    assert abs(1 / table["measured"][-1] - told) < ERRORS * squares.std() / math.sqrt(lesson.DRAWS)


@pytest.mark.parametrize("place", ["pre", "scaled"])
def test_first_token_grows_as_the_closed_form_says(place: str) -> None:
    """The variance is exact: that of a random walk whose branches' mean squares vary by 2/d and 5/h."""
    layers, width = 6, lesson.WIDTH
    table = lesson.grown(place, layers, 3, 0.3, seed=3)
    gain = 1.0 if place == "pre" else 1 / (2 * layers)
    np.testing.assert_allclose(table.numbers("expected"), 1 + gain * np.arange(2 * layers + 1), rtol=1e-12)
    moved = layers * gain**2 * 7 / width
    error = math.sqrt(number(random_walk.norm_variance(width, width, 2 * layers * gain, moved)) / lesson.STACKS) / width
    assert abs(table["first"][-1] - table["expected"][-1]) < ERRORS * error


def test_norms_behind_keep_one_and_no_norms_double() -> None:
    behind = lesson.grown("post", 3, 3, 0, seed=3)
    np.testing.assert_allclose(behind.numbers("first"), 1, rtol=1e-12)
    bare = lesson.grown("bare", 3, 3, 0, seed=3)
    np.testing.assert_allclose(bare.numbers("expected"), 2.0 ** np.arange(7), rtol=1e-12)
    # A branch multiplies by 2 with a variance of at most (4 + 2 + 5)/d.
    error = math.sqrt((1 + 11 / 4 / lesson.WIDTH) ** 6 - 1) / math.sqrt(lesson.STACKS)
    assert abs(bare["first"][-1] / 64 - 1) < ERRORS * error


def test_equal_tokens_grow_alike_and_others_less() -> None:
    equal, apart = (lesson.grown("pre", 4, 4, cosine, seed=3) for cosine in (1, 0))
    np.testing.assert_allclose(equal.numbers("last"), equal.numbers("first"), rtol=1e-9)
    assert apart["last"][-1] < 0.95 * apart["first"][-1]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 2.0])
def test_slopes_and_theorem_1_by_differences(share: float) -> None:
    """The slope along the tokens is l - H + 2 kappa, and the gradient that of a loss written out here."""
    table, eps = lesson.theorem(2.2, share), 1e-6
    np.testing.assert_allclose(table.numbers("along"), table.numbers("told"), atol=1e-12)

    def loss(first: float, second: float) -> float:
        powers = [math.exp(share * lesson.POINT["b"] * first * one) for one in (first, second)]
        f = first + lesson.POINT["v"] * (powers[0] * first + powers[1] * second) / sum(powers)
        return math.log1p(math.exp(-f))

    slopes = [(loss(1 + eps, 2.2) - loss(1 - eps, 2.2)) / 2 / eps, (loss(1, 2.2 + eps) - loss(1, 2.2 - eps)) / 2 / eps]
    assert table["gradient"][-1] == pytest.approx(math.hypot(*slopes), rel=1e-6)
    if share == 0:
        np.testing.assert_allclose(table.numbers("along"), table.numbers("excess"), atol=1e-12)
        assert (table.numbers("size") >= table.numbers("excess") - 1e-12).all()


def test_the_state_of_the_question() -> None:
    table = lesson.theorem(3, 1)
    assert lesson.violated(table)
    assert not lesson.violated(lesson.theorem(3, 0))
    assert table["gradient"][-1] < 1e-14
    assert (round(table.numbers("excess")[-1], 2), round(table.numbers("bound")[-1], 2)) == (1.27, 0.40)
    assert (round(lesson.POINT["b"], 3), round(lesson.POINT["v"], 3)) == (-0.639, -1.772)


def test_numbers_of_questions_and_exercises() -> None:
    assert lesson.guessed_square() == 49
    assert 7.5 < lesson.guessed_keys() < 7.6
    factor = float(lesson.EXERCISES[1].truth(N=6))
    assert number(streams.square_norm(1, 1, 12, factor**2)) == pytest.approx(2, rel=1e-12)
    assert float(lesson.EXERCISES[2].truth(L=1000)) == pytest.approx(100, rel=1e-12)
