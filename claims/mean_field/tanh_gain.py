"""The gain 5/3 that is recommended for tanh: where the variance settles, and how gradients grow there."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Network, Tanh, lecun, measure
from simulations.engines.record import Record
from theory.layer import gains
from theory.mean_field import tanh_maps

WIDTH, GAIN = 4, float(Fraction(5, 3))


def _layer(run: Run, gain: float, variance: float, draws: int) -> Record:
    """A dense layer whose pre-activations have this variance, tanh, and a dense layer; forwards and backwards."""
    rows = run.inputs.narrowed(WIDTH)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows = rows * np.sqrt(variance / np.mean(rows**2, axis=1, keepdims=True))
    first, second = Dense("first", WIDTH, WIDTH, lecun), Dense("second", WIDTH, WIDTH, lecun.scaled(gain))
    network = Network((first, Tanh(), second))
    return measure(network, rows, draws=draws, rng=run.rng("layer"), backward=True)


@claim(
    "B4",
    paper=GLOROT,
    where="section 4.2.1, for tanh; the gain 5/3 of PyTorch's calculate_gain",
    states=r"q^*=g^2\,\mathbb E\tanh^2(\sqrt{q^*}t)=1.1785,\quad \chi=g^2\,\mathbb E\tanh'(\sqrt{q^*}t)^2=1.2098\quad"
    r"\text{at }g=\tfrac53,\ t\sim N(0,1)",
    derivation=tanh_maps.DERIVATIONS,
    mutants=[
        mutant(
            "tanh gain 5/3 keeps variance 1",
            "At variance 1 a layer with gain 5/3 makes it 1.095; the gain that keeps 1 is 1.5925.",
            fixed_point=lambda gain: 1.0,
        ),
        mutant(
            "the variance of the units",
            "q is the variance of the pre-activation; that of the units is q / g^2 = 0.424.",
            fixed_point=lambda gain: tanh_maps.fixed_point(gain) / gain**2,
        ),
        mutant(
            "gradients keep their size",
            "Preserving the variance forwards does not make chi 1: in a tanh net only gain 1, where q dies out, does.",
            growth=lambda gain, variance: 1.0,
        ),
        mutant(
            "the gain is the growth",
            "g^2 is the factor of a linear layer, or of tanh at variance 0; saturation lowers it.",
            growth=lambda gain, variance: gain**2,
        ),
        mutant("Xavier drawn", "Weights with gain 1, where the claim is of 5/3.", gain=1.0),
    ],
)
def tanh_gain_has_its_own_fixed_point(
    run: Run,
    *,
    fixed_point: Callable[[float], float] = tanh_maps.fixed_point,
    growth: Callable[[float, float], float] = tanh_maps.gradient_growth,
    gain: float = GAIN,
) -> Finding:
    """At gain 5/3 a tanh layer keeps the variance 1.178, not 1, and there gradients grow by 1.21 in mean square.

    Averages over Gaussian weights at fixed inputs scaled to that variance, and a cotangent of random signs; exact for
    one layer at every width (that deep nets settle there is a statement about wide ones, and not tested).
    """
    run, variance = run.share(2), fixed_point(GAIN)
    unit, slope = gains.tanh_moment(2, variance), gains.tanh_moment(0, variance, 2)
    # Mean squares of WIDTH independent units; backwards each is a squared slope times that of a normal variable.
    spread = GAIN**4 * (gains.tanh_moment(4, variance) - unit**2) / WIDTH
    back_spread = GAIN**4 * (3 * gains.tanh_moment(0, variance, 4) - slope**2) / WIDTH
    ahead = run.mean(GAIN**2 * unit, variance=spread, error=0.015)
    back = run.mean(GAIN**2 * slope, variance=back_spread, error=0.03)
    record = run.once(_layer, gain, variance, max(ahead.draws, back.draws))
    gradients = record.gradient_square_norms
    return all_of(
        [
            ahead(gain**2 * record.square_norms[:, 2] / WIDTH, expected=variance),
            back(gradients[:, 1] / gradients[:, 3], expected=growth(GAIN, variance)),
        ]
    )
