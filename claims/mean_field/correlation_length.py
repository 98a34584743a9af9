"""The depth scale on which a tanh net in its ordered phase forgets how two inputs differ, and loses its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from claims.mean_field.angles import turned
from claims.mean_field.length_maps import SCHOENHOLZ
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Network, Tanh, lecun, rademacher
from simulations.numbers.arrays import Array
from theory.layer import gains
from theory.mean_field import correlation_length, tanh_correlation, tanh_slopes

INPUTS, UNITS, NEAR = 4, 8, 0.01
GAIN, BIAS = 1.0, 1.0
"""Square roots of the weight variance times fan-in, and the variance of the biases: ordered, chi is 0.40."""
COARSEST = 0.08
"""Without biases pre-activations are a third as large and chi half as much again: larger errors would not tell."""

Scale = Callable[[float, float], float]


def _factors(run: Run, gain: float, biases: bool, draws: int) -> Array:
    """Factors of one layer on the squared distance of nearby inputs and on the squared gradient, and the length behind.

    An array (draws, 3); the length in front is the settled one.
    """
    rng, pairs = run.rng("factors"), turned(run.inputs.narrowed(INPUTS), NEAR)
    from_weights = correlation_length.settled_length(GAIN, BIAS) - BIAS
    pairs = pairs * math.sqrt(from_weights / GAIN**2 * INPUTS)
    deviation = math.sqrt(BIAS) if biases else None
    first = Dense("first", INPUTS, UNITS, lecun.scaled(gain), deviation)
    network = Network((first, Tanh(), Dense("second", UNITS, UNITS, lecun.scaled(gain), deviation)))
    x = pairs[rng.integers(len(pairs), size=draws)]
    seen = network.run(network.draw(rng, draws), x)
    before, after = (np.square(state[:, 0] - state[:, 1]).mean(axis=1) for state in (x, seen.states[2]))
    cotangent = rademacher(rng, seen.output.shape)
    cotangent[:, 1] = 0
    gradient = np.square(seen.backward(cotangent)[1]).sum(axis=(1, 2))
    length = np.square(seen.output[:, 0]).mean(axis=1)
    return np.stack([after / before, gradient / UNITS, length], axis=1)


@claim(
    "M4",
    paper=SCHOENHOLZ,
    where="sections 3 and 4: the depth scales xi_c and xi_grad",
    states=r"1-c_l\sim e^{-l/\xi},\quad\mathbb E\|g_{L-l}\|^2\sim e^{-l/\xi},\quad\xi=-\frac1{\log\chi},\quad"
    r"\chi=g^2\,\mathbb E\tanh'(\sqrt{q^*}t)^2<1",
    derivation=[correlation_length.decay, tanh_correlation.parting],
    exact=False,
    mutants=[
        mutant(
            "the scale of lengths",
            "xi_q, from the slope of the length map: lengths settle at another rate than correlations.",
            scale=lambda gain, q: -1 / math.log(tanh_slopes.length_slope(gain, q)),
        ),
        mutant(
            "the scale of amplitudes",
            "-2 / log chi, on which distances fall by e: chi is the factor on their squares.",
            scale=lambda gain, q: 2 * correlation_length.correlation_length(gain, q),
        ),
        mutant(
            "chi without its square",
            "g^2 E tanh', one slope where distances and gradients have two.",
            scale=lambda gain, q: -1 / math.log(gain**2 * (1 - tanh_correlation.next_length(1, q))),
        ),
        mutant(
            "critical",
            "At gain 1 chi is 1 without biases only; with them units saturate, and the net is ordered.",
            scale=lambda gain, q: math.inf,
        ),
        mutant("no biases drawn", "Smaller pre-activations, on which tanh is steeper.", biases=False),
        mutant("a larger gain drawn", "Weights with gain 5/3: nearby inputs part.", gain=5 / 3),
    ],
)
def distances_and_gradients_share_a_depth_scale(
    run: Run, *, scale: Scale = correlation_length.correlation_length, gain: float = GAIN, biases: bool = True
) -> Finding:
    """In an ordered tanh net nearby inputs merge, and gradients die, by a factor e in the same xi = -1/log chi layers.

    Averages the factor of one layer over Gaussian weights and biases at fixed inputs that make pre-activations of the
    settled length; exact for one layer at any width. Real rows and the same turned by 0.01, for which the exact factor
    differs from chi by less than 1e-4, made good. A layer keeps the settled length in the mean. That factors of layers
    multiply is a statement about wide nets, and not tested. Off criticality only. Variances are exact.
    """
    run, q = run.share(3), correlation_length.settled_length(GAIN, BIAS)
    chi, parted = correlation_length.chi(GAIN, q), correlation_length.distance_factor(GAIN, BIAS, NEAR)
    spread = (correlation_length.distance_moment(4, GAIN, BIAS, NEAR) - parted**2) / UNITS
    back_spread = (3 * GAIN**4 * gains.tanh_moment(0, q, 4) - chi**2) / UNITS
    distance = run.mean(parted, variance=spread, error=0.04, at_most=COARSEST, unit=chi)
    gradient = run.mean(chi, variance=back_spread, error=0.04, at_most=COARSEST)
    of_states = GAIN**4 * (gains.tanh_moment(4, q) - gains.tanh_moment(2, q) ** 2) / UNITS
    length = run.mean(q, variance=2 * (q**2 + of_states) / UNITS + of_states, error=0.05)
    factors = run.once(_factors, gain, biases, max(distance.draws, gradient.draws, length.draws))
    claimed = math.exp(-1 / scale(GAIN, q))
    return all_of(
        [distance(factors[:, 0], claimed * parted / chi), gradient(factors[:, 1], claimed), length(factors[:, 2])]
    )
