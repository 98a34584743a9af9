"""How far apart attention without a skip leaves tokens, and what W_Q and W_K then hear of a loss: bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.attention.heads import head, unlike
from claims.attention.rank_collapse import DONG, NOCI
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations.attention.attend import attend, split
from simulations.layers.dense import Gradients
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.attention import diameters as theory

DRAWS, LAYERS = 128, 3
TWO, MANY = (2, 1), (5, 5)
"""Tokens and their features: two opposite numbers, which attain the bounds, and real rows."""
SIZES = (0.25, 0.5, 1.0, 2.0)
"""Of sqrt(c) D at the start, c = ||W_V|| ||B|| / 4."""
Bound = Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr]


def _norm(of: Array) -> Array:
    return np.asarray(np.linalg.norm(of, ord=2, axis=(1, 2)))


def _diameter(x: Array) -> Array:
    """The largest distance between two tokens of x (draws, positions, width): (draws,)."""
    return np.asarray(np.linalg.norm(x[:, :, None] - x[:, None], axis=3).max(axis=(1, 2)))


def _tokens(run: Run, shape: tuple[int, int]) -> Array:
    """Tokens of diameter 1, (DRAWS, positions, width)."""
    x = unlike(run, f"{shape}", DRAWS, *shape) if shape == MANY else np.tile([[[1.0], [-1.0]]], (DRAWS, 1, 1))
    return np.asarray(x / _diameter(x)[:, None, None])


@dataclass(frozen=True)
class Passed:
    """Tokens through layers of one head, all with the same weights: what their outputs can be told from."""

    diameters: list[Array]
    """At the start and behind each layer, (draws,)."""
    value: Array
    """||W_V||."""
    both: Array
    """||W_Q W_K^T|| / sqrt(d_k)."""
    rounding: Array
    """Of the last diameter."""


def _passed(run: Run, shape: tuple[int, int], layers: int, size: float, skip: bool) -> Passed:
    positions, width = shape
    layer, x = head(width, positions, width=width), _tokens(run, shape)
    parameters = layer.draw(run.rng("weights", f"{shape}"), DRAWS)
    query, key, value = (parameters[part.weight] for part in layer.parts[:3])
    norms = _norm(value), _norm(query @ key.mT) / width**0.5
    x, found = x * (2 * size / np.sqrt(norms[0] * norms[1]))[:, None, None], []
    for _ in range(layers):
        found.append(_diameter(x))
        queries, keys, values = (split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3])
        x = attend(queries, keys, values)[0][:, 0, 0] + (x if skip else 0)
    # each output is a mean of values whose weights are right to some EPS, of logits of the size of ||B|| D^2 and less
    logits = 1 + norms[1] * np.square(found[-1]) * positions
    rounding = 32 * (width + positions) * EPS * logits * norms[0] * np.abs(found[-1]) * positions
    return Passed([*found, _diameter(x)], *norms, rounding)


@claim(
    "Q19",
    paper=DONG,
    where="theorem 1: doubly exponential loss of rank; bound, constants and the diameter for the norm derived here",
    states=r"D'\le\|W_V\|\,D\,\tanh\Bigl(\tfrac14\|B\|D^2\Bigr),\qquad \sqrt c\,D_L\le\bigl(\sqrt c\,D_0\bigr)^{3^L},"
    r"\qquad c=\tfrac14\|W_V\|\|B\|,\quad B=W_QW_K^{\mathsf T}/\sqrt{d_k}",
    derivation=[theory.log_ratio, theory.variation, theory.diameter, theory.layers],
    mutants=[
        mutant(
            "the radius",
            "D^2/8: one query and the middle of all taken for two queries, which are up to D apart.",
            largest=lambda before, value, both: value * before * sp.tanh(both * before**2 / 8),
        ),
        mutant(
            "all differences of weights",
            "Their sum is twice the total variation; half of them takes, and half of them gives.",
            largest=lambda before, value, both: 2 * value * before * sp.tanh(both * before**2 / 4),
        ),
        mutant(
            "quadratic",
            "Weights differ by D^2 indeed; and the values that they weigh by D.",
            largest=lambda before, value, both: value * sp.tanh(both * before**2 / 4),
        ),
        mutant(
            "cubic at any distance",
            "Far apart each query has a key of its own, and outputs are no further apart than values.",
            largest=lambda before, value, both: value * both * before**3 / 4,
        ),
        mutant(
            "the fourth power a layer",
            "Query, key, value and output: the weights that are no function of the tokens do not count.",
            behind=lambda layers, before, constant: (constant**0.5 * before) ** (4**layers) / constant**0.5,
        ),
        mutant("a skip", "The simulated tokens keep what they were.", skip=True),
    ],
)
def without_a_skip_tokens_meet_at_the_third_power(
    run: Run,
    *,
    largest: Bound = theory.largest_diameter,
    behind: Callable[[int, float, float], float | sp.Expr] = theory.largest_diameter_behind,
    skip: bool = False,
) -> Finding:
    """Without a skip the diameter of tokens falls by the third power in each layer, once sqrt(c) D is below 1.

    No average: every draw, any tokens and number of keys, at every width. Two opposite tokens of one feature attain the
    bound of a layer, so its constant is the best; that of 3 layers lacks what tanh z lacks of z. One head, without W_O.
    """
    findings, names = [], sp.symbols("D v b", positive=True)
    bound = sp.lambdify(names, largest(*names), "numpy")
    for size in SIZES:
        for shape in (TWO, MANY):
            found = run.once(_passed, shape, 1, size, skip)
            told, test = bound(found.diameters[0], found.value, found.both), identity if shape == TWO else inequality
            findings.append(test(told, found.diameters[1], rounding=found.rounding))
    for shape in (TWO, MANY):
        found = run.once(_passed, shape, LAYERS, SIZES[1], skip)
        constant = found.value * found.both / 4
        told = float(behind(LAYERS, SIZES[1], 1.0)) / np.sqrt(constant)  # homogeneous: sqrt(c) D is what counts
        findings.append(inequality(told, found.diameters[-1], rounding=found.rounding))
    return all_of(findings)


Slope = Callable[..., sp.Expr]


def _slopes(run: Run, shape: tuple[int, int], size: float) -> tuple[dict[str, Array], dict[str, Array]]:
    """Norms of the gradients of W_Q and W_K, and of what they are told from, of one layer at tokens of a diameter.

    A cotangent stands at the first query alone: of two opposite tokens the other would take away from it.
    """
    positions, width = shape
    layer, x = head(width, positions, width=width), size * _tokens(run, shape)
    parameters, rng = layer.draw(run.rng("slopes", f"{shape}"), DRAWS), run.rng("cotangent", f"{shape}")
    queries, keys, values = (split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3])
    cotangent, into = np.zeros_like(x), Gradients()
    cotangent[:, 0] = rng.standard_normal((DRAWS, width))
    layer.forward(parameters, x)[1](cotangent, into)
    key, value, output = (parameters[part.weight] for part in layer.parts[1:])
    weights = attend(queries, keys, values)[1][:, 0, 0, 0]
    told = {
        "undecided": 1 - np.square(weights).sum(axis=1),
        "cotangent": np.linalg.norm((cotangent @ output.mT)[:, 0], axis=1),
        "diameter": np.full(DRAWS, size),
        "value": _norm(value),
        "key": _norm(key),
        "token": np.linalg.norm(x[:, 0], axis=1),
        "query": np.linalg.norm(queries[:, 0, 0, 0], axis=1),
    }
    norms = {part: np.sqrt(into[f"attention.{part}.weight"].square_norm) for part in ("query", "key")}
    return norms, told


@claim(
    "Q20",
    paper=NOCI,
    where="section 3: queries and keys have vanishing gradients in rank collapse; the bound derived here",
    states=r"\Bigl\|\frac{\partial\ell}{\partial q_i}\Bigr\|\le\frac{1-\|a_i\|^2}2\,\frac{\|g_i\|\,\|W_V\|\,\|W_K\|\,"
    r"D^2}{\sqrt{d_k}},\qquad \|\nabla_{W_Q}\ell\|\le\sum_i\|x_i\|\Bigl\|\frac{\partial\ell}{\partial q_i}\Bigr\|",
    derivation=theory.query_slope,
    mutants=[
        mutant(
            "linear",
            "Values differ by D as keys do: both vanish, and a slope that compares them vanishes with both.",
            slope=lambda undecided, g, d, value, key, head: undecided * g * d * value * key / (2 * sp.sqrt(head)),
        ),
        mutant(
            "every pair twice",
            "1 - |a|^2 counts each pair of keys in both orders.",
            slope=lambda *of: 2 * theory.largest_query_slope(*of),
        ),
        mutant(
            "what is decided",
            "|a|^2: a query that sees one key alone has no slope at all.",
            slope=lambda undecided, *of: theory.largest_query_slope(1 - undecided, *of),
        ),
        mutant(
            "a fourth power",
            "The square of the gradient, whose norm is meant.",
            slope=lambda undecided, g, d, value, key, head: theory.largest_query_slope(
                undecided, g, d**2, value, key, head
            ),
        ),
        mutant("keys for queries", "W_K hears of a query by the query, not by the token.", keys_hear="token"),
    ],
)
def queries_and_keys_hear_the_square_of_the_diameter(
    run: Run, *, slope: Slope = theory.largest_query_slope, keys_hear: str = "query"
) -> Finding:
    """Gradients of W_Q and W_K are at most of the order of the tokens' squared diameter: rank collapse ends both.

    No average: every draw, any tokens, loss and number of keys, at every width. Two tokens of one feature attain the
    bound; a gradient of W_K has the tokens for the keys (norm 1) and the query for the token. The cotangent is that of
    one query; for several the bounds add up. W_V does not vanish with them (Q18).
    """
    findings = []
    names = sp.symbols("u g d v k", positive=True)
    for shape in (TWO, MANY):
        bound = sp.lambdify(names, slope(*names, shape[1]), "numpy")
        for size in SIZES:
            norms, told = run.once(_slopes, shape, size)
            for part, key, heard in (("query", told["key"], "token"), ("key", np.ones(DRAWS), keys_hear)):
                of = (told[name] for name in ("undecided", "cotangent", "diameter", "value"))
                largest = bound(*of, key) * told[heard]
                reach = told["token"] + size  # the norm of no token is larger
                whole = told["cotangent"] * told["value"] * reach**2 * (1 + told["key"]) * (reach + told["query"])
                logits = 1 + told["query"] * told["key"] * reach
                rounding = 64 * sum(shape) * EPS * logits * whole
                test = identity if shape == TWO else inequality
                findings.append(test(largest, norms[part], rounding=rounding))
    return all_of(findings)
