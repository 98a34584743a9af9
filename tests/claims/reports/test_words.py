"""Findings in words: what a reader is told is what the numbers say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from claims.examine import Result
from claims.reports import words
from evidence import Finding, identity, inconclusive, inequality

HELD = Finding(
    kind="mean",
    verdict="held",
    p_value=0.5,
    expected=2.0,
    measured=2.001,
    detectable="6.0% to 12.7%",
    effect=0.0005,
    miss=1.0,
)
REFUTED = replace(HELD, verdict="refuted", p_value=1e-9, measured=3.0, miss=1e-11)


def test_an_identity_says_what_its_share_of_tolerance_means() -> None:
    sides = np.ones((5, 2))
    found = identity(sides, sides + 1e-12, rounding=1e-12 * (1 + 1e-3))
    assert words.sentence(found).endswith("the largest difference is 99% of it.")
    assert words.measured(found) == "gap 99% of bound"
    assert "to the last bit" in words.sentence(identity(sides, sides, rounding=0.0))
    assert "less than 1%" in words.sentence(identity(sides, sides + 1e-15, rounding=1e-12))
    assert "40% of the larger" in words.sentence(inequality(sides, 0.4 * sides, rounding=1e-12))


@pytest.mark.parametrize(
    ("detectable", "shown"),
    [
        (0.0577, "5.8 %"),
        ("6.0% to 12.7%", "13 %"),
        ("4e-15 to 5.9%", "5.9 %"),
        (3e-13, "10⁻¹²"),
        ("2e-14 (slope)", "10⁻¹³"),
        (0.0, "0"),
        (math.inf, "none"),
    ],
)
def test_least_power_is_the_largest_error_that_may_go_unseen(detectable: float | str, shown: str) -> None:
    assert words.least_power(replace(HELD, detectable=detectable)) == shown


def test_refuted_and_inconclusive_claims_say_why() -> None:
    (why,) = words.wrongs(Result("a.b", REFUTED, (("wrong", REFUTED),), 1.0))
    assert why.startswith("is refuted: expected 2, measured 3, where errors of 6.0% to 12.7% are seen; a true claim")
    assert "1e-09" in why
    (why,) = words.wrongs(Result("a.b", inconclusive("mean", "too few draws"), (("wrong", REFUTED),), 1.0))
    assert why == "is inconclusive: too few draws."


def test_a_mutant_that_survives_or_nearly_does_is_named() -> None:
    close = replace(REFUTED, miss=0.01)
    result = Result("a.b", HELD, (("alive", HELD), ("close", close), ("dead", REFUTED)), 1.0)
    alive, near = words.wrongs(result)
    assert "“alive” that is not refuted but held" in alive
    assert "“close” too close to the truth" in near
    assert words.status(result) == "survived"
    assert not list(words.wrongs(Result("a.b", HELD, (("dead", REFUTED),), 1.0)))


def test_numbers_are_written_as_books_write_them() -> None:
    assert words.scientific("at most 1e-06 and 2.5e-14, 0e+00") == "at most 10⁻⁶ and 2.5 × 10⁻¹⁴, 0"
    assert words.spaced("-7.04, 5%") == "−7.04, 5\u202f%"
    assert words.spaced("L-1, 2-3, 8x8") == "L-1, 2-3, 8x8"
