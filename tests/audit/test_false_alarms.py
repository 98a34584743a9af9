"""How often an audit speaks against a sound model, counted; and that the bounds behind it hold where they are tight."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch")

from torch import nn

from audit import audit
from audit.layers import band
from audit.recognise import REFERENCE
from audit.run import ALPHA
from evidence.initialisers.ratio import interval
from simulations import stream
from tests.audit import nets


def mixed() -> Any:
    """Return dense layers, a convolution and a head."""
    first, second, last = nn.Linear(12, 24), nn.Conv1d(1, 8, 3), nn.Linear(8 * 22, 6)
    for layer, draw in ((first, nets.he), (second, nets.he), (last, nets.lecun)):
        draw(layer.weight)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(first, nn.ReLU(), nn.Unflatten(1, (1, 24)), second, nn.ReLU(), nn.Flatten(), last)


MODELS: tuple[tuple[Any, int, dict[str, str]], ...] = (
    (mixed, 12, {"*": "he_fan_in", "6.*": "lecun"}),
    (lambda: nets.chain(layers=4, width=24), 24, {"*": "he_fan_in", "8.*": "lecun"}),
    (lambda: nets.residual(blocks=3), 32, {"*": "he_fan_in"}),
)
"""With what is claimed of them, so that an interval that misses is an alarm."""


def alarms(audits: int, alpha: float, seeds: int = 12) -> Counter[str]:
    """Count what is said against sound models; every audit has inputs and seeds that no other has."""
    counted: Counter[str] = Counter()
    for number in range(audits):
        factory, width, claim = MODELS[number % len(MODELS)]
        x = stream(number, "sound").standard_normal((8, width))
        report = audit(factory, x, seeds=seeds, first_seed=number * seeds, claim=claim, alpha=alpha)
        counted.update({f"{one.kind}: {one.where}" for one in report.statements if one.verdict == "against"})
        counted["audits"] += not report.sound
    return counted


def test_sound_models_are_called_sound() -> None:
    audits = 12
    counted = alarms(audits, ALPHA)
    assert counted["audits"] == 0, counted


@pytest.mark.slow
def test_alarms_are_no_more_frequent_than_stated() -> None:
    audits, alpha = 60, 0.2
    counted = alarms(audits, alpha)
    assert stats.binom.sf(counted["audits"] - 1, audits, alpha) > 1e-6, counted


@pytest.mark.parametrize(("rows", "rank"), [(1, 1), (4, 1), (4, 3), (32, 8)])
def test_the_band_of_a_layer_holds_its_ratio(rows: int, rank: int) -> None:
    """Gaussian weights make the ratio a chi-square variable over its degrees, so the band's error can be computed."""
    seeds, alpha = 10, 1e-3
    above, below = band(alpha, 2 / (rows * rank), rows, seeds)
    degrees = rows * rank * seeds
    error = stats.chi2.sf(degrees * (1 + above), degrees) + stats.chi2.cdf(degrees * (1 - below), degrees)
    assert error <= alpha
    assert stats.chi2.sf(degrees * (1 + above / 2), degrees) > alpha / 2  # half as wide would not do


def test_the_band_of_a_layer_is_of_the_size_of_its_deviation() -> None:
    above, below = band(1e-4, 2 / (64 * 16), 64, 50)
    deviation = math.sqrt(2 / (64 * 16 * 50))
    assert 4 < above / deviation < 6
    assert 4 < below / deviation < 16
    assert np.isfinite(above)


def test_the_interval_of_a_variance_misses_no_more_often_than_asked() -> None:
    missed, wider, audits = 0, 0, 400
    for number in range(audits):
        entries = stream(number, "interval").standard_normal(64)
        low, high = interval(REFERENCE, entries, 0.05)
        least, most = interval(REFERENCE, entries, 1e-4)
        missed += not low <= 1 <= high
        wider += least < low and high < most
    assert stats.binom.sf(missed - 1, audits, 0.05) > 1e-6
    assert wider == audits
