"""A dense layer and its activation, y = phi(W x + b): its step."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from profiles.laws import Affine, Entries, read
from profiles.moments import Leaky
from profiles.step import Along, Step, constant, times
from simulations.layers.dense import Dense, Layer
from simulations.numbers.arrays import Array
from theory.fluctuations import norms as fluctuations
from theory.fluctuations import weight_laws
from theory.layer import rectifiers
from theory.plain import backward, backward_fluctuations, norms

EXACT_LOGS_UP_TO = 64
"""Units of a ReLU layer whose mean logarithm is summed exactly; beyond, its leading order, to 6 / width^2 (nats)."""


def layer(dense: Dense, activation: Layer | None) -> Step:
    """Return the step of a dense layer and the activation behind it, or the reason why there is none."""
    known = read(dense, activation)
    return Step(theory=known) if isinstance(known, str) else _step(known)


@cache
def _step(layer: Affine) -> Step:
    entries, moments = layer.entries, layer.moments
    leaky = isinstance(moments, Leaky)
    exact = leaky or entries.normal  # sums of other entries are normal in wide layers only
    return Step(
        theory="theory.plain.norms" if leaky else "theory.layer.gain_stability, layer by layer",
        reading="exact" if exact else "wide limit",
        forward=_forward(layer),
        spread=_spread(layer) if exact else None,
        affine=leaky,
        mean_share=moments.mean_share,
        normal=entries.normal,
        backward=_backward(layer),
        backward_spread=_backward_spread(layer),
        apart=_apart(layer),
        log_slope=(lambda: _log_slope(layer)) if _has_logs(layer) else None,
        log_slope_back=(lambda: _log_slope_back(layer)) if _has_logs(layer) else None,
        alive=1 - 2.0**-layer.fan_out if moments == Leaky(0.0) else 1.0,
    )


def pre_activations(entries: Entries, bias: float) -> Along:
    """Return the map from log2 ||x||^2 to log2 q, q the variance of a pre-activation given x."""
    with np.errstate(divide="ignore"):
        weight, offset = np.log2(entries.variance), np.log2(bias)
    return lambda logs: np.asarray(np.logaddexp2(logs + weight, offset)) if bias else logs + weight


def _forward(layer: Affine) -> Along:
    if isinstance(layer.moments, Leaky) and not layer.bias:
        return times(float(norms.layer_factor(layer.fan_out, layer.entries.variance, layer.moments.slope)))
    variance, moments = pre_activations(layer.entries, layer.bias), layer.moments
    if isinstance(moments, Leaky):
        unit = math.log2(layer.fan_out * float(rectifiers.leaky_second_moment(moments.slope, 1)))
        return lambda logs: variance(logs) + unit
    return lambda logs: moments.second_moment(variance(logs)) + math.log2(layer.fan_out)


def _spread(layer: Affine) -> Along:
    """Units are independent given x; lighter tails than a normal law's only make it smaller."""
    moments = layer.moments
    if isinstance(moments, Leaky):
        return constant(float(weight_laws.layer_relative_variance(layer.fan_out, moments.slope)))
    variance = pre_activations(layer.entries, layer.bias)

    def spread(logs: Array) -> Array:
        found: Array = moments.relative_variance(variance(logs)) / layer.fan_out
        return found

    return spread


def _backward(layer: Affine) -> float | None:
    """Twice the mean squared slope is what a leaky ReLU has more than a ReLU.

    There is none of a smooth slope, which depends on its weights, nor where pre-activations may be 0.
    """
    if not isinstance(layer.moments, Leaky) or not (layer.entries.continuous or layer.moments.slope == 1):
        return None
    relative = 2 * float(rectifiers.leaky_second_moment(layer.moments.slope, 1))
    return relative * float(backward.backward_factor(layer.fan_in, layer.entries.variance))


def _backward_spread(layer: Affine) -> float | None:
    if not isinstance(layer.moments, Leaky):
        return None
    if layer.entries.normal:
        return float(backward_fluctuations.layer_relative_variance(layer.fan_in, layer.fan_out, layer.moments.slope))
    largest = max(1.0, layer.moments.slope**2)
    share = float(rectifiers.leaky_second_moment(layer.moments.slope, 1)) / largest  # of ||v||^2 that passes, at most 1
    return (1 + 2 / layer.fan_in) / share - 1


def _apart(layer: Affine) -> tuple[float, float, float] | None:
    """In linear layers the difference of twins' states is normal."""
    if not isinstance(layer.moments, Leaky) or layer.moments.slope != 1 or layer.bias or not layer.entries.normal:
        return None
    factor = float(norms.layer_factor(layer.fan_out, layer.entries.variance, 1))
    return 0.0, factor, float(weight_laws.layer_relative_variance(layer.fan_out, 1))


def _has_logs(layer: Affine) -> bool:
    return (
        layer.entries.normal and not layer.bias and isinstance(layer.moments, Leaky) and layer.moments.slope in (0, 1)
    )


@cache
def _log_slope(layer: Affine) -> tuple[float, float]:
    """Return the mean of log2 ||y||^2 / ||x||^2 given that y is not 0, and how far off it may be."""
    assert isinstance(layer.moments, Leaky)
    slope = layer.moments.slope
    nats, off = _lyapunov(layer.fan_out, slope)
    factor = float(norms.layer_factor(layer.fan_out, layer.entries.variance, slope))
    return math.log2(factor) + nats / math.log(2), off / math.log(2)


@cache
def _log_slope_back(layer: Affine) -> tuple[float, float]:
    """Return the mean of log2 ||W^T D v||^2 / ||v||^2 of a normal v: E log of s^2 chi^2_m chi^2_K / chi^2_n.

    m inputs, K open of n units; for leaky ReLUs the middle one has the law of a forward squared norm.
    """
    assert isinstance(layer.moments, Leaky)
    nats, off = _lyapunov(layer.fan_out, layer.moments.slope)
    nats += _lyapunov(layer.fan_in, 1.0)[0] - _lyapunov(layer.fan_out, 1.0)[0]
    factor = _backward(layer)
    assert factor is not None
    return math.log2(factor) + nats / math.log(2), off / math.log(2)


@cache
def _lyapunov(width: int, slope: float) -> tuple[float, float]:
    if slope == 1:
        return float(fluctuations.linear_lyapunov(width)), 0.0
    if width <= EXACT_LOGS_UP_TO:
        return float(fluctuations.relu_lyapunov(width)), 0.0
    return float(fluctuations.relu_lyapunov_leading(width)), 6 / width**2
