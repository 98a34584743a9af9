"""Activations: what a rectifier does to the moments of a symmetric pre-activation, and the gain that undoes it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, lecun, mlp, rademacher
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.expectation import fourth_central_moment
from theory.layer import rectifiers

FAN_IN, UNITS = 8, 16


def _units(run: Run, slope: float, init: Initialiser, count: int) -> Array:
    """At least `count` independent activations, each over the deviation ||x|| / sqrt(fan_in) of its pre-activation."""
    rng, inputs = run.rng("units", str(slope)), run.inputs.narrowed(FAN_IN)
    network = mlp([FAN_IN, UNITS], init=init, activation=LeakyReLU(slope))
    parts = []
    for draws in batches(network, 2 * -(-count // (2 * UNITS))):
        x = inputs[rng.integers(len(inputs), size=draws)][:, None, :]
        deviations = np.linalg.norm(x, axis=-1, keepdims=True) / np.sqrt(FAN_IN)
        parts.append((network.run(network.draw(rng, draws), x).output / deviations).ravel())
    return np.concatenate(parts)


@claim(
    "B1",
    paper=HE,
    where="section 2.2",
    states=r"\mathbb E\,\mathrm{relu}(z)=\sqrt{\tfrac{q}{2\pi}},\quad \mathbb E\,\mathrm{relu}(z)^2=\tfrac q2,\quad "
    r"\operatorname{Var}\mathrm{relu}(z)=q\bigl(\tfrac12-\tfrac1{2\pi}\bigr),\quad \mathbb "
    r"E\,\mathrm{relu}(z)^4=\tfrac{3q^2}2",
    derivation=[rectifiers.leaky_power, rectifiers.symmetric_half, rectifiers.relu_spread],
    mutants=[
        mutant(
            "the variance is half",
            "One half is the second moment; the variance is less by the squared mean.",
            variance=rectifiers.relu_second_moment,
        ),
        mutant(
            "the second moment is the variance",
            "He's recursion needs E x^2, which is not Var x once x has a mean.",
            second_moment=rectifiers.relu_variance,
        ),
        mutant(
            "leaky units",
            "The simulated activation lets a quarter of the negative side through.",
            slope=0.25,
        ),
    ],
)
def relu_moments(
    run: Run,
    *,
    second_moment: Callable[[float], sp.Expr] = rectifiers.relu_second_moment,
    variance: Callable[[float], sp.Expr] = rectifiers.relu_variance,
    slope: float = 0.0,
) -> Finding:
    """ReLU halves the second moment of a symmetric input; mean, variance and fourth moment are Gaussian.

    Averages over weights at fixed input; exact at every width. The half holds for any symmetric weights (also tested
    with random signs, at fan-in 8), the others for Gaussian pre-activations.
    """
    run = run.share(5)
    moments = {k: number(rectifiers.leaky_moment(k, 0, 1)) for k in (1, 2, 3, 4, 8)}
    spread = number(rectifiers.relu_variance(1))
    central_fourth = number(fourth_central_moment(*(moments[k] for k in (1, 2, 3, 4))))
    first = run.mean(moments[1], variance=spread, error=0.02)
    second = run.mean(moments[2], variance=moments[4] - moments[2] ** 2, error=0.02)
    fourth = run.mean(moments[4], variance=moments[8] - moments[4] ** 2, error=0.05)
    central = run.mean(spread, variance=(central_fourth + spread**2) / 2, error=0.04)
    units = run.once(_units, slope, lecun, second.draws)
    signs = run.once(_units, slope, lecun.with_law(rademacher), second.draws)
    return all_of(
        [
            second(units**2, second_moment(1)),
            first(units, rectifiers.relu_mean(1)),
            central((units[::2] - units[1::2]) ** 2 / 2, variance(1)),
            fourth(units**4),
            second(signs**2, second_moment(1)),  # the kurtosis of a sum of signs is below 3
        ]
    )


@claim(
    "B2",
    paper=HE,
    where="section 2.2, equation 15",
    states=r"g^2=\frac{2}{1+a^2}\ \Longrightarrow\ g^2\,\mathbb E\,\varphi_a(z)^2=\mathbb E z^2",
    derivation=[rectifiers.symmetric_leaky, rectifiers.variance_preserving_gain],
    mutants=[
        mutant(
            "2 / (1 + a)",
            "The slope enters squared; the two agree at a = 0 and a = 1, where they are usually tested.",
            gain=lambda a: sp.sqrt(2 / (1 + sp.Abs(a))),
        ),
        mutant(
            "2 / (1 - a^2)",
            "The negative side adds to the second moment whatever the sign of the slope.",
            gain=lambda a: sp.sqrt(2 / (1 - sp.sympify(a) ** 2)),
        ),
        mutant(
            "the square root forgotten",
            "2 / (1 + a^2) is the squared gain: a factor for the variance, not for the weights.",
            gain=lambda a: 2 / (1 + sp.sympify(a) ** 2),
        ),
        mutant(
            "linear units",
            "The gain of a leaky unit on a network whose units let everything through.",
            simulated=lambda a: 1.0,
        ),
    ],
)
def leaky_gain(
    run: Run,
    *,
    gain: Callable[[float], sp.Expr] = rectifiers.leaky_gain,
    simulated: Callable[[float], float] = lambda a: a,
) -> Finding:
    """The gain sqrt(2 / (1 + a^2)) makes a leaky ReLU preserve the second moment.

    Averages over weights at fixed input; exact at every width for symmetric weights. Slopes -0.6, 0, 0.3 and 0.6; the
    test's variance is that of Gaussian weights.
    """
    slopes = (0.3, 0.6, 0.0, -0.6)
    run, findings = run.share(len(slopes)), []
    for slope in slopes:
        true_gain = number(rectifiers.leaky_gain(slope))
        variance = number(rectifiers.leaky_moment(4, slope, 1)) - true_gain**-4
        test = run.mean(true_gain**-2, variance=variance, error=0.02)
        units = run.once(_units, simulated(slope), lecun, test.draws)
        findings.append(test(units**2, expected=1 / number(gain(slope)) ** 2))
    return all_of(findings)
