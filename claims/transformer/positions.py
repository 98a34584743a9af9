"""What sinusoids add to tokens, and what rotations of queries and keys keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from claims.attention.heads import VASWANI, tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import lecun
from simulations.attention.attend import products, split
from simulations.attention.embedding import Embedding
from simulations.attention.layer import Attention, Projections
from simulations.attention.positions import BASE, rotated, sinusoids
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.attention import logits as logits_theory
from theory.domain import number
from theory.transformer import positions as theory

SU = "Su et al. 2021 (RoPE)"
WIDTH, POSITIONS, TOKENS = 8, 6, 5
FAR = 50
"""A distance of two tokens."""
DRAWS = 128
"""Of what is tested draw by draw."""


def _distances() -> Array:
    """Distances s - t for all pairs of positions, (positions, positions)."""
    places = np.arange(POSITIONS, dtype=float)
    return places[:, None] - places[None]


def _frequencies(width: int) -> Array:
    return np.asarray(BASE ** (-np.arange(0, width, 2) / width))


def _embedded(run: Run, factor: float, draws: int) -> Array:
    """Square norms of the token at the second position, (draws,)."""
    table = Embedding("table", TOKENS, WIDTH, factor=factor, sinusoid=1.0)
    numbers: Any = run.rng("tokens").integers(TOKENS, size=(draws, 1, 2))
    rows, _ = table.forward(table.draw(run.rng("table"), draws), numbers)
    return np.asarray(np.square(rows[:, 1]).sum(axis=1))


@claim(
    "V14",
    paper=VASWANI,
    where="sections 3.4 and 3.5",
    states=r"\|p_s\|^2=\frac d2,\qquad\langle p_s,p_t\rangle=\sum_i\cos w_i(s-t),\qquad"
    r"\mathbb E\bigl\|\sqrt d\,E_t+p\bigr\|^2=d+\frac d2",
    derivation=[theory.sinusoid_square, theory.sinusoid_product, theory.embedded],
    mutants=[
        mutant(
            "the width",
            "A sine and a cosine of one angle have squares that add up to 1, not to 2.",
            square=lambda width: sp.Integer(width),
        ),
        mutant(
            "sums for distances",
            "The cosine of s + t is what the difference of the two products gives.",
            distance=lambda: np.add.outer(np.arange(POSITIONS), np.arange(POSITIONS)),
        ),
        mutant(
            "tokens alone",
            "d is the mean square of the embedding; the sinusoids add half as much.",
            embedded=lambda width: sp.Integer(width),
        ),
        mutant("sqrt d left out", "The simulated embedding has rows of norm 1: the sinusoids drown it.", factor=1.0),
    ],
)
def sinusoids_add_half_of_the_width(
    run: Run,
    *,
    square: Callable[[int], sp.Expr] = theory.sinusoids_square,
    distance: Callable[[], Array] = _distances,
    embedded: Callable[[int], sp.Expr] = theory.embedded_square,
    factor: float = math.sqrt(WIDTH),
) -> Finding:
    """Sinusoids have the square norm d/2 and inner products that tell distances only; tokens with them have d + d/2.

    The first two hold at every position, the last averages over a table with entries N(0, 1/d) times sqrt d. Exact at
    every even width.
    """
    table = sinusoids(POSITIONS, WIDTH)
    one = sp.lambdify(sp.symbols("w s"), theory.product_of_pairs(*sp.symbols("w s", real=True)), "numpy")
    told = sum(one(frequency, distance()) for frequency in _frequencies(WIDTH))
    rounding = 16 * WIDTH * EPS
    truth = number(theory.embedded_square(WIDTH))
    test = run.mean(truth, variance=2 * WIDTH + 4 * WIDTH / 2, error=0.05, at_most=0.1)  # noncentral chi-square
    return all_of(
        [
            identity(np.square(table).sum(axis=1), number(square(WIDTH)), rounding=rounding, chance=False),
            identity(table @ table.T, told, rounding=rounding, chance=False),
            test(run.once(_embedded, factor, test.draws), expected=number(embedded(WIDTH))),
        ]
    )


def _logit(query: Array, key: Array, distance: Array) -> Array:
    """The logit (draws,) of a query and a key (draws, features), of which the query stands `distance` further on."""
    names = sp.symbols("q p k h s w", real=True)
    of = dict(zip((theory.FIRST, theory.FIRST_PAIR, theory.SECOND, theory.SECOND_PAIR), names[:4], strict=True))
    pair = theory.rotated_logit().result.subs(
        {**of, theory.HERE: names[4], theory.THERE: 0, theory.FREQUENCY: names[5]}
    )
    told = sp.lambdify(names, pair, "numpy")
    parts = (query[:, ::2], query[:, 1::2], key[:, ::2], key[:, 1::2])
    return np.asarray(told(*parts, distance[:, None], _frequencies(query.shape[1])).sum(axis=1))


def _half_turned(query: Array, key: Array, distance: Array) -> Array:
    return _logit(query, key, distance / 2)


def _other_way(query: Array, key: Array, distance: Array) -> Array:
    return _logit(query, key, -distance)


def _not_turned(query: Array, key: Array, distance: Array) -> Array:
    return np.asarray(np.vecdot(query, key))


def _cosines() -> float:
    return float(np.mean(np.cos(_frequencies(WIDTH) * FAR) ** 2))


def _far_apart(run: Run, draws: int) -> Array:
    """Logits of real tokens that stand `FAR` apart, over what they are at no distance in mean square: (draws,)."""
    layer = Attention("head", WIDTH, 1, 2, init=Projections(lecun, lecun), rotary=BASE)
    x = tokens(run, "far", draws, 2, WIDTH)
    parameters = layer.draw(run.rng("weights"), draws)
    queries, keys = (split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:2])
    found = products(layer.turned(queries, FAR + 1), layer.turned(keys))[0][:, 0, 0, 0, 1]
    norms = np.square(x).sum(axis=2).prod(axis=1)
    return np.asarray(found**2 / (number(logits_theory.mean_square(WIDTH, 1 / WIDTH, 1 / WIDTH, 1, 1)) * norms))


@claim(
    "V19",
    paper=SU,
    where="section 3.2 and 3.4.3",
    states=r"\|R_sq\|=\|q\|,\qquad\langle R_sq,R_tk\rangle=\sum_i(q_ik_i+q_i'k_i')\cos w_i(s-t)+"
    r"(q_ik_i'-q_i'k_i)\sin w_i(s-t),\qquad\mathbb E\langle R_sq,R_tk\rangle^2=d_k\sigma_q^2\sigma_k^2\|x\|^2\|y\|^2",
    derivation=[theory.rotated_square, theory.rotated_logit, theory.rotated_mean_square],
    mutants=[
        mutant("half of the angle", "Queries and keys turn by their own angle each: it adds up.", logit=_half_turned),
        mutant(
            "the other way round", "The sign of the sine tells what is before from what is behind.", logit=_other_way
        ),
        mutant(
            "nothing but norms", "Rotations keep norms; of two tokens apart they change the product.", logit=_not_turned
        ),
        mutant(
            "logits decay with the distance",
            "Cosines alone: the sines, which turn a query to the other feature of the pair, take what they lose.",
            far=_cosines,
        ),
    ],
)
def rotations_keep_norms_and_tell_distances(
    run: Run, *, logit: Callable[[Array, Array, Array], Array] = _logit, far: Callable[[], float] = lambda: 1.0
) -> Finding:
    """Rotary positions keep norms, tell distances only, and at the start leave logits as large at every distance.

    The first two hold for all queries, keys and positions; the last averages over independent W_Q and W_K at given
    tokens, here 50 positions apart, and is exact at every width.
    """
    rng = run.rng("vectors")
    query, key = rng.standard_normal((2, DRAWS, WIDTH))
    here, there = rng.integers(0, 1000, size=(2, DRAWS))
    turned, other = (
        np.concatenate([rotated(one[None], start=int(place)) for one, place in zip(vectors, places, strict=True)])
        for vectors, places in ((query, here), (key, there))
    )
    size = np.linalg.norm(query, axis=1) * np.linalg.norm(key, axis=1)
    rounding = 16 * (WIDTH + 1000) * EPS * size  # of angles up to 1000, too
    squares = np.square(query).sum(axis=1)
    spread = number(logits_theory.logit_kurtosis(WIDTH, 3, 3)) - 1
    test = run.mean(1, variance=spread, error=0.15, at_most=0.15)
    return all_of(
        [
            identity(np.square(turned).sum(axis=1), squares, rounding=16 * WIDTH * EPS * squares),
            identity(np.vecdot(turned, other), logit(query, key, here - there), rounding=rounding),
            test(run.once(_far_apart, test.draws), expected=far()),
        ]
    )
