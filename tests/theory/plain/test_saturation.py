"""The push of a common state, and the distances of a sigmoid net, at numbers."""

import math

import pytest
import sympy as sp

from theory.plain.saturation import along_the_state
from theory.plain.sigmoid_distances import kept_by_a_layer, kept_by_sigmoids, of_a_layer


def test_five_classes() -> None:
    logits = [0.3, -1.2, 2.0, 0.0, 0.3]
    total = sum(map(math.exp, logits))
    shares = [math.exp(z) / total for z in logits]
    expected = sum((p - 1 / 5) * z for p, z in zip(shares, logits, strict=True))
    given = ([sp.Float(z) for z in logits], [sp.Float(p) for p in shares])
    assert float(along_the_state(*given)) == pytest.approx(expected, rel=1e-12)
    assert expected > 0


def test_equal_logits_have_no_push() -> None:
    assert along_the_state([sp.Integer(2)] * 3, [sp.Rational(1, 3)] * 3) == 0


def test_a_mismatch_is_named() -> None:
    with pytest.raises(ValueError, match="2 logits and 3 probabilities"):
        along_the_state([sp.S.Zero] * 2, [sp.S.Zero] * 3)


def test_the_factors_of_a_layer() -> None:
    assert 12 * of_a_layer(12) == sp.Rational(1, 3)
    assert kept_by_sigmoids() == sp.Rational(1, 16)
    assert kept_by_a_layer() == sp.Rational(1, 48)
    with pytest.raises(ValueError, match="fan_in is 0"):
        of_a_layer(0)
