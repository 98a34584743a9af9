"""Lesson 11: how many keys a head sees, how the streams of Transformers grow, and theorem 1 of Fixup at attention."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Dense, lecun, one_hot, softmax_loss, stream
from simulations.attention.attend import products, split
from simulations.attention.layer import Attention, Projections
from simulations.attention.softmax import softmax
from simulations.layers.dense import Gradients
from simulations.layers.network import Residual
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import NONE, POST, PRE, Recipe
from simulations.transformer.stack import transformer
from simulations.weights.undrawn import undrawn
from theory.attention import counterexample, gradients, logits, weights
from theory.domain import number
from theory.fixup.scale import fixup_scale
from theory.transformer import starts, streams, tokens, value_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

DRAWS, MOST_KEYS, WIDEST_HEAD = 300, 32, 64
SPREADS = np.exp2(np.arange(-4, 4.1, 0.25))
"""Deviations of logits at which heads are measured."""
DIVISORS = ("root", "none", "whole")
PLACES = ("pre", "post", "bare", "scaled")
MOST_LAYERS, MOST_POSITIONS, WIDTH, STACKS = 24, 6, 512, 4
"""Of the stacks: layers, positions, features of a token, and how many are drawn."""


def _table(**columns: object) -> Table:
    return stacked(dict.fromkeys(columns, "1"), dict(columns))


def deviation(head: int, divisor: str) -> float:
    """Return the deviation of the logits of a head whose queries and keys have the mean square 1."""
    divided = {"root": math.sqrt(head), "none": 1.0, "whole": float(head)}[divisor]
    return math.sqrt(number(logits.mean_square(head, 1, 1, 1, 1))) / divided


def keys_seen(keys: int, spread: float, cosine: float) -> float:
    """Return 1 / E||a||^2 for keys of tokens of this cosine: what their logits have in common shifts no weight."""
    return keys / weights.participation(keys, spread * math.sqrt(1 - cosine))


def heads(head: int, divisor: str, keys: int, cosine: float, seed: int) -> Table:
    """Count the keys that one query sees, 1 / mean ||a||^2 over W_K, for many deviations of the logits.

    The query is fixed, of mean square 1; tokens have norm 1 and one cosine to each other. The last row is the head that
    was asked for.
    """
    rng, spread = stream(seed, "lesson 11", "heads"), deviation(head, divisor)
    key = Dense("key", keys + 1, head, lecun.scaled(math.sqrt(keys + 1)))
    apart, shared = math.sqrt(1 - cosine) * np.eye(keys), math.sqrt(cosine) * np.ones((keys, 1))
    rows = np.broadcast_to(np.hstack([apart, shared]), (DRAWS, keys, keys + 1))
    query = rng.standard_normal(head)
    queries = np.broadcast_to(query * math.sqrt(head) / np.linalg.norm(query), (DRAWS, 1, head))
    vectors = key.forward(key.draw(rng, DRAWS), rows)[0]
    found = products(split(queries, 1, 1), split(vectors, 1, 1), head**-0.5)[0][:, 0, 0, 0]
    spreads = np.append(SPREADS, spread)
    squares = [np.square(softmax(one * found)[0]).sum(axis=1) for one in spreads]
    return _table(
        spread=spreads,
        many=[keys / number(weights.participation_of_many(one * math.sqrt(1 - cosine))) for one in spreads.tolist()],
        measured=[1 / one.mean() for one in squares],
        now=keys_seen(keys, spread, cosine),
    )


def draw_heads(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the keys seen against the deviation of the logits, with the head that was asked for as a ring."""
    from matplotlib.ticker import FixedLocator

    picture, axes = _axes(labels, "heads")
    order = np.argsort(table["spread"])
    axes.plot(table["spread"][order], table["many"][order], "--", color="C1", label=labels["column many"])
    axes.plot(table["spread"][:-1:2], table["measured"][:-1:2], "o", color="C0", label=labels["column measured"])
    axes.plot(table["spread"][-1:], table["now"][-1:], "D", color="C0", fillstyle="none", ms=13, label=labels["now"])
    axes.plot(table["spread"][-1:], table["measured"][-1:], "o", color="C0")
    axes.axvline(table.numbers("spread")[-1], color="0.5", linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.minorticks_off()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([2.0**power for power in range(-4, 6)]))
        axis.set_major_formatter("{x:g}")
    axes.set_ylim(0.8, 1.25 * max(2.0, table.numbers("many").max()))
    axes.legend(loc="lower left")
    return picture


def _axes(labels: Mapping[str, str], key: str) -> tuple[Picture, Axes]:
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.set(xlabel=labels[f"{key} across"], ylabel=labels[f"{key} up"], title=labels[f"{key} title"])
    return picture, axes


def stack(place: str, layers: int) -> tuple[Recipe, list[float]]:
    """Return a recipe, and the mean square of the first token after every branch in closed form, from 1."""
    branches, factor = range(2 * layers + 1), (2 * layers) ** -0.5
    scaled = replace(PRE, projections=Projections(output=lecun.scaled(factor)), last=lecun.scaled(factor))
    recipe, expected = {
        "pre": (PRE, [number(streams.square_norm(1, 1, one)) for one in branches]),
        "post": (POST, [1.0 for _ in branches]),
        "bare": (NONE, [math.sqrt(number(tokens.unnormalised_growth(one))) for one in branches]),
        "scaled": (scaled, [number(streams.square_norm(1, 1, one, factor**2)) for one in branches]),
    }[place]
    return replace(recipe, affine=False, eps=0.0), expected


def grown(place: str, layers: int, positions: int, cosine: float, seed: int) -> Table:
    """Measure mean squares of the first and of the last token of causal stacks after every branch, from 1.

    Tokens have one cosine to each other at the start.
    """
    recipe, expected = stack(place, layers)
    rng = stream(seed, "lesson 11", "grown")
    apart, *shared = rng.standard_normal((2, STACKS, positions, WIDTH))
    x = math.sqrt(1 - cosine) * apart + math.sqrt(cosine) * shared[0][:, :1]
    x /= np.sqrt(np.square(x).mean(axis=2, keepdims=True))
    network = transformer(WIDTH, layers, recipe, hidden=WIDTH, positions=positions, causal=True)
    states = network.run(network.draw(rng, STACKS, undrawn()), x).states[: 2 * layers + 1]
    squares = np.array([np.square(state).mean(axis=(0, 2)) for state in states])
    return _table(branch=np.arange(2 * layers + 1), expected=expected, first=squares[:, 0], last=squares[:, -1])


def draw_grown(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both tokens; the last has squares."""
    picture, axes = _axes(labels, "grown")
    axes.locator_params(axis="x", integer=True)
    some = slice(None, None, max(1, len(table) // 16))
    axes.plot(table["branch"], table["expected"], color="C0", label=labels["column expected"])
    axes.plot(table["branch"][some], table["first"][some], "o", color="C0", label=labels["column first"])
    axes.plot(table["branch"][some], table["last"][some], "s", color="C1", label=labels["column last"])
    if table.numbers("expected").max() > LINEAR:
        axes.set_yscale("log")
        axes.minorticks_off()
    else:
        axes.set_ylim(0, 1.3 * max(3.0, table.numbers("expected").max()))
    axes.legend(loc="upper left")
    return picture


LINEAR = 100
"""Up to where an axis on which straight growth is straight shows all that there is."""
POINT = {str(name): number(value) for name, value in counterexample.POINT.items()}
"""The state at which the gradient is 0: its tokens x_1 and x_2, b = W_Q W_K and v = W_V W_O."""
SECONDS = np.arange(-1.0, 6.01, 0.25)


def theorem(second: float, share: float) -> Table:
    """Ask one head with a skip for the gradient of the loss at the tokens (1, x_2), for many x_2.

    `share` multiplies W_Q at the state where the gradient is 0. The last row is at `second`.
    """
    layer, seconds = Attention("attention", 1, 1, 2, scale=1.0), np.append(SECONDS, second)
    values = (share * POINT["b"], 1.0, POINT["v"], 1.0)
    parameters = {
        part.weight: np.full((len(seconds), 1, 1), one) for part, one in zip(layer.parts, values, strict=True)
    }
    x = np.stack([np.full_like(seconds, POINT["x_1"]), seconds], axis=1)[..., None]
    outputs, pullback = Residual(layer).forward(parameters, x)
    scores = np.stack([outputs[:, 0], np.zeros_like(outputs[:, 0])], axis=2)
    loss, into = softmax_loss(scores, one_hot(np.zeros((len(seconds), 1), np.int64), 2)), Gradients()
    cotangent = np.zeros_like(x)
    cotangent[:, 0, 0] = loss.logit_gradient[:, 0, 0]
    back = pullback(cotangent, into)
    query = layer.parts[0].weight
    kappa = (into[query].array * parameters[query]).sum(axis=(1, 2))
    return _compared(seconds, (loss.loss - loss.entropy)[:, 0], kappa, x, back)


def _compared(seconds: Array, excess: Array, kappa: Array, x: Array, back: Array) -> Table:
    told = [number(gradients.stream_slope(one, two)) for one, two in zip(excess.tolist(), kappa.tolist(), strict=True)]
    norm, gradient = (np.linalg.norm(of, axis=(1, 2)) for of in (x, back))
    return _table(
        second=seconds, excess=excess, told=told, along=(x * back).sum(axis=(1, 2)), size=norm * gradient,
        gradient=gradient, bound=excess / norm,
    )  # fmt: skip


def violated(table: Table) -> bool:
    """Say whether the gradient of the last row is shorter than theorem 1 allows, by more than rounding."""
    return bool(table["gradient"][-1] < table["bound"][-1] * (1 - 1e-12))


def draw_theorem(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw slopes along the tokens and the largest that they could be, with theorem 1's lower bound to it."""
    picture, axes = _axes(labels, "theorem")
    order = np.argsort(table["second"])
    seconds, now = table["second"][order], table.numbers("second")[-1]
    axes.plot(seconds, table["excess"][order], "--", color="C1", label=labels["column excess"])
    axes.plot(seconds, table["told"][order], color="C0", label=labels["column told"])
    axes.plot(seconds, table["along"][order], "o", color="C0", label=labels["column along"])
    axes.plot(seconds, table["size"][order], "s", color="C2", label=labels["column size"])
    axes.axvline(now, color="0.5", linewidth=1, zorder=0)
    axes.axhline(0, color="0.8", linewidth=1, zorder=0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))
    axes.legend(loc="upper center", ncols=2)
    return picture


GUESSED_KEYS, GUESSED_LAYERS = 16, 24


def guessed_keys() -> float:
    """Return how many of sixteen keys a query sees, of logits of deviation 1."""
    return keys_seen(GUESSED_KEYS, 1, 0)


def guessed_square() -> float:
    """Return the mean square of the first token behind 24 pre-LN layers."""
    return number(tokens.first_token_norm(1, 1, GUESSED_LAYERS))


def attention_part(branches: int, layers: int) -> float:
    """Return the trace over attention's weights of so many branches, half of them attention, with Fixup's scale."""
    scale = fixup_scale(branches, layers)
    return branches / 2 * number(value_path.attention_trace(1, 1, scale))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda: starts.logit_square(),
        misconceptions={"apart": lambda: 1, "once": lambda: 0.5, "fan": lambda: 4 / 9},
    ),
    Exercise(
        "exercise 2",
        lambda N: (2 * N) ** -0.5,
        at=[{"N": 1}, {"N": 6}, {"N": 24}],
        misconceptions={
            "layers": lambda N: N**-0.5,
            "variance": lambda N: 1 / (2 * N),
            "fourth": lambda N: (2 * N) ** -0.25,
        },
    ),
    Exercise(
        "exercise 3",
        lambda L: attention_part(int(L), 4) / attention_part(int(L), 2),
        at=[{"L": 2}, {"L": 8}, {"L": 64}],
        misconceptions={"once": lambda L: L ** (1 / 3), "zeros": lambda L: L, "one": lambda L: L ** (-1 / 3)},
    ),
)
