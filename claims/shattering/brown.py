"""Brown or white: the gradient of a net of one hidden layer as its input moves along a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import sympy as sp

from claims.mean_field.angles import turned
from claims.registry import claim, mutant
from claims.run import Run
from claims.shattering.masks import BALDUZZI
from evidence import Finding, all_of
from simulations import mlp
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian
from simulations.weights.undrawn import undrawn
from theory.mean_field import angles
from theory.shattering import brown

WIDTH, STEP = 64, sp.pi / 4
LAGS = (1, 2, 3)
Seen = Literal["gradient", "states"]
Law = Callable[[sp.Expr], sp.Expr]


def _products(run: Run, lag: int, seen: Seen, draws: int) -> Array:
    """Inner products of gradients, or of hidden states, at two inputs so many steps apart, over the mean square."""
    rng, rows, network = run.rng("lag", lag), run.inputs.narrowed(WIDTH), mlp((WIDTH, WIDTH))
    pairs = turned(rows[rng.permutation(len(rows))[:32]], float(lag * STEP))
    passed = network.run(network.draw(rng, draws, undrawn()), pairs[rng.integers(len(pairs), size=draws)])
    v = np.repeat(gaussian(rng, (draws, 1, WIDTH)) / WIDTH**0.5, 2, axis=1)
    series = passed.output if seen == "states" else passed.backward(v)[0]
    products: Array = np.einsum("di,di->d", series[:, 0], series[:, 1])
    return products


@claim(
    "G6",
    paper=BALDUZZI,
    where="gradients of shallow nets are like brown noise",
    states=r"\frac{\mathbb E\langle g(t),g(t+kh)\rangle}{\mathbb E\|g\|^2}=1-\frac{kh}\pi\quad(kh\le\pi),\qquad "
    r"x(t)=\cos t\,e_1+\sin t\,e_2",
    derivation=[angles.coactivation, angles.overlap, *brown.DERIVATIONS],
    mutants=[
        mutant(
            "white",
            "Zero at every lag, as of deep nets on a coarse grid; a shallow net's masks change little by little.",
            correlation=lambda lag: sp.S.Zero,
        ),
        mutant(
            "independent masks",
            "1/2 at every lag: that of masks thrown as coins, and of a quarter turn.",
            correlation=lambda lag: sp.Rational(1, 2),
        ),
        mutant(
            "the cosine of the angle",
            "The correlation of pre-activations, which are linear in the input; the units active at both go by the "
            "angle itself.",
            correlation=sp.cos,
        ),
        mutant(
            "exponential in the lag",
            "exp(-lag/pi), of the same slope at 0: a process that forgets, whose increments are correlated.",
            correlation=lambda lag: sp.exp(-lag / sp.pi),
        ),
        mutant(
            "the output's correlation",
            "The arc-cosine kernel of order 1 is that of the net's values; gradients have that of order 0.",
            correlation=angles.next_cosine,
        ),
        mutant(
            "hidden states", "The simulated series is that of the hidden states, so that of the outputs.", seen="states"
        ),
    ],
)
def gradients_of_shallow_nets_are_brown(
    run: Run, *, correlation: Law = brown.lag_correlation, seen: Seen = "gradient"
) -> Finding:
    """With one hidden layer, the gradient's autocorrelation along a circle falls linearly with the lag, as brown noise.

    Averages over Gaussian weights of both layers; exact at any width. Real rows of width 64, at norm 1, turned by 45,
    90 and 135 degrees; errors are absolute, the variance has a derived bound. Deeper nets are not sampled here: in the
    wide limit the correlation starts as 1 - L kh / pi, so that it is white only on grids coarser than pi / L.
    """
    run, findings = run.share(len(LAGS)), []
    for steps in LAGS:
        lag = steps * STEP
        variance = brown.variance_bound(lag, WIDTH)
        test = run.mean(brown.lag_correlation(lag), variance=variance, error=0.03, at_most=0.035, unit=1)
        findings.append(test(run.once(_products, steps, seen, test.draws), expected=correlation(lag)))
    return all_of(findings)
