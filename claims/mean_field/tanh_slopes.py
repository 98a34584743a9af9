"""Slopes of the tanh length map: lengths die out like 1/(2l) under Xavier, and settle at a rate of their own above."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, Tanh, lecun
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.mean_field import tanh_correlation, tanh_maps, tanh_slopes

INPUTS, UNITS, FEW, TANH = 4, 32, 4, Tanh()
STEEPEST = 2 / 27**0.5
"""A bound on z tanh(z) sech(z)^2: z is at most sinh z, and the largest value of t^2 (1 - t^2)^(1/2) is this."""
Length = Callable[[float], float]


def _units(
    run: Run, variances: tuple[float, ...], width: int, gain: float, activation: Layer, draws: int
) -> tuple[Array, Array]:
    """Mean squares of pre-activations of these variances, and of their units, of one layer: (draws, variances)."""
    rng, rows = run.rng("units", *(str(round(one, 6)) for one in variances)), run.inputs.narrowed(INPUTS)
    rows = rows / norm(rows)[:, None] * INPUTS**0.5
    x = rows[rng.integers(len(rows), size=draws), None] * np.sqrt(variances)[:, None]
    network = Network((Dense("first", INPUTS, width, lecun.scaled(gain)), activation))
    states = network.run(network.draw(rng, draws), x).states
    before, after = (np.square(state).mean(axis=2) for state in states[1:])
    return before, after


def _next(variance: float) -> float:
    return tanh_correlation.next_length(1, variance)


@claim(
    "B5",
    "X5",
    paper=GLOROT,
    where="the initialisation with tanh; the decay as in Poole et al. 2016 and Hayou et al. 2019, derived here",
    states=r"q-\mathbb E\tanh(\sqrt q\,t)^2=2q^2-\tfrac{17}3q^3+\dots,\qquad 2\,l\,q_l\to1\quad\text{at gain }1",
    derivation=[tanh_maps.length_map, tanh_slopes.expansion, tanh_slopes.decay],
    exact=False,
    mutants=[
        mutant(
            "Xavier keeps the variance",
            "tanh taken for the identity, which it is to first order: then nothing would be lost.",
            after=lambda variance: variance,
        ),
        mutant(
            "it dies out exponentially",
            "A fixed share, such as the half of a ReLU layer, lost in every layer: tanh loses a share of order q.",
            after=lambda variance: variance / 2,
        ),
        mutant(
            "like 1/l",
            "A loss of q^2 a layer, which adds 1 to 1/q and not 2.",
            after=lambda variance: variance - variance**2,
        ),
        mutant(
            "a typical unit for the mean",
            "2/3 q^2, the loss at z^2 = q: the mean of z^4 is 3 q^2.",
            after=lambda variance: variance - 2 * variance**2 / 3,
        ),
        mutant("no tanh", "Linear layers, of which Xavier's claim is true.", activation=LeakyReLU(1.0)),
    ],
)
def xavier_tanh_decays_like_a_power(run: Run, *, after: Length = _next, activation: Layer = TANH) -> Finding:
    """With Xavier weights tanh units do not keep their variance: a layer loses 2 q^2 of it, so q falls like 1/(2l).

    Averages the loss of mean square in one layer over Gaussian weights at fixed inputs, exact at any width. They are
    scaled to the variances that wide nets have 10 and 100 layers above variance 1, by iterating the map: that deep nets
    follow it is a statement about wide ones, 2 l q_l = 1.044 and 1.014, and not tested. The variance is bounded by
    z^2 - tanh(z)^2 <= 2 z^4 / 3.
    """
    depths, findings = (10, 100), []
    run, lengths = run.share(len(depths)), tanh_slopes.lengths(1.0, max(depths))
    for depth in depths:
        q = lengths[depth]
        lost = q - _next(q)
        variance = (4 / 9 * 105 * q**4 - lost**2) / UNITS
        test = run.mean(1, variance=variance / lost**2, error=0.05)
        before, behind = run.once(_units, (q,), UNITS, 1.0, activation, test.draws)
        findings.append(test((before - behind)[:, 0] / lost, expected=(q - after(q)) / lost))
    return all_of(findings)


GAIN = float(Fraction(5, 3))
APART = 0.1
"""How far the two lengths lie from the fixed point, relatively."""
NEAR = 0.01
"""How far the slope of the chord is from that of the tangent, relatively, at most."""


@claim(
    "M5",
    paper="Poole et al. 2016; Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017",
    where="the depth scale of lengths, for tanh without biases",
    states=r"q_l-q^*\sim\Bigl(\frac{dq'}{dq}\Bigr)^l,\quad\frac{dq'}{dq}\Big|_{q^*}=\frac{g^2}{q^*}\,\mathbb E\,"
    r"z\tanh z\,\operatorname{sech}^2z=0.4309\ (g=\tfrac53)",
    derivation=tanh_slopes.slope,
    exact=False,
    mutants=[
        mutant(
            "chi",
            "The factor on gradients and on distances of inputs, 1.21 at gain 5/3: lengths have a scale of their own.",
            slope=tanh_maps.gradient_growth,
        ),
        mutant("linear layers", "g^2: the map at small lengths, before it bends.", slope=lambda gain, q: gain**2),
        mutant(
            "of the units",
            "The slope of E tanh^2 without the weights behind it.",
            slope=lambda gain, q: tanh_slopes.length_slope(gain, q) / gain**2,
        ),
        mutant(
            "the chord from 0",
            "q'/q, which is 1 at a fixed point: the map crosses the diagonal there at a smaller slope.",
            slope=lambda gain, q: tanh_maps.next_variance(gain, q) / q,
        ),
        mutant("Xavier drawn", "Weights with gain 1, where the claim is of larger ones.", scale=0.0),
    ],
)
def lengths_settle_at_their_own_rate(
    run: Run, *, slope: Callable[[float, float], float] = tanh_slopes.length_slope, scale: float = 1.0
) -> Finding:
    """A wide tanh net of gain 5/3 takes 0.431 of its distance from the fixed length on to the next layer.

    Averages the difference of mean squares at two lengths 10 % to either side of the fixed point, over Gaussian weights
    shared by both; exact for one layer at any width, as is the slope of the chord (within 1 % of the tangent's, and
    made good). The mean of the two lengths behind the layer is the fixed point, within 1 % for the same reason. That
    deep nets settle so is a statement about wide ones. Units and their differences are bounded, so their variances are
    too (Bhatia and Davis).
    """
    run, settled = run.share(2), tanh_maps.fixed_point(GAIN)
    low, high = (1 - APART) * settled, (1 + APART) * settled
    chord, tangent = tanh_slopes.finite_slope(GAIN, low, high), tanh_slopes.length_slope(GAIN, settled)
    test = run.mean(chord, variance=chord * (GAIN**2 * STEEPEST / low - chord) / FEW, error=0.05)
    middle = (tanh_maps.next_variance(GAIN, low) + tanh_maps.next_variance(GAIN, high)) / 2
    of_middle = run.mean(middle, variance=middle * (GAIN**2 - middle) / FEW, error=0.05)
    drawn = GAIN**scale
    draws = max(test.draws, of_middle.draws)
    _, units = run.once(_units, (low / GAIN**2, high / GAIN**2), FEW, drawn, TANH, draws)
    moved = drawn**2 * (units[:, 1] - units[:, 0]) / (high - low)
    told = float(slope(GAIN, settled))
    return all_of(
        [
            test(moved, expected=told * chord / tangent),
            of_middle(drawn**2 * units.mean(axis=1)),
            identity(told, chord, rounding=NEAR * chord, chance=False),
            identity(settled, middle, rounding=NEAR * settled, chance=False),
        ]
    )
