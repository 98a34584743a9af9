"""He's example: what a standard deviation of 0.01 in every layer does to the gradients of a deep VGG net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Initialiser, he, he_fan_out
from simulations.layers.convolution import Convolution
from theory.domain import number
from theory.plain import attenuation

DEVIATION, SIZE = sp.Rational(1, 100), 3
CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
"""Channels of conv1 to conv10: the filters of conv2 to conv10 are all but the first."""
PRINTED = {64: 5.89, 128: 4.17, 256: 2.95, 512: 2.08}
PRINTED_TOTAL, DIGITS = 1.7e4, 0.05e4

OneLayer = Callable[[int, sp.Expr], sp.Expr]


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
            "fan-in drawn",
            "He's variance with the channels of the layer below, another number where they double.",
            init=he,
        ),
    ],
)
def small_weights_attenuate_gradients(
    run: Run,
    *,
    one_layer: OneLayer = attenuation.attenuation,
    layers: Callable[[Sequence[int]], Sequence[int]] = tuple,
    init: Initialiser = he_fan_out,
) -> Finding:
    """At standard deviation 0.01 the gradient of a VGG net shrinks 17,000-fold from conv10 to conv2.

    Arithmetic, nothing is averaged: the standard deviations that the initialiser takes for nine convolutions of 3 x 3
    windows, over 0.01, are those derived, and derived ones round to the numbers in print. Exact.
    """
    pairs = list(pairwise(CHANNELS))
    convolutions = [Convolution("layer", below, above, SIZE, padding=1, init=init).dense for below, above in pairs]
    taken = np.array([dense.init.deviation(dense.fan_in, dense.fan_out) / float(DEVIATION) for dense in convolutions])
    ratios = np.array([number(one_layer(above, DEVIATION)) for _, above in pairs])
    printed = np.array(list(PRINTED.values()))
    distinct = np.array([number(one_layer(filters, DEVIATION)) for filters in PRINTED])
    total = np.prod([number(one_layer(filters, DEVIATION)) for filters in layers(CHANNELS[1:])])
    rounding = 8 * np.finfo(float).eps * ratios  # a square root, two quotients and the constant 0.01, on either side
    return all_of(
        [
            identity(taken, ratios, rounding=rounding, chance=False),
            identity(distinct, printed, rounding=0.005, chance=False),
            identity(np.array([total]), np.array([PRINTED_TOTAL]), rounding=DIGITS, chance=False),
        ]
    )
