"""Constant initialisation in numbers: a layer of equal units is one unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from claims.training.symmetry import FOLKLORE
from evidence import Finding, all_of, identity
from simulations.experiments.two_layer import TwoLayer
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.training import equal_units

DRAWS, BATCH, FEATURES, STEPS, RATE = 32, 4, 4, 20, 0.25
Rates = Callable[[float, int], tuple[sp.Expr, sp.Expr]]


def _minibatch(run: Run, step: int) -> tuple[Array, Array]:
    """Real rows, their features made of order 1 and unequal, (DRAWS, BATCH, FEATURES), and their labels."""
    chosen = np.linspace(0, run.inputs.x.shape[1] - 1, FEATURES).astype(int)
    x, targets = rows(run, f"step {step}", DRAWS, BATCH)
    return x[..., chosen] / np.abs(x).max(axis=-1, keepdims=True) + np.arange(FEATURES) / FEATURES, targets


def _alike(run: Run, units: int, rectified: bool, noise: float) -> TwoLayer:
    """Draw one unit a net and repeat it, with noise between the copies' outgoing weights."""
    rng = run.rng("start", units, str(rectified))
    incoming, outgoing = rng.standard_normal((DRAWS, FEATURES, 1)), rng.standard_normal((DRAWS, 1, run.inputs.classes))
    apart = noise * rng.standard_normal((DRAWS, units, 1))
    return TwoLayer(np.repeat(incoming, units, axis=2), np.repeat(outgoing, units, axis=1) + apart, rectified)


def _one(net: TwoLayer, factor: float, outgoing: float) -> TwoLayer:
    """Return the one unit of a net, its weights `factor` and `outgoing` times those of the first unit."""
    return TwoLayer(factor * net.incoming[..., :1], outgoing * net.outgoing[:, :1], net.rectified)


def _rounding(net: TwoLayer, x: Array) -> tuple[Array, Array]:
    """Bound by how much one step of h units and of their one unit may round apart, in incoming and outgoing weights.

    Logits are sums of h + 6 roundings, in both nets; a softmax passes at most twice their error on, and rounds itself.
    The gradients are sums over the batch and the classes, of slopes of the loss that are at most 1.
    """
    units, classes = net.outgoing.shape[1:]
    hidden, out = np.abs(net.hidden(x)[..., :1]), np.abs(net.outgoing[:, :1])
    logits = units * (hidden * out).max(axis=-1, keepdims=True)
    slope = EPS * (4 * (units + 6) * logits + 2 * (BATCH + classes + units + 20))
    to_out = RATE * units * (hidden * slope).mean(axis=1, keepdims=True) + 2 * (units + 4) * EPS * units * out
    to_in = RATE * (np.abs(x) * slope * out.sum(-1, keepdims=True)).mean(axis=1)[..., None]
    return to_in + 4 * EPS * np.abs(net.incoming[..., :1]), to_out


def _step_by_step(
    run: Run, units: int, rectified: bool, noise: float, into: float, out: float, sizes: tuple[float, float]
) -> list[Finding]:
    """Compare every step of a net of equal units with that of its one unit, of weights `sizes` times as large."""
    net = _alike(run, units, rectified, noise)
    seen: list[tuple[Array, ...]] = []
    for step in range(STEPS):
        x, targets = run.once(_minibatch, step)
        one = _one(net, *sizes).step(x, targets, into, out)
        bounds = _rounding(net, x)
        net = net.step(x, targets, RATE)
        expected = _one(net, *sizes)
        seen.append((one.incoming, expected.incoming, bounds[0], one.outgoing, expected.outgoing, bounds[1]))
    wide, own, of_in, tall, sums, of_out = (np.stack(one, axis=1) for one in zip(*seen, strict=True))
    return [
        identity(wide, own, rounding=sizes[0] * of_in),
        identity(tall, sums, rounding=sizes[1] / units * of_out),
    ]


@claim(
    "S5",
    paper=FOLKLORE,
    where="section 8.4, how much is lost; derived here",
    states=r"\sum_{i=1}^ha\,\phi(w^{\mathsf T}x)=A\,\phi(w^{\mathsf T}x),\ A=ha:\quad \Delta A=-h\eta\,"
    r"\frac{\partial\ell}{\partial A},\qquad \Delta w=-\frac{\eta}{h}\,\frac{\partial\ell}{\partial w}",
    derivation=equal_units.DERIVATIONS,
    mutants=[
        mutant(
            "one unit at the same rate",
            "The outgoing weights of all h units move, and their sum by h times as much.",
            rates=lambda rate, units: (sp.sympify(rate), sp.sympify(rate)),
        ),
        mutant(
            "h times the rate for all of it",
            "Only the sum of the outgoing weights is faster; an incoming weight sees an outgoing one of 1/h of it.",
            rates=lambda rate, units: (sp.sympify(units * rate), sp.sympify(units * rate)),
        ),
        mutant(
            "one of the units alone",
            "The one unit's outgoing weight is the sum of theirs; one of them alone has logits h times too small.",
            whole=False,
        ),
        mutant(
            "any unit can be rescaled",
            "sqrt h times both weights at the same rate: the simulated units are tanh, which passes no scale on.",
            rectified=False,
        ),
        mutant("units that differ", "The simulated outgoing weights are not all alike.", noise=0.1),
    ],
)
def equal_units_are_one(
    run: Run,
    *,
    rates: Rates = equal_units.rates,
    whole: bool = True,
    rectified: bool = True,
    noise: float = 0.0,
) -> Finding:
    """A layer of h equal units is one unit whose outgoing weight learns at h times the rate and the incoming at 1/h.

    Nothing is averaged; exact. Two units of tanh and of ReLU bit for bit over 20 steps of SGD on real rows; a number
    of units from the seed in every one of 20 steps, to rounding. Four ReLU units are one with both weights twice as
    large, at the same rate.
    """
    findings = []
    for relu in (False, True):
        net = _alike(run, 2, relu, noise)
        one, (into, out) = _one(net, 1.0, 2.0 if whole else 1.0), map(number, rates(RATE, 2))
        for step in range(STEPS):
            x, targets = run.once(_minibatch, step)
            net, one = net.step(x, targets, RATE), one.step(x, targets, into, out)
        findings += [
            identity(one.incoming, net.incoming, rounding=0.0),
            identity(one.outgoing, net.outgoing.sum(axis=1, keepdims=True) * (1.0 if whole else 0.5), rounding=0.0),
        ]
        units = int(run.rng("units", str(relu)).integers(3, 13))
        into, out = map(number, rates(RATE, units))
        sizes = (1.0, float(units) if whole else 1.0)
        findings += _step_by_step(run, units, relu, noise, into, out, sizes)
    return all_of([*findings, *_step_by_step(run, 4, rectified, noise, RATE, RATE, (2.0, 2.0))])
