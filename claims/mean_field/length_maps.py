"""Mean-field maps of ReLU nets with biases: how lengths go on, how nearby inputs part, and how gradients grow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.mean_field.angles import turned
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, lecun, measure, mlp, rademacher
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.mean_field import length_maps

POOLE, SCHOENHOLZ = "Poole et al. 2016", "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017"
WIDTH, LAYERS, BIAS = 6, 3, sp.Integer(1)
CASES = ((sp.Integer(1), sp.Integer(8)), (sp.Integer(1), sp.Integer(2)), (sp.Integer(2), sp.Integer(2)))
"""Weight variance times fan-in, and the length to begin with: above the fixed point, at it, and at He's 2."""

InLayers = Callable[[sp.Expr, sp.Expr, sp.Expr, int], sp.Expr]


def _lengths(run: Run, weight: sp.Expr, start: sp.Expr, biases: bool, draws: int) -> Array:
    """Twice the mean square of the units at every depth, (draws, LAYERS + 1)."""
    rows = run.inputs.narrowed(WIDTH)
    rows = rows / norm(rows)[:, None] * float(sp.sqrt(start / 2 * WIDTH))
    bias = float(sp.sqrt(BIAS)) if biases else None
    network = mlp([WIDTH] * (LAYERS + 1), init=lecun.scaled(float(sp.sqrt(weight))), bias_deviation=bias)
    rng = run.rng("lengths", str(weight), str(start))
    lengths: Array = 2 * measure(network, rows, draws=draws, rng=rng, extras=()).square_norms / WIDTH
    return lengths


@claim(
    "M1",
    paper=POOLE,
    where="section 2, the length map; for ReLU in closed form, derived here",
    states=r"q'=\sigma_w^2\,\mathbb E\operatorname{relu}(\sqrt q\,t)^2+\sigma_b^2=\tfrac12\sigma_w^2q+\sigma_b^2,\quad "
    r"q^*=\frac{\sigma_b^2}{1-\sigma_w^2/2}\ (\sigma_w^2<2),\quad q_l=q_0+l\,\sigma_b^2\ (\sigma_w^2=2)",
    derivation=[length_maps.length_map, length_maps.fixed_point, length_maps.in_depth, length_maps.critical],
    mutants=[
        mutant(
            "without the half",
            "Linear units: at s_w^2 = 1 they add the biases up for ever, ReLUs settle.",
            in_layers=lambda weight, bias, start, layers: length_maps.in_layers(2 * weight, bias, start, layers),
        ),
        mutant(
            "biases forgotten",
            "q_0 (s_w^2/2)^l: the length of a net without biases.",
            in_layers=lambda weight, bias, start, layers: length_maps.in_layers(weight, 0, start, layers),
        ),
        mutant(
            "biases once",
            "The variance of the last bias added to the length without biases; earlier biases are carried on.",
            in_layers=lambda weight, bias, start, layers: length_maps.in_layers(weight, 0, start, layers) + bias,
        ),
        mutant(
            "deviations add",
            "sqrt(q') = sqrt(s_w^2 q / 2) + s_b: weights and biases are independent, their variances add.",
            in_layers=lambda weight, bias, start, layers: (
                (
                    (sp.sqrt(weight / 2) ** layers * sp.sqrt(start))
                    + sum(sp.sqrt(weight / 2) ** below * sp.sqrt(bias) for below in range(layers))
                )
                ** 2
            ),
        ),
        mutant("no biases drawn", "The simulated layers have no biases.", biases=False),
    ],
)
def relu_length_map(run: Run, *, in_layers: InLayers = length_maps.in_layers, biases: bool = True) -> Finding:
    """A ReLU layer makes length q into s_w^2 q/2 + s_b^2: it settles below He's s_w^2 = 2 and grows linearly there.

    Averages twice the mean square of a layer's units over Gaussian weights and biases at fixed input; for ReLU exact at
    any width and depth, as the map is linear. Above the fixed point, at it, and at He's variance; after one layer and
    after three. The variance is exact.
    """
    run, findings = run.share(2 * len(CASES)), []
    for weight, start in CASES:
        seconds = length_maps.second_moments(weight, BIAS, start, LAYERS, WIDTH)
        truths = [number(length_maps.in_layers(weight, BIAS, start, layer)) for layer in range(1, LAYERS + 1)]
        tests = [
            run.mean(truth, variance=number(second) - truth**2, error=0.05)
            for second, truth in zip(seconds, truths, strict=True)
        ]
        lengths = run.once(_lengths, weight, start, biases, max(test.draws for test in tests))
        findings += [
            tests[layer - 1](lengths[:, layer], expected=in_layers(weight, BIAS, start, layer)) for layer in (1, LAYERS)
        ]
    return all_of(findings)


NEAR, UNITS = 0.01, 16
"""The angle between two nearby inputs, and the units of the layer behind them."""
WEIGHTS = (sp.Integer(1), sp.Integer(2))


def _factors(run: Run, weight: sp.Expr, slope: float, draws: int) -> Array:
    """Factors on the squared distance of nearby inputs and on the squared gradient, a unit each, (draws, 2)."""
    rng, pairs = run.rng("factors", str(weight)), turned(run.inputs.narrowed(WIDTH), NEAR)
    network = mlp([WIDTH, UNITS], init=lecun.scaled(float(sp.sqrt(weight))), activation=LeakyReLU(slope))
    x = pairs[rng.integers(len(pairs), size=draws)]
    seen = network.run(network.draw(rng, draws), x)
    before, after = (np.square(state[:, 0] - state[:, 1]).sum(axis=1) for state in (x, seen.output))
    cotangent = rademacher(rng, seen.output.shape)
    cotangent[:, 1] = 0
    gradient = np.square(seen.backward(cotangent)[0]).sum(axis=(1, 2))
    return np.stack([after / before * WIDTH / UNITS, gradient / UNITS], axis=1)


@claim(
    "M3",
    paper=SCHOENHOLZ,
    where="sections 3 and 4; for ReLU derived here",
    states=r"\chi=\sigma_w^2\,\mathbb E\operatorname{relu}'(z)^2=\tfrac12\sigma_w^2:\quad "
    r"\mathbb E\|W^\top Dv\|^2=\chi\|v\|^2,\quad \frac{\mathbb E\|x_1'-x_2'\|^2}{\|x_1-x_2\|^2}\to\chi\ (\theta\to0)",
    derivation=[length_maps.chi, length_maps.parting],
    mutants=[
        mutant(
            "without the half",
            "s_w^2, the factor of linear layers: the critical variance would be Xavier's.",
            gradients=lambda weight: weight,
            distances=lambda weight: weight,
        ),
        mutant(
            "the root",
            "The factor on the norms of gradients, sqrt(chi), taken for that on their squares.",
            gradients=lambda weight: sp.sqrt(weight) / 2,
        ),
        mutant(
            "a straight line",
            "The chord of the correlation map from 0 to 1, of slope 1 - 1/pi, taken for its tangent at 1.",
            distances=lambda weight: length_maps.gradient_factor(weight) * (1 - 1 / sp.pi),
        ),
        mutant(
            "always critical",
            "ReLU keeps its scale, so chi does not depend on q; it does depend on s_w^2.",
            gradients=lambda weight: sp.S.One,
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", slope=1.0),
    ],
)
def chi_is_both_factors(
    run: Run,
    *,
    gradients: Callable[[sp.Expr], sp.Expr] = length_maps.gradient_factor,
    distances: Callable[[sp.Expr], sp.Expr] = length_maps.gradient_factor,
    slope: float = 0.0,
) -> Finding:
    """Squared gradients and squared distances of nearby inputs grow by one chi, s_w^2/2: critical is He's 2 alone.

    Averages over Gaussian weights (and a cotangent of random signs) at fixed inputs; at one layer exact at every width.
    Real rows and the same turned by 0.01, for which the exact factor is 0.2 % below its limit chi (the
    expected value allows for that).
    The variance of the gradient's factor is exact; that of the distance's is a bound: the distance of a unit and that
    of its mirror image add up to that of linear units, so its fourth power has at most half of theirs, 3 / 2.
    """
    run, findings = run.share(2 * len(WEIGHTS)), []
    for weight in WEIGHTS:
        size, chi = float(weight), number(length_maps.gradient_factor(weight))
        parted = number(length_maps.distance_factor(weight, NEAR))
        distance = run.mean(chi, variance=(1.5 * size**2 - parted**2) / UNITS * (chi / parted) ** 2, error=0.04)
        back_spread = size**2 * (1 + 1 / UNITS) / 4 * (1 + 2 / WIDTH) - chi**2
        gradient = run.mean(chi, variance=back_spread, error=0.04)
        factors = run.once(_factors, weight, slope, max(distance.draws, gradient.draws))
        findings.append(distance(factors[:, 0] * chi / parted, expected=distances(weight)))
        findings.append(gradient(factors[:, 1], expected=gradients(weight)))
    return all_of(findings)
