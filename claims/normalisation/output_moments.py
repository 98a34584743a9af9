"""Internal covariate shift: what a batch norm keeps of its output's distribution while the layers below it learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.normalisation.batch_norm import IOFFE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import Dense, LeakyReLU, Network, he
from simulations.layers.losses import EPS
from simulations.layers.normalisation import BatchNorm, LayerNorm
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from theory.normalisation import output_moments

FEATURES, UNITS, BATCH, DRAWS, STEPS, RATE, EPSILON = 6, 5, 8, 60, 6, 0.3, 0.01
Kind = type[BatchNorm] | type[LayerNorm]
Mean = Callable[[sp.Expr], sp.Expr]
Variance = Callable[[sp.Expr, sp.Expr, float], sp.Expr]


@dataclass(frozen=True)
class _Seen:
    """Of the second norm's input and output over the batch, at every step: arrays (draws, steps, units)."""

    mean_below: Array
    variance_below: Array
    mean: Array
    variance: Array
    gain: Array
    shift: Array


def _trained(run: Run, kind: Kind, behind: bool) -> _Seen:
    """Train two normalised layers and a readout on one batch of real rows a draw, all parameters learning."""
    rows, rng = run.inputs.narrowed(FEATURES), run.rng("rows")
    chosen = rng.integers(len(rows), size=(DRAWS, BATCH))
    x, targets = rows[chosen] / np.abs(rows).max(), run.inputs.targets[chosen]
    layers = [
        layer
        for name, fan_in in (("first", FEATURES), ("second", UNITS))
        for layer in (
            Dense(name, fan_in, UNITS, he),
            kind(f"{name}.norm", UNITS, EPSILON, gain_start=1.0, bias_start=0.0),
            LeakyReLU(0.2),
        )
    ]
    network = Network((*layers, Dense("readout", UNITS, run.inputs.classes, he)))
    parameters, seen = network.draw(run.rng("weights"), DRAWS), []
    for _ in range(STEPS):
        states = network.run(parameters, x).states
        below, out = states[4], states[6 if behind else 5]
        gain, shift = (parameters[f"second.norm.{name}"][:, 0] for name in ("gain", "bias"))
        seen.append((below.mean(axis=1), below.var(axis=1), out.mean(axis=1), out.var(axis=1), gain, shift))
        parameters = step(network, parameters, x, targets, RATE).parameters
    return _Seen(*(np.stack(one, axis=1) for one in zip(*seen, strict=True)))


@claim(
    "B13",
    paper=IOFFE,
    where="section 2, internal covariate shift; what is fixed, and what is not, derived here",
    states=r"\operatorname{mean}_{\text{batch}}\mathrm{BN}(z)=\beta,\qquad\operatorname{var}_{\text{batch}}"
    r"\mathrm{BN}(z)=\gamma^2\frac v{v+\epsilon}\quad\text{at every step of training}",
    derivation=output_moments.DERIVATIONS,
    mutants=[
        mutant(
            "0 and 1 for ever",
            "gamma and beta start there, and learn.",
            mean=lambda shift: sp.S.Zero,
            variance=lambda gain, v, epsilon: v / (v + epsilon),
        ),
        mutant(
            "gamma for gamma^2",
            "The gain is that of the deviation.",
            variance=lambda gain, v, epsilon: gain * v / (v + epsilon),
        ),
        mutant(
            "without epsilon",
            "The variance that is divided by is slightly larger than that of the batch.",
            variance=lambda gain, v, epsilon: gain**2,
        ),
        mutant(
            "the next layer's input",
            "Behind the activation mean and variance follow the shape of the law, which nothing keeps.",
            behind=True,
        ),
        mutant(
            "layer norm",
            "It keeps mean and variance over the units of an example, not those of a unit.",
            kind=LayerNorm,
        ),
    ],
)
def batch_norm_fixes_two_moments(
    run: Run,
    *,
    mean: Mean = output_moments.output_mean,
    variance: Variance = output_moments.output_variance,
    kind: Kind = BatchNorm,
    behind: bool = False,
) -> Finding:
    """While layers below it learn, a batch norm's output keeps mean beta and variance gamma^2 v/(v + epsilon).

    Over its batch, in training mode; nothing is averaged over weights, exact for every unit at every step of SGD. So of
    "internal covariate shift" at most correlations and the shape of the law are left, beside what gamma and beta do.
    The second of two normalised layers, over 6 steps in which mean and variance below it do move. That a smaller shift
    is why batch norm helps is not claimed.
    """
    seen = run.once(_trained, kind, behind)
    gain, v, shift = sp.Symbol("g", real=True), sp.Symbol("v", nonnegative=True), sp.Symbol("b", real=True)
    means = sp.lambdify(shift, mean(shift))(seen.shift)
    variances = sp.lambdify([gain, v], variance(gain, v, sp.Float(EPSILON, 30)))(seen.gain, seen.variance_below)
    size = 1 + np.abs(seen.gain) + np.abs(seen.shift)
    rounding = 64 * BATCH * EPS * size**2 * (1 + np.abs(seen.mean_below) / np.sqrt(EPSILON)) ** 2
    moved = [np.abs(np.diff(one, axis=1)).min(axis=1).max(axis=1) for one in (seen.mean_below, seen.variance_below)]
    return all_of(
        [
            identity(seen.mean, np.broadcast_to(means, seen.mean.shape), rounding=rounding),
            identity(seen.variance, variances, rounding=rounding),
            *(inequality(one, 1e-6, rounding=0.0) for one in moved),
        ]
    )
