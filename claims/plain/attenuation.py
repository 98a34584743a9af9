"""He's example: what a standard deviation of 0.01 in every layer does to the gradients of a deep VGG net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, all_of, identity
from simulations import Initialiser, LeakyReLU, Network, he_fan_out, rademacher
from simulations.layers.convolution import Convolution
from simulations.layers.network import Sequential
from simulations.numbers.arrays import Array
from simulations.weights.undrawn import undrawn
from theory.domain import number
from theory.plain import attenuation
from theory.plain.backward_fluctuations import backward_relative_variance

DEVIATION, SIZE = sp.Rational(1, 100), 3
CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
"""Channels of conv1 to conv10: the filters of conv2 to conv10 are all but the first."""
PRINTED = {64: 5.89, 128: 4.17, 256: 2.95, 512: 2.08}
PRINTED_TOTAL, DIGITS = 1.7e4, 0.05e4

OneLayer = Callable[[int, sp.Expr], sp.Expr]
SMALL = Initialiser(lambda fan_in, fan_out: float(DEVIATION) ** 2)


def _kept(run: Run, below: int, above: int, init: Initialiser, rectified: bool, draws: int) -> Array:
    """Sums over pixels of a gradient's squares, a channel, of one window and below a layer over above it: (draws,)."""
    rng = run.rng("layer", below, above)
    convolution = Convolution("layer", below, above, SIZE, init=init)
    network = Network((Sequential((convolution, LeakyReLU(0.0 if rectified else 1.0))),))
    pixels, _ = rows(run, "pixels", draws, 1)
    size = below * SIZE**2
    x = np.tile(pixels, (1, 1, -(-size // pixels.shape[-1])))[..., :size].reshape(draws, 1, below, SIZE, SIZE)
    seen = network.run(network.draw(rng, draws, undrawn()), x)
    gradient = seen.backward(rademacher(rng, seen.output.shape))[0]
    kept: Array = (gradient**2).sum(axis=(1, 2, 3, 4)) / below
    return kept


@claim(
    "C14",
    paper=HE,
    where="section 2.2, the example of conv2 to conv10",
    states=r"\prod_{l}\frac{\sqrt{2/(9d_l)}}{0.01}=5.9\cdot4.2^2\cdot2.9^2\cdot2.1^4=1.7\times10^4",
    derivation=attenuation.DERIVATIONS,
    mutants=[
        mutant(
            "variances for deviations",
            "The ratio of variances, which is what the mean square shrinks by; the example tells of amplitudes.",
            one_layer=lambda filters, deviation: attenuation.attenuation(filters, deviation) ** 2,
        ),
        mutant(
            "without the window",
            "sqrt(2 / d): a dense layer's fan-out, where each pixel enters nine windows.",
            one_layer=lambda filters, deviation: attenuation.attenuation(filters, deviation, 1),
        ),
        mutant(
            "without the rectifier",
            "sqrt(1 / (9 d)), Xavier's for equal fans.",
            one_layer=lambda filters, deviation: attenuation.attenuation(filters, deviation) / sp.sqrt(2),
        ),
        mutant(
            "each width once",
            "5.9 x 4.2 x 2.9 x 2.1 = 151: the powers count the layers of each width.",
            layers=lambda channels: sorted(set(channels)),
        ),
        mutant(
            "He's variance drawn",
            "The simulated layers keep the gradient: their standard deviation follows the fan-out.",
            init=he_fan_out,
        ),
        mutant(
            "linear layers", "The simulated layers have no rectifier and pass all of the gradient.", rectified=False
        ),
    ],
)
def small_weights_attenuate_gradients(
    run: Run,
    *,
    one_layer: OneLayer = attenuation.attenuation,
    layers: Callable[[Sequence[int]], Sequence[int]] = tuple,
    init: Initialiser = SMALL,
    rectified: bool = True,
) -> Finding:
    """At standard deviation 0.01 layers of d filters shrink gradients by sqrt(2/(9d)) / 0.01; nine of VGG's by 17,000.

    Averages over Gaussian weights that are never drawn, at one window of real rows and a cotangent of random signs:
    what the window's pixels get back, a channel, in layers of VGG's widths, each by itself; exact at any width. That
    nine of them multiply to 17,000 is arithmetic, and so is that the derived ratios round to those in print.
    """
    printed = np.array(list(PRINTED.values()))
    distinct = np.array([number(one_layer(filters, DEVIATION)) for filters in PRINTED])
    total = np.prod([number(one_layer(filters, DEVIATION)) for filters in layers(CHANNELS[1:])])
    pairs = dict.fromkeys(pairwise(CHANNELS))
    run, findings = run.share(len(pairs)), []
    for below, above in pairs:
        # Signs at `above` filters have that sum of squares, one a filter: pixels keep 1 / attenuation^2 a channel.
        truth, claimed = (number(layer(above, DEVIATION)) ** -2 for layer in (attenuation.attenuation, one_layer))
        variance = truth**2 * number(backward_relative_variance((above,), SIZE**2 * below))
        test = run.mean(truth, variance=variance, error=0.04, at_most=0.04)
        findings.append(test(run.once(_kept, below, above, init, rectified, test.draws), expected=claimed))
    return all_of(
        [
            *findings,
            identity(distinct, printed, rounding=0.005, chance=False),
            identity(np.array([total]), np.array([PRINTED_TOTAL]), rounding=DIGITS, chance=False),
        ]
    )
