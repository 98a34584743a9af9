"""Two inputs of one ReLU layer: the angle between their hidden states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, mlp
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.mean_field import angles

WIDTHS = (4, 32)
ANGLES = (sp.pi / 2, sp.pi / 3, 2 * sp.pi / 3)


def turned(rows: Array, angle: float) -> Array:
    """Pair real rows, at norm 1, with the same rows turned by `angle`: (samples, 2, features), features even."""
    x = rows / norm(rows)[:, None]
    across = np.stack([-x[:, 1::2], x[:, ::2]], axis=2).reshape(x.shape)
    return np.stack([x, np.cos(angle) * x + np.sin(angle) * across], axis=1)


def hidden_pairs(run: Run, angle: sp.Expr, slope: float, alike: bool, draws: int) -> Array:
    """One ReLU layer at two inputs, (draws, 2, units); not `alike`: each input has a layer of its own."""
    rng, network = run.rng("pairs", str(angle)), mlp(WIDTHS, activation=LeakyReLU(slope))
    pairs = turned(run.inputs.narrowed(WIDTHS[0]), float(angle))
    x = pairs[rng.integers(len(pairs), size=draws)]
    states = network.run(network.draw(rng, draws), x).output
    if not alike:
        states[:, 1] = network.run(network.draw(rng, draws), x).output[:, 1]
    return states


@claim(
    "M2",
    paper="Cho & Saul 2009",
    where="the arc-cosine kernel of order 1, as mean-field theory of ReLU nets uses it",
    states=r"\frac{\mathbb E\langle x_1',x_2'\rangle}{\|x_1\|\|x_2\|}=\frac{\sin\theta+(\pi-\theta)\cos\theta}{\pi}"
    r"=\frac{\sqrt{1-c^2}+(\pi-\arccos c)\,c}{\pi},\qquad c=\cos\theta",
    derivation=[angles.cosine, angles.correlation_map, angles.square_of_product],
    mutants=[
        mutant(
            "angles are kept",
            "True of linear layers: a rectifier makes all states non-negative and so brings them closer.",
            cosine=sp.cos,
        ),
        mutant(
            "a straight line",
            "1 - c' = (1 - 1/pi)(1 - c), right for orthogonal and for equal inputs, makes the approach to 1 "
            "exponential in depth; the map touches the diagonal at 1, so 1 - c falls like 1 / l^2.",
            cosine=lambda angle: 1 - (1 - 1 / sp.pi) * (1 - sp.cos(angle)),
        ),
        mutant(
            "the other angle",
            "arccos c where the wedge of units active at both has the angle pi - arccos c: arcsine's sign lost.",
            cosine=lambda angle: (sp.sin(angle) + angle * sp.cos(angle)) / sp.pi,
        ),
        mutant(
            "the covariance",
            "The mean 1/pi of the product of independent units taken away: the correlation over weights, not the "
            "cosine of the states.",
            cosine=lambda angle: (angles.next_cosine(angle) - 1 / sp.pi) / (1 - 1 / sp.pi),
        ),
        mutant(
            "2 c' - 1",
            "The cosine mistaken for a probability of agreement and scaled to lie between -1 and 1.",
            cosine=lambda angle: 2 * angles.next_cosine(angle) - 1,
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", slope=1.0),
        mutant(
            "two layers of weights",
            "Each input simulated with a layer of its own: then the angle is lost.",
            alike=False,
        ),
    ],
)
def relu_correlation_map(
    run: Run,
    *,
    cosine: Callable[[sp.Expr], sp.Expr] = angles.next_cosine,
    slope: float = 0.0,
    alike: bool = True,
) -> Finding:
    """A ReLU layer brings two inputs closer: cosine c becomes (sqrt(1 - c^2) + (pi - arccos c) c) / pi.

    Averages the inner product over Gaussian weights that keep the mean square norm, at two fixed inputs; exact at any
    width (the cosine itself: as the width grows). Real rows and the same rows turned by 60, 90 and 120 degrees, 32
    units; errors are absolute. The variance is exact.
    """
    run, findings = run.share(len(ANGLES)), []
    for angle in ANGLES:
        variance = number(angles.product_variance(angle)) / WIDTHS[1]
        test = run.mean(angles.next_cosine(angle), variance=variance, error=0.02, unit=1)
        states = run.once(hidden_pairs, angle, slope, alike, test.draws)
        samples = np.einsum("di,di->d", states[:, 0], states[:, 1]) * WIDTHS[0] / WIDTHS[1]
        findings.append(test(samples, expected=cosine(angle)))
    return all_of(findings)
