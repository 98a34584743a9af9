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
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.plain import glorot as plain_glorot

Variance = Callable[[int, int], sp.Expr]


def _linear_layer(run: Run, fan_in: int, fan_out: int, variance: float, draws: int) -> tuple[Array, Array]:
    """Squared norms forwards (out over in) and backwards (in over out) of a linear layer with this variance."""
    network = mlp([fan_in, fan_out], init=Initialiser(lambda fan_in, fan_out: variance), activation=None)
    inputs, rng = run.inputs.narrowed(fan_in), run.rng("layer", fan_in, fan_out)
    record = measure(network, inputs, draws=draws, rng=rng, backward=True)
    back = record.gradient_square_norms
    return record.square_norms[:, 1] / record.square_norms[:, 0], back[:, 0] / back[:, 1]


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

    Averages over Gaussian weights at fixed input and cotangent; exact at finite width, here at drawn ones. Weights are
    drawn with the variance that the claim states; the mean square per unit is then preserved, and the squared norms are
    chi-square. One variance does both if and only if the fans are equal: with the forward one the gradient's law is
    found to fit in a square layer and not to fit in the other.
    """
    run = run.share(3)
    fan_out, fan_in = sorted(run.widths(2, least=4, most=12))
    outputs, inputs = (run.chi_square(fan, error=0.02) for fan in (fan_out, fan_in))
    draws, kept = max(inputs.draws, outputs.draws), number(forward(fan_in, fan_out))
    ahead, _ = run.once(_linear_layer, fan_in, fan_out, kept, draws)
    _, back = run.once(_linear_layer, fan_in, fan_out, number(backward(fan_in, fan_out)), draws)
    findings = [outputs(ahead * fan_in), inputs(back * fan_out)]
    preserving = number(plain_glorot.forward_variance(fan_in))
    for units in (fan_in, fan_out):
        _, back = run.once(_linear_layer, fan_in, units, preserving, draws)
        preserved = inputs(back * units).verdict == "held"
        findings.append(identity(float(preserved), float(both(fan_in, units)), rounding=0.0, chance=False))
    return all_of(findings)


def _weights(run: Run, init: Initialiser, fan_in: int, fan_out: int, draws: int) -> Array:
    """Squared Frobenius norms of drawn weight matrices."""
    rng = run.rng("weights", fan_in, fan_out)
    norms: Array = np.square(init.draw(rng, draws, fan_in, fan_out)).sum(axis=(1, 2))
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
        mutant(
            "for a standard deviation",
            "2 / (n_in + n_out) handed to a generator of normal numbers as their standard deviation.",
            init=Initialiser(lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 2),
        ),
        mutant(
            "Caffe's xavier filler",
            "By default it divides by the fan-in alone, 1 / n_in: the forward condition, and no compromise.",
            init=lecun,
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

    The entries of drawn matrices have that variance: their sum of squares is a multiple of a chi-square variable. Exact
    at any fans, here at drawn ones and at 100 and 300, where it is 1/200.
    """
    run, findings = run.share(2), []
    drawn = (*run.widths(1, least=3, most=5), *run.widths(1, least=12, most=20))
    for fan_in, fan_out in (drawn, (100, 300)):
        test = run.chi_square(fan_in * fan_out, error=0.02, at_most=0.03)
        norms = run.once(_weights, init, fan_in, fan_out, test.draws)
        findings.append(test(norms / number(compromise(fan_in, fan_out))))
    return all_of(findings)
