"""Gains of activations: measured against expected, and that against sums over a grid."""

import math

import numpy as np
import pytest

from tests.figures.agreement import expected, off, quick


def test_activations_agree() -> None:
    rows = quick("activations").where(part="gain")
    assert np.all(off(rows) <= 6 * rows.numbers("error"))


def test_activations_expect() -> None:
    z = np.linspace(-12, 12, 24_001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    normal = np.array([math.erfc(-one / math.sqrt(2)) / 2 for one in z])
    values = {
        "sigmoid": 1 / (1 + np.exp(-z)),
        "tanh": np.tanh(z),
        "ReLU": np.maximum(z, 0),
        "leaky 0.2": np.maximum(z, 0.2 * z),
        "SELU": 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0))),
        "GELU": z * normal,
    }
    for name, value in values.items():
        gain = (np.sum(value**2 * density) * (z[1] - z[0])) ** -0.5
        assert expected("activations", part="gain", activation=name) == pytest.approx(gain, rel=1e-6)
