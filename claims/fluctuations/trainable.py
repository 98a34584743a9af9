"""How likely a random start is to give a ReLU net that can be trained: alive, with gradients of a reasonable size."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, lecun, measure, mlp
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import log_moments, trainable

WIDTH, LAYERS, BOUND, OUTPUTS = 4, 4, 3, 5
CASES = ((math.sqrt(2), "layer1", 0.1), (2.0, "readout", 0.25))
"""A gain, the matrix of which the gradient is seen, and the error of the probability that is seen at any effort."""
Probability = Callable[[float], float]


def _gradients(run: Run, gain: float, matrix: str, leak: float, draws: int) -> Array:
    """The norm of the gradient in one matrix, over those of the input and of the output's cotangent, (draws,)."""
    init, rng = lecun.scaled(gain), run.rng("gradients", matrix)
    widths, inputs = [WIDTH] * (LAYERS + 1), run.inputs.narrowed(WIDTH)
    network = mlp(widths, init=init, activation=LeakyReLU(leak), classes=OUTPUTS, readout=init)
    found = measure(network, inputs, draws=draws, rng=rng, backward=True, extras=("weight_gradients",), engine="drawn")
    squares = found.weight_gradients[f"{matrix}.weight"] / found.square_norms[:, 0] / OUTPUTS
    return np.sqrt(squares[:draws])


@cache
def _exact(gain: float) -> float:
    return trainable.probability(gain, WIDTH, LAYERS, BOUND)


def _log_normal(gain: float) -> float:
    """The probability of a normal logarithm with the exact mean and variance, in the nets that are alive."""
    widths = [WIDTH] * LAYERS
    mean = number(log_moments.log_mean(widths)) + LAYERS * math.log(gain**2 / 2)
    law = NormalDist(mean, math.sqrt(number(log_moments.log_variance(widths))))
    band = 2 * math.log(BOUND)
    return number(trainable.alive_probability(WIDTH, LAYERS)) * (law.cdf(band) - law.cdf(-band))


@claim(
    "C22",
    paper=HANIN,
    where="their two failure modes of a start; the probability derived here",
    states=r"P\Bigl(\tfrac1g\le\frac{\|\nabla_{W_l}\|}{\|x_0\|\,\|v\|}\le g\Bigr)=\frac2\pi\int_0^\infty"
    r"\frac{\sin(2t\log g)}t\operatorname{Re}\Bigl[\sum_{k=1}^n\frac{\binom nk}{2^n}"
    r"\Bigl(\frac{2\sigma_w^2}n\Bigr)^{it}\frac{\Gamma(\frac k2+it)}{\Gamma(\frac k2)}\Bigr]^Ldt\ \text{ for every }l",
    derivation=trainable.DERIVATIONS,
    mutants=[
        mutant(
            "any scale will do",
            "The probability of being alive, which no scale of the weights changes.",
            probability=lambda gain: number(trainable.alive_probability(WIDTH, LAYERS)),
        ),
        mutant(
            "given that it is alive",
            "Dead nets left out of the count; they cannot be trained either.",
            probability=lambda gain: _exact(gain) / number(trainable.alive_probability(WIDTH, LAYERS)),
        ),
        mutant(
            "log-normal",
            "The limit in depth, here with exact mean and variance, taken for the law of four layers.",
            probability=_log_normal,
        ),
        mutant(
            "He in the middle",
            "Keeping the mean square taken for the best start: too large and too small by one factor would be alike.",
            probability=lambda gain: _exact(min(gain, 2 / gain)),
        ),
        mutant(
            "the last layer alone",
            "A layer's own fluctuation; those of all layers multiply.",
            probability=lambda gain: trainable.probability(gain, WIDTH, 1, BOUND),
        ),
        mutant("a leak", "The simulated units leak, so that no net dies.", leak=0.2),
    ],
)
def trainable_starts(run: Run, *, probability: Probability = _exact, leak: float = 0.0) -> Finding:
    """A matrix of a narrow ReLU net has a gradient within a factor 3 in 35 % of draws at He's gain, in 39 % at gain 2.

    The gain is sigma_w, for weights N(0, sigma_w^2 / n); the gradient is counted in units of the norms of the input and
    of the cotangent of the output, here random signs. Over Gaussian weights at a fixed input; exact at every width, and
    one law for all L + 1 matrices: tested for the second and for the readout of four layers of width 4, of which 77 %
    are alive. Whether they then learn is not claimed.
    """
    run, findings = run.share(len(CASES)), []
    for gain, matrix, error in CASES:
        test = run.count(_exact(gain), error=error, at_most=error)
        norms = run.once(_gradients, gain, matrix, leak, test.trials)
        inside = (norms >= 1 / BOUND) & (norms <= BOUND)
        findings.append(test(int(inside.sum()), len(norms), expected=probability(gain)))
    return all_of(findings)
