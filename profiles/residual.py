"""An identity shortcut around a branch of dense layers, y = x + F(x): its step, and that of relu(x + F(x))."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import sympy as sp

from profiles.laws import Affine, read
from profiles.moments import Leaky, Smooth
from profiles.plain import pre_activations
from profiles.step import Step, constant, times
from simulations.layers.dense import Dense, Layer
from simulations.numbers.arrays import Array
from theory.fluctuations import weight_laws
from theory.plain import norms as plain
from theory.residual import branch_gains, logs, post_addition, scalar_branches, twins
from theory.residual import norms as residual
from theory.symbols import ETA, N

NO_BRANCH = "no closed form: theory knows branches that begin and end in a dense layer without bias"


def block(branch: Sequence[Layer], factor: float = 1.0) -> Step:
    """Return the step of a block with this branch times `factor`, or the reason why there is none."""
    layers = _read(branch)
    if isinstance(layers, str):
        return Step(theory=layers)
    *inner, last = layers
    entries = replace(last.entries, variance=last.entries.variance * factor**2)
    return _step((*inner, replace(last, entries=entries)))


@cache
def _step(layers: tuple[Affine, ...]) -> Step:
    if all(layer.fan_in == layer.fan_out == 1 for layer in layers) and _linear(layers):
        return _scalar(layers)
    if not all(layer.entries.normal for layer in layers):
        return Step(theory="no closed form: the spread of a block is known for Gaussian weights only")
    if all(isinstance(layer.moments, Leaky) for layer in layers):
        return _homogeneous(layers)
    if len(layers) == 2 and isinstance(layers[0].moments, Smooth):
        return _smooth(*layers, layers[0].moments)
    return Step(theory="no closed form: theory has branches with one smooth activation only")


def _read(branch: Sequence[Layer]) -> tuple[Affine, ...] | str:
    """Read dense layers, each with an activation behind it or none."""
    found: list[Affine] = []
    for place, part in enumerate(branch):
        if isinstance(part, Dense):
            behind = branch[place + 1] if place + 1 < len(branch) else None
            known = read(part, None if isinstance(behind, Dense) else behind)
            if isinstance(known, str):
                return known
            if known.bias:
                return NO_BRANCH
            found.append(known)
        elif place == 0 or not isinstance(branch[place - 1], Dense):
            return NO_BRANCH
    if not found or not isinstance(branch[-1], Dense) or found[0].fan_in != found[-1].fan_out:
        return NO_BRANCH
    return tuple(found)


def _linear(layers: Sequence[Affine]) -> bool:
    return all(layer.moments == Leaky(1.0) for layer in layers)


def _factor(layer: Affine) -> float:
    assert isinstance(layer.moments, Leaky)
    return float(plain.layer_factor(layer.fan_out, layer.entries.variance, layer.moments.slope))


def _homogeneous(layers: Sequence[Affine]) -> Step:
    gain, width = math.prod(map(_factor, layers)), layers[-1].fan_out
    kurtosis = 1.0
    for layer in layers[:-1]:
        assert isinstance(layer.moments, Leaky)
        kurtosis *= 1 + float(weight_laws.layer_relative_variance(layer.fan_out, layer.moments.slope))
    growth = float(residual.block_growth(gain))
    second = float(branch_gains.deep_ratio().at(n=width, eta=math.sqrt(gain), kappa=kurtosis))
    relu = len(layers) == 2 and layers[0].moments == Leaky(0.0) and gain > 0
    logs = (lambda: (_log_slope(width, layers[0].fan_out, gain), 1e-9)) if relu else None
    return Step(
        theory="theory.residual.norms",
        reading="exact",
        forward=times(growth),
        spread=constant(max(0.0, second / growth**2 - 1)),
        keeps=1.0,
        backward=float(residual.backward_growth(gain, 1)),
        backward_spread=max(0.0, second / growth**2 - 1),
        apart=(1.0, gain, float(twins.distance_relative_variance(width, kurtosis))),
        log_slope=logs,
        log_slope_back=logs,  # the ratios of both ways have one law
    )


@cache
def _log_slope(width: int, hidden: int, gain: float) -> float:
    return logs.block_log_ratio(width, hidden, gain)


def _scalar(layers: Sequence[Affine]) -> Step:
    """Blocks of width 1 with linear branches: any law of entries whose fourth moment is known."""
    variances = [layer.entries.variance for layer in layers]
    fourths = [layer.entries.kurtosis * layer.entries.variance**2 for layer in layers]
    growth = float(scalar_branches.mean_square(variances, 1))
    spread = max(0.0, float(scalar_branches.spreads(variances, fourths, 1)[0]) / growth**2)
    added = float(scalar_branches.variance_at_fixed_input(variances, 1))
    normal = all(layer.entries.normal for layer in layers)
    return Step(
        theory="theory.residual.scalar_branches",
        reading="exact",
        forward=times(growth),
        spread=constant(spread),
        keeps=1.0,
        backward=growth,
        backward_spread=spread,
        apart=(1.0, added, float(twins.distance_relative_variance(1, 3 ** (len(layers) - 1)))) if normal else None,
    )


def _smooth(first: Affine, last: Affine, moments: Smooth) -> Step:
    """Given x the branch adds s g, g normal: n s^2 is v h times the mean of h squares of units, v the last variance."""
    width, hidden = last.fan_out, first.fan_out
    variance, total = pre_activations(first.entries, 0.0), math.log2(width * last.entries.variance * hidden)
    second = sp.lambdify((ETA, sp.Symbol("kappa", positive=True)), branch_gains.deep_ratio().result.subs(N, width))

    def forward(logs: Array) -> Array:
        return np.asarray(np.logaddexp2(logs, total + moments.second_moment(variance(logs))))

    def spread(logs: Array) -> Array:
        before = variance(logs)
        eta = np.exp2((total + moments.second_moment(before) - logs) / 2)
        kurtosis = 1 + moments.relative_variance(before) / hidden
        found: Array = np.maximum(np.asarray(second(eta, kurtosis)) / (1 + eta**2) ** 2 - 1, 0.0)
        return found

    return Step(
        theory="theory.residual.tanh_branches, block by block",
        reading="exact",
        forward=forward,
        spread=spread,
        affine=False,
        keeps=1.0,
    )


def rectified(inside: Step, *, above_relu: bool) -> Step:
    """Return the step of relu(x + F(x)) at an x without negative entries, given that of x + F(x).

    The mean has exact bounds; its value is the wide limit. E R^2 is at most that without the ReLU.
    """
    if inside.forward is None or not inside.theory.startswith("theory.residual.norms"):
        return Step(theory="no closed form: a ReLU after the addition is known behind branches of ReLU layers only")
    zero = np.zeros(1)
    growth = float(np.exp2(inside.forward(zero)[0]))
    low, high = (float(bound) for bound in post_addition.growth_bounds(growth - 1))
    value = float(post_addition.rectified_growth(growth - 1)) if above_relu else post_addition.limit_growth(growth - 1)
    assert inside.spread is not None
    return Step(
        theory="theory.residual.post_addition",
        reading="wide limit",
        forward=times(value),
        spread=constant((1 + float(inside.spread(zero)[0])) * growth**2 / low**2 - 1),
        bounds=(low, high),
    )
