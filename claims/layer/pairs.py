"""Gated pairs, as SwiGLU: whether a net stays at the mean square that their gain keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from claims.layer.fans import UNIT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU
from simulations.layers.activations import GELU, Sigmoid, Swish
from simulations.layers.dense import Dense, Layer
from simulations.layers.gated import Gated
from simulations.numbers.arrays import Array
from theory.layer import any_activation, gain_stability, pairs

SHAZEER = "Shazeer 2020 (GLU variants)"
FAN_IN, UNITS, GAP = 4, 16, 0.25
GATES: Mapping[str, Layer] = {"GLU": Sigmoid(), "ReGLU": LeakyReLU(), "GEGLU": GELU(), "SwiGLU": Swish()}


def _changes(run: Run, pair: str, tied: bool, count: int) -> Array:
    """By how much squares of a pair's outputs differ at variances 1 +- GAP, with the same weights, over 2 GAP."""
    rng, rows = run.rng("pairs", pair), run.inputs.narrowed(FAN_IN)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    layer = Gated(Dense("u", FAN_IN, UNITS, UNIT), Dense("z", FAN_IN, UNITS, UNIT), GATES[pair])
    draws = -(-count // UNITS)
    parameters = layer.draw(rng, draws)
    if tied:
        parameters["u.weight"] = parameters["z.weight"]
    x = rows[rng.integers(len(rows), size=draws)][:, None, :]
    up, down = (np.square(layer.forward(parameters, math.sqrt(1 + sign * GAP) * x)[0]) for sign in (1, -1))
    changes: Array = (up - down).ravel()[:count] / (2 * GAP)
    return changes


def _change(pair: str, z: float) -> float:
    """The same of q phi(sqrt(q) z)^2, which u^2 multiplies."""
    unit = any_activation.NAMES[any_activation.PAIRS[pair]]
    up, down = (q * unit(math.sqrt(q) * z) ** 2 for q in (1 + GAP, 1 - GAP))
    return (up - down) / (2 * GAP)


@cache
def _moments(pair: str) -> tuple[float, float]:
    """Return mean and variance of the changes: E u^2 = 1 and E u^4 = 3."""
    mean = gain_stability.mean(lambda z: _change(pair, z), 1)
    return mean, 3 * gain_stability.mean(lambda z: _change(pair, z) ** 2, 1) - mean**2


def _secant(pair: str) -> float:
    """Return the slope of the length map between 1 - GAP and 1 + GAP, at the gain that keeps 1."""
    up, down = (_square(pair, q) for q in (1 + GAP, 1 - GAP))
    return (up - down) / (2 * GAP * _square(pair, 1))


def _square(pair: str, q: float) -> float:
    return float(pairs.mean_square(q, _gate_square(pair, q)))


def _gate_square(pair: str, q: float) -> float:
    unit = any_activation.NAMES[any_activation.PAIRS[pair]]
    return gain_stability.mean(lambda z: unit(z) ** 2, q)


def _of_gate(pair: str) -> float:
    up, down = (_gate_square(pair, q) for q in (1 + GAP, 1 - GAP))
    return (up - down) / (2 * GAP * _gate_square(pair, 1))


@claim(
    "B14",
    paper=SHAZEER,
    where="the layers GLU, ReGLU, GEGLU and SwiGLU; length map derived here",
    states=r"y=u\,\varphi(z):\quad\mathbb Ey^2=q\,\mathbb E\varphi(z)^2,\qquad\frac{d}{dq}\,g^2\,\mathbb Ey^2=1+"
    r"S_\varphi>1:\quad 1.106\ \text{(GLU)},\ 2\ \text{(ReGLU)},\ 2.144\ \text{(GEGLU)},\ 2.173\ \text{(SwiGLU)}",
    derivation=[pairs.paired_square, pairs.paired_slope],
    mutants=[
        mutant("the gate's slope", "It says how the gate's square changes; u brings a factor q.", slope=_of_gate),
        mutant(
            "neutral", "With a gate between 0 and 1 a pair looks linear; its gate opens with q.", slope=lambda pair: 1
        ),
        mutant("twice linear", "2 is the slope of a product of two linear maps, and of ReGLU.", slope=lambda pair: 2),
        mutant("one matrix", "The simulated u is z: then z phi(z) is an activation like GELU.", tied=True),
    ],
)
def gated_pairs_are_unstable(run: Run, *, slope: Callable[[str], float] = _secant, tied: bool = False) -> Finding:
    """At the gain that keeps a mean square gated pairs drive it away: the slope is 1 more than that of the gate alone.

    Averages over Gaussian weights at fixed inputs, for one layer; exact at every width. The slope is measured between
    mean squares 3/4 and 5/4 with the same weights. That deep nets leave a length whose slope is above 1 is a statement
    about wide ones, and not tested.
    """
    run, findings = run.share(len(GATES)), []
    for pair in GATES:
        mean, variance = _moments(pair)
        test = run.mean(mean, variance=variance, error=0.08, at_most=0.08 if pair == "GLU" else 0.3)
        samples = run.once(_changes, pair, tied, test.draws)
        findings.append(test(samples, expected=slope(pair) * _square(pair, 1)))
    return all_of(findings)
