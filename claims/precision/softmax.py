"""Inputs of +-128, as He et al. warn of: what the softmax of single-precision logits makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import lecun, mlp, one_hot, softmax_loss
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.precision import softmax
from theory.precision.formats import FLOAT32

FEATURES, CLASSES = 4, 10
DEVIATION, SMALLER = 128.0, 0.01


def _logits(run: Run, classes: int, scale: float, dtype: type[np.floating], draws: int) -> Array:
    """Logits of a linear readout of real rows whose root mean square is 128, times `scale`: (draws, classes)."""
    network, rng = mlp([FEATURES], classes=classes, readout=lecun.scaled(scale)), run.rng("weights", classes)
    rows = run.inputs.narrowed(FEATURES)
    rows = rows / np.sqrt(np.square(rows).mean(axis=1, keepdims=True)) * DEVIATION
    found = []
    for count in batches(network, draws):
        x = rows[rng.integers(len(rows), size=(count, 1))]
        found.append(network.run(network.draw(rng, count), x).output[:, 0].astype(dtype))
    return np.concatenate(found)


def _no_gradient(run: Run, scale: float, dtype: type[np.floating], draws: int) -> Array:
    """Whether the gradient of the label's logit is exactly 0, of two classes and random labels: (draws,)."""
    logits = run.once(_logits, 2, scale, dtype, draws)
    targets = one_hot(run.rng("labels").integers(2, size=draws), 2).astype(dtype)
    gradients = softmax_loss(logits, targets).logit_gradient
    zero: Array = ((gradients * targets).sum(axis=-1) == 0).astype(float)
    return zero


def _overflows(run: Run, classes: int, scale: float, dtype: type[np.floating], draws: int) -> Array:
    """Whether an exponential of the logits themselves is infinite, (draws,)."""
    with np.errstate(over="ignore"):
        infinite: Array = np.isinf(np.exp(run.once(_logits, classes, scale, dtype, draws))).any(axis=1).astype(float)
    return infinite


Share = Callable[[float, int], sp.Expr]


def _share_of_overflow(deviation: float, classes: int) -> sp.Expr:
    return softmax.share_of_overflow(deviation, FLOAT32, classes)


def _share_without_gradient(deviation: float) -> sp.Expr:
    return softmax.share_without_gradient(deviation, FLOAT32)


@claim(
    "D4",
    paper=HE,
    where="section 2.2, the remark on inputs between -128 and 128",
    states=r"P(e^z=\infty)=\tfrac12\operatorname{erfc}\tfrac{88.72}{\sqrt2\,s},\qquad "
    r"P\Bigl(\frac{\partial C}{\partial z_y}=0\Bigr)=\tfrac12\operatorname{erfc}\frac{24\log2}{2s}\quad(c=2)",
    derivation=softmax.DERIVATIONS,
    mutants=[
        mutant(
            "one logit for ten",
            "One infinite exponential of ten is enough to make the sum infinite.",
            overflow=lambda s, classes: _share_of_overflow(s, 1),
        ),
        mutant(
            "beyond 128",
            "A logit overflows from log of the largest number on, 88.7, not from the inputs' size on.",
            overflow=lambda s, classes: 1 - (1 - softmax.beyond().at(z=128, s=s)) ** classes,
        ),
        mutant(
            "all that are right",
            "Half of the examples; but a lead below 24 log 2 leaves a gradient.",
            vanished=lambda s: sp.Rational(1, 2),
        ),
        mutant(
            "until the other underflows",
            "At a lead of 104 that exponential is 0; from 16.6 on it is too small to be added to 1.",
            vanished=lambda s: softmax.exactly_right().at(g=150 * sp.log(2), s=s),
        ),
        mutant("double precision", "The simulated logits are kept to 53 bits.", dtype=np.float64),
        mutant("a small last layer", "The simulated readout is a hundredth of it.", scale=SMALLER),
    ],
)
def large_inputs_saturate_the_softmax(
    run: Run,
    *,
    overflow: Share = _share_of_overflow,
    vanished: Callable[[float], sp.Expr] = _share_without_gradient,
    scale: float = 1.0,
    dtype: type[np.floating] = np.float32,
) -> Finding:
    """At logits of deviation 128 a float32 softmax of ten overflows in 94 % of draws; shifted, its gradient is often 0.

    Of two classes, and with the largest logit subtracted, the label's logit has a gradient of exactly 0 in 46 % of
    draws. A readout of a hundredth of the size does neither in any draw. Over Gaussian readouts at fixed inputs of
    root mean square 128, which He's initialisation passes on, and random labels; exact but for the rounding of exp.
    """
    run = run.share(2)
    infinite = run.count(_share_of_overflow(DEVIATION, CLASSES), error=0.015, at_most=0.02)
    zero = run.count(_share_without_gradient(DEVIATION), error=0.03, at_most=0.03)
    overflows = run.once(_overflows, CLASSES, scale, dtype, infinite.trials)
    zeros = run.once(_no_gradient, scale, dtype, zero.trials)
    small = [
        run.once(_overflows, CLASSES, SMALLER, dtype, infinite.trials),
        run.once(_no_gradient, SMALLER, dtype, zero.trials),
    ]
    return all_of(
        [
            infinite(int(overflows.sum()), len(overflows), number(overflow(DEVIATION, CLASSES))),
            zero(int(zeros.sum()), len(zeros), number(vanished(DEVIATION))),
            *(identity(never, 0.0, rounding=0.0) for never in small),
        ]
    )
