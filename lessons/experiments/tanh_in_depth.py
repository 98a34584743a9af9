"""Lesson 4, last part: tanh nets settle at a variance of their own, and gradients grow or die there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from figures.tools.table import Table, stacked
from simulations import Tanh, lecun, measure, mlp, stream
from simulations.numbers.arrays import Array
from theory import symbols
from theory.derivation import Derivation
from theory.mean_field import tanh_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WIDTH, DRAWS, RECOMMENDED = 256, 50, 5 / 3
T = np.linspace(-10, 10, 801)
"""On this grid a plain sum is good to twelve digits: the integrands are analytic and vanish at its ends."""


@cache
def _integrand(derivation: Callable[[], Derivation]) -> Callable[..., Array]:
    """Compile the integrand of theory's average over a normal pre-activation."""
    names = [tanh_maps.GAIN, symbols.Q, symbols.T]
    function: Callable[..., Array] = sp.lambdify(names, derivation().result.function, ["numpy", {"sech": _sech}])
    return function


def _sech(x: Array) -> Array:
    """Return 1 / cosh without overflow."""
    small = np.exp(-np.abs(x))
    value: Array = 2 * small / (1 + small**2)
    return value


def average(derivation: Callable[[], Derivation], gain: float, variance: float) -> float:
    """Integrate theory's variance map or gradient factor; `tanh_maps` does it to 15 digits, in 60 times the time."""
    return float(_integrand(derivation)(gain, variance, T).sum() * (T[1] - T[0]))


def wide(gain: float, start: float, depth: int) -> tuple[Array, Array]:
    """Return the variances of `depth` pre-activations of a wide tanh net, and the gradient factors at them."""
    variances = [start]
    for _ in range(depth - 1):
        variances.append(average(tanh_maps.length_map, gain, variances[-1]))
    return np.array(variances), np.array([average(tanh_maps.gradient_factor, gain, q) for q in variances])


def tanh(gain: float, start: float, depth: int, seed: int, draws: int = DRAWS) -> Table:
    """Measure the variance of the pre-activations of every layer, and the mean square gradient behind the layer below.

    The gradient is that of a sum of the outputs with random signs, over its size at the output, as a decimal logarithm.
    """
    network = mlp([WIDTH] * (depth + 1), init=lecun.scaled(gain), activation=Tanh())
    inputs = np.full((1, WIDTH), math.sqrt(start) / gain)
    rng = stream(seed, "lesson 4", "tanh")
    record = measure(network, inputs, draws=draws, rng=rng, backward=True, extras=())
    variances, factors = wide(gain, start, depth)
    sizes = record.gradient_second_moment
    return stacked(
        dict.fromkeys(("layer", "expected", "measured", "expected gradient", "measured gradient"), "1"),
        {
            "layer": np.arange(1, depth + 1),
            "expected": variances,
            "measured": gain**2 * record.second_moment[:-1],
            "expected gradient": np.log10(np.cumprod(factors[::-1])[::-1]),
            "measured gradient": np.log10(sizes[:-1] / sizes[-1]),
        },
    )


def draw_tanh(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the variances on the left and the gradients on the right, closed forms as lines."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2)
    layers, some = table["layer"], slice(None, None, max(1, len(table) // 15))
    for axes, kind in ((left, ""), (right, " gradient")):
        line = axes.plot(layers, table[f"expected{kind}"], label=labels["wide limit"])
        points = axes.plot(layers[some], table[f"measured{kind}"][some], "o", label=labels["measured"])
        axes.set(xlabel=labels["layer axis"], title=labels[f"tanh title{kind}"])
        if len(table) == 1:
            line[0].set_marker("s")
            points[0].set_markersize(4)
    left.axhline(1, color="0.6", linewidth=1)
    left.set_ylim(0, max(1.3, 1.1 * table.numbers("expected").max(), 1.1 * table.numbers("measured").max()))
    ends = [*right.get_ylim(), -1, 1]
    right.set_ylim(min(ends), max(ends))
    left.legend()
    return picture


GUESSED_DEPTH = 50
"""Tanh layers with the recommended gain."""


def guessed_growth() -> float:
    """Return the factor on the mean square gradient through `GUESSED_DEPTH` tanh layers, once the variance settled."""
    return tanh_maps.gradient_growth(RECOMMENDED, tanh_maps.fixed_point(RECOMMENDED)) ** GUESSED_DEPTH
