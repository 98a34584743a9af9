"""The depths at which the mean squares of deep nets leave float16, bfloat16 and float32."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Initialiser, mlp, rademacher
from simulations.numbers.arrays import Array
from simulations.numbers.formats import STORES, running
from simulations.numbers.magnitudes import square_norm
from theory.precision import formats
from theory.precision.formats import BFLOAT16, FLOAT16, FLOAT32, Format

IEEE = "IEEE 754-2019"
FORMATS = (FLOAT16, BFLOAT16, FLOAT32)
LAYERS = 160
Depth = Callable[[int, Format], sp.Expr]


def _stored(name: str, values: Array) -> Array:
    return STORES[name](values)


def _flushing(name: str, values: Array) -> Array:
    """Store numbers as a processor does that turns subnormal ones into 0."""
    normal = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126}[name]
    stored = STORES[name](values)
    return np.where(np.abs(stored) < normal, 0.0, stored)


def _towards_zero(name: str, values: Array) -> Array:
    """Store numbers without their surplus bits, so that no finite one becomes infinite."""
    stored = STORES[name](values)
    largest = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": float(np.finfo(np.float32).max)}
    return np.minimum(stored, largest[name])


def _first(left: NDArray[np.bool_]) -> float:
    """The first number of layers at which numbers have left; more than there are if they never do."""
    return float(np.argmax([*left, True]))


def _square_norms(run: Run, variance: float) -> Array:
    """Squared norms of a net of one unit with weights +-sqrt(variance), all in float32: (LAYERS + 1,)."""
    network = mlp([1] * (LAYERS + 1), init=Initialiser(lambda i, o: variance, rademacher), activation=None)
    weights = {name: value.astype(np.float32) for name, value in network.draw(run.rng("net"), 1).items()}
    with np.errstate(over="ignore"):  # of which the claim speaks
        states = network.run(weights, np.ones((1, 1, 1), np.float32)).states
        return np.concatenate([square_norm(state) for state in states])


@claim(
    "D1",
    paper=IEEE,
    where="section 3 for the formats and section 4.3 for rounding; depths derived here",
    states=r"g^L\to\infty\text{ from }L=\Bigl\lceil\frac{\log\bigl((2-2^{-p})2^E\bigr)}{\log g}\Bigr\rceil,\qquad "
    r"g^{-L}\to0\text{ from }L=\Bigl\lceil\frac{(E+p-1)\log2}{\log g}\Bigr\rceil",
    derivation=formats.DERIVATIONS,
    mutants=[
        mutant(
            "sixteen bits are sixteen bits",
            "bfloat16 spends three of float16's bits on the exponent: it holds what float32 does, if not as sharply.",
            overflow=lambda g, f: formats.depth_of_overflow(g, FLOAT16 if f is BFLOAT16 else f),
        ),
        mutant(
            "as far down as up",
            "Numbers end at about 2^E above, and below 2^(1-E) subnormal ones go on for another p - 1 powers of two.",
            vanishing=formats.depth_of_overflow,
        ),
        mutant(
            "normal numbers only",
            "6^-L leaves the normal numbers ten layers before it becomes 0 in float32; it loses digits in between.",
            vanishing=formats.depth_of_subnormals,
        ),
        mutant(
            "bfloat16 is float32",
            "At the lower end the 16 bits it lacks are 16 powers of two.",
            vanishing=lambda g, f: formats.depth_of_vanishing(g, FLOAT32 if f is BFLOAT16 else f),
        ),
        mutant(
            "flush to zero",
            "The simulated numbers have no subnormal ones, as on many accelerators.",
            stores=_flushing,
        ),
        mutant("round towards zero", "The simulated numbers never become infinite.", stores=_towards_zero),
    ],
)
def powers_leave_the_formats(
    run: Run,
    *,
    overflow: Depth = formats.depth_of_overflow,
    vanishing: Depth = formats.depth_of_vanishing,
    subnormals: Depth = formats.depth_of_subnormals,
    stores: Callable[[str, Array], Array] = _stored,
) -> Finding:
    """2^L is infinite from layer 16 in float16 and 128 in bfloat16 and float32; 6^-L is 0 from 10, 52 and 59.

    3^L is infinite from 11, 81 and 81, and 6^-L leaves the normal numbers at 6, 49 and 49. Exact; nothing is averaged.
    Powers rounded once, and products of 2 and of 3 rounded after every factor. The squared norms of nets of one unit
    with weights +-sqrt 3 and +-1/sqrt 6, measured in float32, leave at the same layers.
    """
    depths = []
    for kind in FORMATS:
        store = partial(stores, kind.name)
        for factor in (2, 3):
            powers = store(np.power(float(factor), np.arange(LAYERS)))
            products = running(store, partial(np.multiply, factor), 1.0, LAYERS)
            depths += [(_first(np.isinf(held)), overflow(factor, kind)) for held in (powers, products)]
        shrunk = store(np.power(6.0, -np.arange(LAYERS)))
        depths += [
            (_first(shrunk == 0), vanishing(6, kind)),
            (_first(shrunk < 2.0 ** (1 - kind.top)), subnormals(6, kind)),
        ]
    depths += [
        (_first(np.isinf(_square_norms(run, 3.0))), overflow(3, FLOAT32)),
        (_first(_square_norms(run, 1 / 6) == 0), vanishing(6, FLOAT32)),
    ]
    return all_of(identity(found, float(claimed), rounding=0.0, chance=False) for found, claimed in depths)
