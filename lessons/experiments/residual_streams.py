"""Lesson 6: how residual streams grow, how gradients grow on their way back, and what normalised branches change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Dense, Network, Residual, Sequential, gaussian, he, lecun, measure, residual_mlp, stream
from simulations.layers.dense import Layer
from simulations.layers.normalisation import BatchNorm
from simulations.layers.scaling import Scale
from simulations.networks.blocks import RELU
from theory.normalisation import branches as normalised_branches
from theory.residual import branch_gains, post_addition
from theory.residual import norms as residual

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

STARTS = ("lecun", "he", "scaled", "half", "relu")
DEEPEST = 40
RADIAL_DRAWS, DRAWS = 2000, 200
"""Draws of nets whose norms are a chain of a few random numbers, and of the others."""


def _table(**columns: object) -> Table:
    return stacked(dict.fromkeys(columns, "1"), dict(columns))


@cache
def _rectified() -> tuple[float, ...]:
    """Return the expected mean squares of blocks that end in a ReLU, infinitely wide, from an input of ones."""
    return tuple(np.cumprod([1.0, *post_addition.growths(1.0, DEEPEST)]).tolist())


def net(start: str, blocks: int, width: int) -> tuple[Network, list[float]]:
    """Return a residual net, and the mean square of its stream in closed form, relative to the input's."""
    last, gain = {"he": (he, 2.0), "scaled": (lecun.scaled(blocks**-0.5), 1 / blocks)}.get(start, (lecun, 1.0))
    network, factor = residual_mlp(width, blocks, last_layer=last), float(residual.block_growth(gain))
    ends: dict[str, Layer] = {"half": Scale(0.5**0.5), "relu": RELU}
    if start in ends:
        network = Network(tuple(Sequential((block, ends[start])) for block in network.layers))
        factor = float(branch_gains.halved().at(**{r"\|x\|^2": 1}))
    if start == "relu":
        return network, list(_rectified()[: blocks + 1])
    return network, [factor**block for block in range(blocks + 1)]


def sizes(start: str, blocks: int, width: int, seed: int) -> Table:
    """Measure the mean square of the residual stream after every block, over weights, relative to the input's."""
    network, expected = net(start, blocks, width)
    draws = DRAWS if start in ("half", "relu") else RADIAL_DRAWS
    rng = stream(seed, "lesson 6", "sizes")
    ratios = measure(network, np.ones((1, width)), draws=draws, rng=rng, extras=()).square_norms / width
    return _table(
        block=np.arange(blocks + 1),
        expected=expected,
        measured=ratios.mean(axis=0),
        low=np.quantile(ratios, 0.05, axis=0),
        high=np.quantile(ratios, 0.95, axis=0),
    )


def _drawn(table: Table, labels: Mapping[str, str], key: str, *pairs: tuple[str, str]) -> tuple[Picture, Axes]:
    """Draw closed forms as lines and what was measured as points, by block."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.locator_params(axis="x", integer=True)
    blocks, some = table["block"], slice(None, None, max(1, len(table) // 20))
    for color, (line, points) in enumerate(pairs):
        axes.plot(blocks, table[line], ("-", "--")[color], color=f"C{color}", label=labels[line])
        axes.plot(blocks[some], table[points][some], "os"[color], color=f"C{color}", label=labels[points])
    axes.set(xlabel=labels["block axis"], ylabel=labels[f"{key} axis"], title=labels[f"{key} title"])
    return picture, axes


def draw_sizes(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the mean square of the residual stream, and nine tenths of the draws as a band."""
    picture, axes = _drawn(table, labels, "sizes", ("expected", "measured"))
    low, high = table.numbers("low"), table.numbers("high")
    axes.fill_between(table["block"], low, high, color="0.85", label=labels["band"], zorder=0)
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylim(min(0.5, low.min()), 2 * max(5.0, high.max(), table.numbers("expected").max()))
    axes.legend(loc="upper left")
    return picture


def ways(scale: float, blocks: int, width: int, seed: int) -> Table:
    """Measure mean squares of the residual stream, and of the gradient going back, relative to where each begins."""
    network, rng = residual_mlp(width, blocks, last_layer=lecun.scaled(scale)), stream(seed, "lesson 6", "ways")
    x = np.ones((1, width))
    record = measure(network, x, draws=RADIAL_DRAWS, rng=rng, backward=gaussian, extras=())
    depths, gradients = np.arange(blocks + 1), record.gradient_square_norms.mean(axis=0)
    return _table(
        block=depths,
        forwards=float(residual.block_growth(scale**2)) ** depths,
        stream=record.square_norms.mean(axis=0) / width,
        backwards=float(residual.backward_growth(scale**2)) ** (blocks - depths),
        gradient=gradients / gradients[-1],
    )


def draw_ways(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both directions over the blocks."""
    picture, axes = _drawn(table, labels, "ways", ("forwards", "stream"), ("backwards", "gradient"))
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylim(0.5, 3 * max(5.0, table.numbers("stream").max(), table.numbers("gradient").max()) ** 1.3)
    axes.legend(loc="upper center", ncols=2)
    return picture


CHANNELS, BATCH = 32, 16
LAYOUTS = ("trailing", "first", "after")


def normalised_net(layout: str, blocks: int) -> Network:
    """Build x + F, F = linear-BN-ReLU-linear-BN or BN-ReLU-linear, or BN(x + F), F = linear-ReLU-linear; eps = 0."""
    chain: list[Layer] = []
    for block in range(blocks):
        one, two = (BatchNorm(f"block{block}.norm{part}", CHANNELS, eps=0.0) for part in (0, 1))
        below, above = (
            Dense(f"block{block}.layer{part}", CHANNELS, CHANNELS, init) for part, init in enumerate((he, lecun))
        )
        layers: dict[str, tuple[Layer, ...]] = {
            "trailing": (below, one, RELU, above, two),
            "first": (one, RELU, below),
            "after": (below, RELU, above),
        }
        added = Residual(Sequential(layers[layout]))
        chain.append(Sequential((added, two)) if layout == "after" else added)
    return Network(tuple(chain))


def normal(layout: str, blocks: int, start: float, seed: int, draws: int = 20) -> Table:
    """Measure the variance of the residual stream over a batch of normal inputs, as a mean over channels and draws."""
    network, rng = normalised_net(layout, blocks), stream(seed, "lesson 6", "normal")
    x = rng.normal(size=(draws, BATCH, CHANNELS))
    x *= np.sqrt(start / x.var(axis=1).mean(axis=1))[:, None, None]
    states = network.run(network.draw(rng, draws), x).states
    added = {
        "trailing": float(normalised_branches.stream_variance(0, 1)),
        "first": float(normalised_branches.rectified_variance(BATCH)),
    }
    expected = [start + added.get(layout, 0.0) * block for block in range(blocks + 1)]
    if layout == "after":
        expected[1:] = [1.0] * blocks
    measured = [state.var(axis=1).mean() for state in states]
    return _table(block=np.arange(blocks + 1), expected=expected, measured=measured)


def draw_normal(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the variance of the residual stream, on the linear axis on which normalised ones are straight."""
    picture, axes = _drawn(table, labels, "normal", ("expected", "measured"))
    axes.set_ylim(0, 1.1 * max(table.numbers("expected").max(), table.numbers("measured").max()))
    axes.legend(loc="best")
    return picture


GUESSED_BLOCKS, GUESSED_NORMAL = 20, 50


def guessed_growth() -> float:
    """Return the growth of the mean square in twenty blocks."""
    return float(residual.second_moment_growth(1, GUESSED_BLOCKS))


def guessed_variance() -> float:
    """Return the variance of a stream of fifty normalised branches that starts from 1."""
    return float(normalised_branches.stream_variance(1, GUESSED_NORMAL))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda s, L: branch_gains.growth([s] * int(L)),
        at=[{"s": 0.5, "L": 2}, {"s": 2, "L": 3}, {"s": 1.5, "L": 4}],
        misconceptions={
            "amplitude": lambda s, L: (1 + s) ** (2 * L),
            "unsquared": lambda s, L: (1 + s) ** L,
            "added": lambda s, L: 1 + L * s**2,
        },
    ),
    Exercise(
        "exercise 2",
        lambda L: residual.variance_at_fixed_input(int(L), 2),
        at=[{"L": 1}, {"L": 2}, {"L": 4}],
        misconceptions={"moment": lambda L: 3**L, "lecun": lambda L: 2**L - 1, "both": lambda L: 2**L},
    ),
    Exercise(
        "exercise 3",
        lambda: math.sqrt(2 ** (1 / 100) - 1),
        misconceptions={"square": lambda: 2 ** (1 / 100) - 1, "added": lambda: 0.1, "half": lambda: math.sqrt(0.5)},
        tolerance=0.005,
    ),
)
