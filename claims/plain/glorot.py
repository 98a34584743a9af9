"""Glorot's two conditions, and the one number that stands between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Initialiser, glorot, he, lecun, measure, mlp
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.plain import glorot as plain_glorot

FAN_IN, FAN_OUT, DRAWS = 12, 5, 100


Variance = Callable[[int, int], sp.Expr]


def _linear_layer(run: Run, variance: float, draws: int) -> tuple[Array, Array]:
    """Squared norms forwards (out over in) and backwards (in over out) of a linear layer with this variance."""
    network = mlp([FAN_IN, FAN_OUT], init=Initialiser(lambda fan_in, fan_out: variance), activation=None)
    inputs, rng = run.inputs.narrowed(FAN_IN), run.rng("layer")
    record = measure(network, inputs, draws=draws, rng=rng, backward=True)
    back = record.gradient_square_norms
    return record.square_norms[:, 1] / record.square_norms[:, 0], back[:, 0] / back[:, 1]


def _gains_agree(run: Run, fan_in: int, fan_out: int) -> Array:
    """1 where a drawn layer has one gain in both directions, else 0: mean squares over all unit vectors, (draws,)."""
    network = mlp([fan_in, fan_out], init=lecun, activation=None)
    passed = network.run(network.draw(run.rng("gains", fan_in, fan_out), DRAWS), np.eye(fan_in)[None])
    ahead, back = passed.output, passed.backward(np.eye(fan_out)[None])[0]
    gains = [np.square(one).sum(axis=(1, 2)) / fan for one, fan in ((ahead, fan_out), (back, fan_in))]
    agree: Array = (np.abs(gains[0] / gains[1] - 1) <= 2 * (fan_in * fan_out + 2) * EPS).astype(float)
    return agree


@claim(
    "X1",
    paper=GLOROT,
    where="section 4.2.1, equations 10 and 11",
    states=r"n_{\mathrm{in}}\sigma^2=1\ \text{(forward)},\qquad n_{\mathrm{out}}\sigma^2=1\ \text{(backward)}",
    derivation=plain_glorot.DERIVATIONS,
    mutants=[
        mutant(
            "the conditions swapped",
            "For an m x n matrix rows have n entries: n Var W = 1 forwards, m Var W = 1 backwards.",
            forward=lambda fan_in, fan_out: plain_glorot.backward_variance(fan_out),
            backward=lambda fan_in, fan_out: plain_glorot.forward_variance(fan_in),
        ),
        mutant(
            "one condition for both",
            "The two agree only where the fans are equal.",
            backward=lambda fan_in, fan_out: plain_glorot.forward_variance(fan_in),
        ),
        mutant(
            "He's factor",
            "Twice the variance belongs to a rectified layer; this one is linear.",
            forward=lambda fan_in, fan_out: 2 * plain_glorot.forward_variance(fan_in),
        ),
        mutant(
            "the compromise",
            "Glorot's variance meets neither condition where the fans differ.",
            forward=plain_glorot.glorot_variance,
            backward=plain_glorot.glorot_variance,
        ),
        mutant(
            "never both at once",
            "The conditions exclude each other only where the fans differ; in a square layer they are the same.",
            both=lambda fan_in, fan_out: False,
        ),
    ],
)
def glorot_conditions(
    run: Run,
    *,
    forward: Variance = lambda fan_in, fan_out: plain_glorot.forward_variance(fan_in),
    backward: Variance = lambda fan_in, fan_out: plain_glorot.backward_variance(fan_out),
    both: Callable[[int, int], bool] = lambda fan_in, fan_out: fan_in == fan_out,
) -> Finding:
    """Weights of variance 1/n_in preserve a linear layer's mean square forwards, of variance 1/n_out its gradient's.

    Averages over Gaussian weights at fixed input and cotangent; exact at finite width. Weights are drawn with the
    variance that the claim states; the mean square per unit is then preserved, and the squared norms are chi-square.
    One variance does both if and only if the fans are equal: the two gains, averaged over all unit vectors, have the
    ratio n_in / n_out in every draw.
    """
    inputs, outputs = (run.share(2).chi_square(fan, error=0.02) for fan in (FAN_IN, FAN_OUT))
    draws = max(inputs.draws, outputs.draws)
    ahead, _ = run.once(_linear_layer, number(forward(FAN_IN, FAN_OUT)), draws)
    _, back = run.once(_linear_layer, number(backward(FAN_IN, FAN_OUT)), draws)
    return all_of(
        [
            outputs(ahead * FAN_IN),
            inputs(back * FAN_OUT),
            *(
                identity(run.once(_gains_agree, *fans), float(both(*fans)), rounding=0.0)
                for fans in ((FAN_IN, FAN_OUT), (FAN_IN, FAN_IN))
            ),
        ]
    )


def _weights(run: Run, init: Initialiser, fan_in: int, fan_out: int, draws: int) -> Array:
    """Squared Frobenius norms of drawn weight matrices."""
    norms: Array = np.square(init.draw(run.rng("weights"), draws, fan_in, fan_out)).sum(axis=(1, 2))
    return norms


@claim(
    "X2",
    paper=GLOROT,
    where="section 4.2.1, equation 12",
    states=r"\sigma^2=\frac{2}{n_{\mathrm{in}}+n_{\mathrm{out}}}"
    r"=H\Bigl(\tfrac1{n_{\mathrm{in}}},\tfrac1{n_{\mathrm{out}}}\Bigr)",
    derivation=plain_glorot.DERIVATIONS,
    mutants=[
        mutant(
            "the harmonic mean of the fans",
            "The harmonic mean is of the two target variances; of the fans it gives their arithmetic mean.",
            compromise=plain_glorot.harmonic_mean_of_fans_variance,
        ),
        mutant(
            "the geometric mean",
            "A third mean, 1 / sqrt(n_in n_out): equal at equal fans only.",
            compromise=plain_glorot.geometric_variance,
        ),
        mutant(
            "the sum of the fans",
            "One over the sum: the 2 of the mean forgotten.",
            compromise=lambda fan_in, fan_out: plain_glorot.glorot_variance(fan_in, fan_out) / 2,
        ),
        mutant("He weights", "Weights of variance 2 / fan_in: the rectifier's factor, and no compromise.", init=he),
    ],
)
def glorot_is_a_harmonic_mean_of_variances(
    run: Run,
    *,
    compromise: Callable[[int, int], sp.Expr] = plain_glorot.glorot_variance,
    init: Initialiser = glorot,
) -> Finding:
    """Glorot's variance is the harmonic mean of the two target variances, not of the fans.

    The entries of drawn matrices have that variance (chi-square law), and at 100 and 300 fans it is 1/200; exact.
    """
    fan_in, fan_out = 4, 12
    test = run.chi_square(fan_in * fan_out, error=0.02)
    norms = run.once(_weights, init, fan_in, fan_out, test.draws)
    ahead, back = plain_glorot.forward_variance(100), plain_glorot.backward_variance(300)
    return all_of(
        [
            test(norms / number(compromise(fan_in, fan_out))),
            identity(
                number(compromise(100, 300)),
                number(2 / (1 / ahead + 1 / back)),
                rounding=4 * EPS / 200,
                chance=False,
            ),
        ]
    )
