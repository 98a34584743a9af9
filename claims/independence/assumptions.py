"""The usual list of assumptions (inputs, weights and errors independent with mean 0), and where it fails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, LeakyReLU, Network, Sequential, he
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.layer import one_layer, rectifiers

FEATURES, HIDDEN, OUT = 4, 8, 8


def _two_layers(run: Run, slope: float, draws: int) -> Array:
    """The mean hidden unit over ||x||, and the squared norm of the next pre-activations over ||x||^2, (draws, 2)."""
    first = Sequential((Dense("first", FEATURES, HIDDEN, he), LeakyReLU(slope)))
    network = Network((first, Dense("second", HIDDEN, OUT, he)))
    rows, rng = run.inputs.narrowed(FEATURES), run.rng("layers")
    x = rows[rng.integers(len(rows), size=draws)][:, None, :]
    _, hidden, after = network.run(network.draw(rng, draws), x).states
    squares = np.square(x).sum(axis=(1, 2))
    seen: Array = np.stack(
        [hidden.mean(axis=(1, 2)) / np.sqrt(squares), np.square(after).sum(axis=(1, 2)) / squares], 1
    )
    return seen


@claim(
    "S4",
    paper=HE,
    where="section 2.2, against the usual assumption that activations have mean 0",
    states=r"\mathbb E x_l=\sqrt{q/2\pi}\ne0\ \Rightarrow\ \operatorname{Var}z_{l+1}=n\sigma^2\,\mathbb E x_l^2"
    r"=n\sigma^2\tfrac q2,\ \text{not}\ n\sigma^2\operatorname{Var}x_l",
    derivation=[one_layer.linear_layer, rectifiers.symmetric_half, rectifiers.relu_spread],
    mutants=[
        mutant(
            "Var x for E x^2",
            "The same only if x has mean 0, which nothing has that comes out of a ReLU.",
            passed_on=rectifiers.relu_variance,
        ),
        mutant(
            "activations have mean 0",
            "So have the weights; the activations behind a ReLU are never negative.",
            hidden_mean=lambda variance: sp.S.Zero,
        ),
        mutant(
            "the root mean square",
            "sqrt(q/2) is the root of the mean square of a rectified unit, not its mean.",
            hidden_mean=lambda variance: sp.sqrt(variance / 2),
        ),
        mutant("no rectifier", "In the simulated linear network activations do have mean 0.", slope=1.0),
    ],
)
def activations_are_not_centred(
    run: Run,
    *,
    passed_on: Callable[[sp.Expr], sp.Expr] = rectifiers.relu_second_moment,
    hidden_mean: Callable[[sp.Expr], sp.Expr] = rectifiers.relu_mean,
    slope: float = 0.0,
) -> Finding:
    """Behind a ReLU activations have a mean, so the next layer sees their second moment and not their variance.

    Averages over Gaussian weights at fixed input; exact at any width (here 4, 8, 8).
    """
    run, variance = run.share(2), sp.Rational(2, FEATURES)  # of a pre-activation, for an input of norm 1
    unit, after = number(rectifiers.relu_mean(variance)), _after(rectifiers.relu_second_moment(variance))
    kurtosis = number(fluctuations.relu_ratio_moment(2, HIDDEN)) * (1 + 2 / OUT)
    first = run.mean(unit, variance=number(rectifiers.relu_variance(variance)) / HIDDEN, error=0.05)
    second = run.mean(after, variance=(kurtosis - 1) * after**2, error=0.05)
    samples = run.once(_two_layers, slope, max(first.draws, second.draws))
    return all_of(
        [
            first(samples[:, 0], expected=hidden_mean(variance)),
            second(samples[:, 1], expected=_after(passed_on(variance))),
        ]
    )


def _after(second: sp.Expr) -> float:
    """The mean squared norm of the next pre-activations when a hidden unit has this second moment."""
    return number(one_layer.second_moment(OUT, sp.Rational(2, HIDDEN), HIDDEN * second))
