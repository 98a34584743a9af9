"""Gains at any variance of the pre-activation, and whether a net stays at the variance that its gain keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, Tanh, he, lecun, mlp
from simulations.layers.activations import GELU, SELU, Mish, Sine, Softplus, Swish
from simulations.layers.dense import Layer
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.layer import gain_stability

SCHOENHOLZ = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017"
FAN_IN, UNITS = 4, 16
GAP = 0.25
LAYERS: Mapping[str, Layer] = {
    "tanh": Tanh(),
    "SELU": SELU(),
    "ELU": SELU(alpha=1.0, scale=1.0),
    "GELU": GELU(),
    "SiLU": Swish(),
    "Mish": Mish(),
    "softplus": Softplus(),
    "sine": Sine(),
}
VARIANCES = (0.25, 1.0, 4.0)


def _pre_activations(run: Run, init: Initialiser, count: int) -> Array:
    """At least `count` pre-activations of a linear layer at real rows scaled to mean square 1."""
    rng, rows = run.rng("units"), run.inputs.narrowed(FAN_IN)
    rows = rows / np.sqrt(np.mean(np.square(rows), axis=1, keepdims=True))
    network, parts = mlp([FAN_IN, UNITS], init=init, activation=None), []
    for draws in batches(network, -(-count // UNITS)):
        x = rows[rng.integers(len(rows), size=draws)][:, None, :]
        parts.append(network.run(network.draw(rng, draws), x).output.ravel())
    return np.concatenate(parts)


def _squares(run: Run, init: Initialiser, name: str, variance: float, most: int) -> Array:
    """Squared activations at pre-activations of that variance, or of the initialiser's multiple of it."""
    z = run.once(_pre_activations, init, most)
    squares: Array = LAYERS[name].forward({}, math.sqrt(variance) * z)[0] ** 2
    return squares


def _slopes(run: Run, init: Initialiser, name: str, most: int) -> tuple[Array, Array]:
    """By how much squared activations differ at variances 1 +- GAP, over 2 GAP, and squared derivatives at 1."""
    up, down = (run.once(_squares, init, name, 1 + sign * GAP, most) for sign in (1, -1))
    z = run.once(_pre_activations, init, most)
    return (up - down) / (2 * GAP), LAYERS[name].forward({}, z)[1](np.ones_like(z), None) ** 2


@cache
def _variance(function: Callable[[str, float], float], name: str, q: float = 1.0) -> float:
    """Return the variance of function(name, z), z ~ N(0, q)."""
    first = gain_stability.mean(lambda z: function(name, z), q)
    return gain_stability.mean(lambda z: function(name, z) ** 2, q) - first**2


def _square(name: str, z: float) -> float:
    return gain_stability.named(name)[0](z) ** 2


def _change(name: str, z: float) -> float:
    return (_square(name, math.sqrt(1 + GAP) * z) - _square(name, math.sqrt(1 - GAP) * z)) / (2 * GAP)


def _squared_slope(name: str, z: float) -> float:
    return gain_stability.named(name)[1](z) ** 2


@claim(
    "B9",
    paper=HE,
    where="section 2.2, for other activations and any variance; derived here",
    states=r"g_\varphi(q)=\sqrt{q/\mathbb E\varphi(z)^2},\ z\sim N(0,q):\quad\text{SiLU }1.860,\ 1.676,\ 1.508"
    r"\ \text{at }q=\tfrac14,1,4;\qquad\text{at }q=1:\ 1.245\ \text{(ELU)},\ 1.487\ \text{(Mish)},\ "
    r"1.521\ \text{(sine)}",
    derivation=[gain_stability.kept],
    mutants=[
        mutant(
            "the gain of q = 1 at any q",
            "Only for homogeneous activations is the gain a constant; a table's entry belongs to one variance.",
            gain=lambda name, q: gain_stability.gain(name, 1),
        ),
        mutant(
            "He's sqrt 2 for what looks like ReLU",
            "SiLU, GELU and Mish near 0 are z/2 or so and pass on less: they ask for more, the more so at small q.",
            gain=lambda name, q: math.sqrt(2),
        ),
        mutant(
            "1 / E phi^2 without q",
            "The layer must bring back q, not 1.",
            gain=lambda name, q: 1 / math.sqrt(gain_stability.second_moment(name, q)),
        ),
        mutant(
            "pre-activations of variance 2 q",
            "Behind He weights and a normalised input the pre-activation has twice the variance.",
            init=he,
        ),
    ],
)
def gains_depend_on_the_variance(
    run: Run, *, gain: Callable[[str, float], float] = gain_stability.gain, init: Initialiser = lecun
) -> Finding:
    """The gain that keeps a pre-activation's variance q is sqrt(q / E phi(z)^2), another number at every q.

    Averages over Gaussian weights at fixed inputs of mean square q, for one layer; exact at every width. For tanh,
    SELU, ELU, GELU, SiLU, Mish, softplus and sine at q = 1/4, 1 and 4. Means and variances of squares are by
    quadrature.
    """
    run = run.share(len(LAYERS) * len(VARIANCES))
    tests = {
        (name, q): run.mean(
            gain_stability.second_moment(name, q), variance=_variance(_square, name, q), error=0.1, at_most=0.15
        )
        for name in LAYERS
        for q in VARIANCES
    }
    most = max(test.draws for test in tests.values())
    return all_of(
        [
            test(run.once(_squares, init, name, q, most)[: test.draws], expected=q / gain(name, q) ** 2)
            for (name, q), test in tests.items()
        ]
    )


Factor = Callable[[str], float]


@claim(
    "B10",
    paper=SCHOENHOLZ,
    where="length map and chi, at the gains of other activations; derived here",
    states=r"\frac{d}{dq}g^2\mathbb E\varphi(\sqrt q\,t)^2=\tfrac12\Bigl(\frac{\mathbb E\,t^2\varphi(t)^2}"
    r"{\mathbb E\varphi(t)^2}-1\Bigr)\ \text{at }q=1:\quad 0.461\ \text{(tanh)},\ 0.891\ \text{(ELU)},\ 1.076\ "
    r"\text{(Mish)},\ 1.144\ \text{(GELU)},\ 1.173\ \text{(SiLU)}",
    derivation=gain_stability.DERIVATIONS,
    mutants=[
        mutant(
            "the gain keeps the mean square at any depth",
            "It keeps q = 1 exactly; at a slope of 1 it would keep its neighbours too, as for ReLU.",
            slope=lambda name: 1.0,
        ),
        mutant(
            "as for tanh",
            "That a settled length attracts is read off saturating activations; GELU and SiLU do not saturate.",
            slope=lambda name: gain_stability.secant("tanh", GAP),
        ),
        mutant(
            "chi for the slope",
            "chi says how gradients grow; for ReLU alone both are 1 together.",
            slope=gain_stability.gradient_factor,
        ),
        mutant(
            "the slope for chi",
            "A gain above a stable length still makes gradients grow: tanh's slope is 0.461, its chi 1.178.",
            growth=gain_stability.length_slope,
        ),
        mutant(
            "gradients keep their size at the gain",
            "The gain is made for activations; of these eight it keeps the gradients of none.",
            growth=lambda name: 1.0,
        ),
        mutant(
            "pre-activations of variance 2",
            "Behind He weights and a normalised input the pre-activation has variance 2; both factors depend on it.",
            init=he,
        ),
    ],
)
def gains_need_not_be_stable(
    run: Run,
    *,
    slope: Factor = lambda name: gain_stability.secant(name, GAP),
    growth: Factor = gain_stability.gradient_factor,
    init: Initialiser = lecun,
) -> Finding:
    """At their gains tanh and ELU bring a mean square back towards 1, while GELU, SiLU and Mish drive it away.

    Averages over Gaussian weights at fixed inputs, for one layer; exact at every width. The slope is measured between
    mean squares 3/4 and 5/4 with the same weights, where it is 0.469 for tanh, 1.142 for GELU and 1.170 for SiLU
    (0.461, 1.144 and 1.173 at 1); chi is the mean squared derivative, times the squared gain. For tanh, SELU, ELU,
    GELU, SiLU, Mish, softplus and sine. That deep nets leave a length whose slope is above 1 is a statement about wide
    ones, and not tested; for GELU and SiLU the slope is above 1 at every q (derived).
    """
    run = run.share(2 * len(LAYERS))
    changes, squares = {}, {}
    for name in LAYERS:
        second = gain_stability.second_moment(name)
        changes[name] = run.mean(
            gain_stability.secant(name, GAP) * second, variance=_variance(_change, name), error=0.06, at_most=0.07
        )
        squares[name] = run.mean(
            gain_stability.gradient_factor(name) * second,
            variance=_variance(_squared_slope, name),
            error=0.03,
            at_most=0.05,
        )
    most = max(test.draws for test in (*changes.values(), *squares.values()))
    findings = []
    for name in LAYERS:
        second = gain_stability.second_moment(name)
        changed, slopes = run.once(_slopes, init, name, most)
        change, square = changes[name], squares[name]
        findings.append(change(changed[: change.draws], expected=slope(name) * second))
        findings.append(square(slopes[: square.draws], expected=growth(name) * second))
    return all_of(findings)
