"""Lesson 5, first part: the law of the logarithm of one net's square norm, exactly and from 4000 nets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from scipy.special import comb

from figures.tools.table import Table, stacked
from simulations import mlp, radial, stream
from simulations.numbers.arrays import Array
from theory import symbols
from theory.derivation import Derivation
from theory.fluctuations import log_moments
from theory.fluctuations import norms as fluctuations

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

DRAWS = 4000


def norms(width: int, depth: int, draws: int, seed: int, part: str) -> Array:
    """Return log2 ||x_l||^2 / ||x_0||^2 of He nets of one width, (draws, depth + 1); -inf where a net is dead."""
    rng = stream(seed, "lesson 5", part)
    return radial(mlp([width] * (depth + 1)), np.ones(draws), rng=rng, log2=True).square_norms


@cache
def _given_mask(derivation: Callable[[], Derivation], step: int) -> Callable[..., Array]:
    """Compile what theory says of one layer with k active units: its transform (step 1) or log-moment (step 2)."""
    names = [symbols.N, fluctuations.K, symbols.ORDER]
    function: Callable[..., Array] = sp.lambdify(names, derivation().steps[step].statement, "scipy")
    return function


def masks(width: int) -> tuple[Array, Array]:
    """Return how many units may be active, and with which probabilities, given that one is at least."""
    k = np.arange(1.0, width + 1)
    return k, comb(width, k) / (2.0**width - 1)


@cache
def log_moments_of(width: int) -> tuple[float, float]:
    """Return mean and variance of one layer's log ratio: theory's exact sums over the masks, in floats."""
    k, weights = masks(width)
    both = (fluctuations.relu_logarithm, fluctuations.relu_squared_logarithm)
    first, second = (float(weights @ _given_mask(one, 2)(width, k, 0)) for one in both)
    return first, second - first**2


def density(width: int, depth: int, at: Array) -> Array:
    """Return the exact density of log ||x_L||^2, given that the net is alive: theory's transforms, inverted."""
    t, (k, weights) = np.linspace(0, 9 / math.sqrt(depth * log_moments_of(width)[1]), 300), masks(width)
    likely = weights > 1e-18
    given = _given_mask(fluctuations.relu_logarithm, 1)(width, k[likely, None], 1j * t)
    transform = (weights[likely] @ given) ** depth
    transform[0] /= 2
    values: Array = (np.exp(-1j * np.outer(at, t)) @ transform).real * (t[1] - t[0]) / np.pi
    return np.maximum(values, 0)


def law(width: int, depth: int, seed: int) -> tuple[Table, dict[str, float]]:
    """Bin the log square norms of 4000 nets beside their exact law and the normal one; and what the caption says."""
    ratios = norms(width, depth, DRAWS, seed, "law")[:, -1] * math.log(2)
    logs, beta = ratios[np.isfinite(ratios)], float(log_moments.leading_beta([width] * depth))
    centre, variance = (depth * moment for moment in log_moments_of(width))
    spread = math.sqrt(variance)
    edges = np.linspace(min(logs.min(), centre - 4 * spread), max(logs.max(), centre + 4 * spread, 0.5), 46)
    at = (edges[1:] + edges[:-1]) / 2
    table = stacked(
        {"at": "1", "expected": "1", "normal": "1", "measured": "1"},
        {
            "at": at,
            "expected": density(width, depth, at),
            "normal": np.exp(-((at + beta / 2) ** 2) / (2 * beta)) / math.sqrt(2 * math.pi * beta),
            "measured": np.histogram(logs, edges)[0] / len(logs) / (edges[1] - edges[0]),
        },
    )
    values = {"beta": beta, "spread": variance, "typical": math.exp(centre), "measured": math.exp(logs.mean())}
    return table, values | {"spread_measured": logs.var(ddof=1), "mean": np.exp(ratios).mean()}


def draw_law(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the histogram, the exact law, the normal one, and where the mean norm is."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    at = table.numbers("at")
    axes.stairs(table["measured"], np.append(at, 2 * at[-1] - at[-2]) - (at[1] - at[0]) / 2, fill=True, color="0.8")
    axes.plot([], [], color="0.8", linewidth=8, label=labels["histogram"])
    axes.plot(at, table["expected"], label=labels["exact law"])
    axes.plot(at, table["normal"], "--", label=labels["normal law"])
    axes.axvline(0, color="k", linewidth=1.2, linestyle=":", label=labels["mean norm"])
    top = 1.4 * max(table.numbers(name).max() for name in ("expected", "normal", "measured"))
    axes.set(xlabel=labels["log axis"], ylabel=labels["density axis"], ylim=(0, top), title=labels["law title"])
    axes.legend(loc="upper center", ncols=2)
    return picture
