"""Fixup, section 2: theorem 2 in expectation, and its exact value for Gaussian logits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, inequality
from simulations import Network, he, mlp, one_hot, softmax_loss
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.homogeneity import bounds, gaussian_logits, maximum, softmax

WIDTH, BATCH, RARE = 4, 2, 0.05
SCALES = (1.0, 30.0)
"""Deviations of the logits of the first example of a minibatch; the second's follows from the row."""
Bound = Callable[[sp.Expr, int, sp.Expr], sp.Expr]


def _minibatch(run: Run, scale: float) -> tuple[Network, Parameters, Array]:
    """A network whose first layer is drawn once, with a size of its own, and two real rows (1, BATCH, WIDTH)."""
    rng, usable = run.rng("first layer", str(scale)), run.inputs.narrowed(WIDTH)
    network = mlp([WIDTH, WIDTH], classes=run.inputs.classes, init=he.scaled(rng.uniform(0.2, 5)))
    while True:  # until neither state is 0, where the theorem is empty
        parameters, x = network.draw(rng, 1), usable[rng.integers(len(usable), size=(1, BATCH))]
        states = network.run(parameters, x).states[-2]
        if states.any(axis=-1).all():
            return network, parameters, x * (scale * WIDTH**0.5 / np.linalg.norm(states[0, 0]))


def _bounds(run: Run, scale: float, trained: bool, draws: int) -> Array:
    """The bound G of theorem 2 on the gradient in the first layer, for fresh readouts and labels: (draws,)."""
    network, parameters, x = _minibatch(run, scale)
    rng, classes, bounds_seen = run.rng("readouts", str(scale)), run.inputs.classes, []
    for count in batches(network, draws):
        fresh = network.draw(rng, count) | {
            "layer0.weight": np.broadcast_to(parameters["layer0.weight"], (count, WIDTH, WIDTH))
        }
        logits = network.run(fresh, np.broadcast_to(x, (count, BATCH, WIDTH))).output
        labels = logits.argmax(-1) if trained else rng.integers(classes, size=(count, BATCH))
        found = softmax_loss(logits, one_hot(labels, classes))
        bounds_seen.append((found.loss - found.entropy).mean(axis=1) / np.linalg.norm(parameters["layer0.weight"]))
    return np.concatenate(bounds_seen)


def _rare_readouts() -> tuple[Array, Array, Array, Array]:
    """All readouts of one feature to two classes with entries of +-20, each of probability 0.05, else 0.

    Return their probabilities, norms, largest logits at the input 1, and l - H averaged over labels.
    """
    entries = np.array([(0.0, 1 - 2 * RARE), (20.0, RARE), (-20.0, RARE)])
    logits = np.stack(np.meshgrid(entries[:, 0], entries[:, 0]), axis=-1).reshape(-1, 2)
    chances = np.outer(entries[:, 1], entries[:, 1]).ravel()
    found = [softmax_loss(logits, np.broadcast_to(label, logits.shape)) for label in np.eye(2)]
    excess = np.mean([one.loss - one.entropy for one in found], axis=0)
    return chances, np.linalg.norm(logits, axis=1), logits.max(axis=1), excess


@claim(
    "P8",
    paper=FIXUP,
    where="section 2, theorem 2, second part; the upper bound derived here",
    states=r"\frac{\mathbb E[\max_i z_i]-\log c}{\|\theta_{ph}\|}\le\mathbb E\,G\le"
    r"\frac{\mathbb E[\max_i z_i]+\log c}{\|\theta_{ph}\|}\quad\text{at fixed }\|\theta_{ph}\|",
    derivation=[bounds.expected, bounds.expected_above, softmax.stationary_entropy],
    mutants=[
        mutant(
            "plus log c",
            "The entropy is subtracted, and so is its upper bound.",
            bound=lambda largest, c, norm: bounds.theorem_2_expected(largest + 2 * sp.log(c), c, norm),
        ),
        mutant(
            "no log c",
            "Loss less the largest logit: a positive bound at any scale, and false, because H is not 0.",
            bound=lambda largest, c, norm: largest / norm,
        ),
        mutant(
            "the value itself",
            "The bound quoted as an estimate of E G: it is negative at small logits, where E G is not.",
            shortfall=lambda c, norm: sp.S.Zero,
        ),
        mutant(
            "the mean norm below the line",
            "E||theta|| for a fixed norm: where theta holds the last layer, its norm and the logits are large "
            "together. Weights of +-20 with probability .05 each and else 0 have E G = 0.094, this bound is 0.311.",
            norm_inside=False,
        ),
        mutant(
            "a trained network",
            "Labels that follow the logits: y^T z then has a positive mean, and the bound's proof a hole.",
            trained=True,
        ),
    ],
)
def theorem_2_in_expectation(
    run: Run,
    *,
    bound: Bound = bounds.theorem_2_expected,
    shortfall: Callable[[int, sp.Expr], sp.Expr] = bounds.theorem_2_shortfall,
    norm_inside: bool = True,
    trained: bool = False,
) -> Finding:
    """At a fixed norm the mean of theorem 2's bound lies between E max z - log c and E max z + log c, over that norm.

    Averages over a Gaussian readout and independent labels; exact. G is measured of the first layer, drawn once with a
    size of its own, on minibatches of two real rows, with logits of order 1 (where the bound is empty) and 30. Its mean
    must be the exact one, put into the interval that the bounds claim. Where the norm is random, it must stay within
    the mean: E[||theta|| G] >= E max z - log c, over all readouts of a law with rare weights.
    """
    run, classes, findings = run.share(len(SCALES)), run.inputs.classes, []
    one = number(maximum.expected_maximum(classes))
    for scale in SCALES:
        network, parameters, x = run.once(_minibatch, scale)
        norm = float(np.linalg.norm(parameters["layer0.weight"]))
        states = network.run(parameters, x).states[-2]
        deviations = [float(size) for size in np.linalg.norm(states[0], axis=1) / WIDTH**0.5]
        truth = float(np.mean([gaussian_logits.expected_loss_minus_entropy(classes, s) for s in deviations]))
        # Of an example E (l - H)^2 is at most the mean square of the range of its logits, 4 E max^2, and Poincaré
        # bounds the variance of the largest by s^2; of their mean, the mean deviation.
        second = (np.mean(deviations) * 2) ** 2 * (one**2 + 1)
        test = run.mean(truth / norm, variance=(second - truth**2) / norm**2, error=0.08)
        low = number(bound(sp.Float(one * np.mean(deviations)), classes, sp.Float(norm)))
        claimed = np.clip(truth / norm, low, low + number(shortfall(classes, sp.Float(norm))))
        findings.append(test(run.once(_bounds, scale, trained, test.draws), expected=float(claimed)))
    chances, norms, largest, excess = _rare_readouts()
    mean_bound = excess / (1.0 if norm_inside else np.maximum(norms, 1))  # 0 / 1 where all weights are 0
    below = 1.0 if norm_inside else float(chances @ norms)
    told = number(bound(sp.Float(chances @ largest), 2, sp.Float(below)))
    findings.append(inequality(float(chances @ mean_bound), told, rounding=1000 * EPS, chance=False))
    return all_of(findings)


def _gaussian_logits(run: Run, scale: float, trained: bool, draws: int) -> tuple[Array, Array]:
    """Loss less entropy, and ||p||^2, of a linear readout of real rows, its logits scaled to deviation `scale`."""
    width, classes = 4, run.inputs.classes
    usable, rng = run.inputs.narrowed(width), run.rng("readout", str(scale))
    network, excesses, squares = mlp([width], classes=classes), [], []
    for count in batches(network, draws):
        x = usable[rng.integers(len(usable), size=count)][:, None, :]
        deviations = np.linalg.norm(x, axis=-1, keepdims=True) / np.sqrt(width)
        logits = network.run(network.draw(rng, count), x).output * (scale / deviations)
        labels = run.inputs.labels[rng.integers(len(run.inputs.labels), size=(count, 1))]
        found = softmax_loss(logits, one_hot(logits.argmax(-1) if trained else labels, classes))
        excesses.append((found.loss - found.entropy).ravel())
        squares.append(np.square(found.prediction).sum(-1).ravel())
    return np.concatenate(excesses), np.concatenate(squares)


@claim(
    "P9",
    paper=FIXUP,
    where="section 2, theorem 2; exact form derived here",
    states=r"z\sim N(0,s^2I)\ \Longrightarrow\ \mathbb E[\ell-H]=s^2\bigl(1-\mathbb E\|p\|^2\bigr)",
    derivation=[softmax.stein, softmax.gaussian_logits, *gaussian_logits.DERIVATIONS],
    mutants=[
        mutant(
            "without the prediction's norm",
            "s^2, the limit of many classes: a confident prediction takes part of it back.",
            exact=lambda s, square: sp.sympify(s) ** 2,
        ),
        mutant(
            "linear in the scale",
            "s for s^2: right only at unit scale, and in its order for large logits.",
            exact=lambda s, square: softmax.mean_loss_minus_entropy(s, square) / s,
        ),
        mutant(
            "half of it",
            "s^2 / 2 is the loss above log c; the entropy falls by as much again.",
            exact=lambda s, square: softmax.mean_loss_minus_entropy(s, square) / 2,
        ),
        mutant("labels that follow the logits", "The label must be independent of the weights.", trained=True),
    ],
)
def gaussian_logits_exactly(
    run: Run,
    *,
    exact: Callable[[float, float], sp.Expr] = softmax.mean_loss_minus_entropy,
    trained: bool = False,
) -> Finding:
    """For Gaussian logits the mean of loss less entropy is s^2 (1 - E||p||^2), never negative.

    Averages over a Gaussian readout, with independent labels; exact. E||p||^2 is integrated numerically and measured
    too. At s = 1 and 3. Where theorem 2 bounds, this is the value: at 10 classes 0.805 and 4.14, the bound -0.76 and
    2.31.
    """
    scales, classes, findings = (1.0, 3.0), run.inputs.classes, []
    run = run.share(2 * len(scales))
    for scale in scales:
        truth = gaussian_logits.expected_loss_minus_entropy(classes, scale)
        # E (p.z)^2 <= sum E p_i z_i^2 <= s^2 + s^4 (Jensen, then Stein twice); then Minkowski with E (y.z)^2 = s^2.
        variance = scale**2 * (math.sqrt(1 + scale**2) + 1) ** 2 - truth**2
        excess = run.mean(truth, variance=variance, error=0.05)
        square = 1 - truth / scale**2  # the mean of ||p||^2, which lies between 0 and 1
        squares = run.mean(square, variance=square * (1 - square), error=0.05)
        seen = run.once(_gaussian_logits, scale, trained, max(excess.draws, squares.draws))
        findings += [excess(seen[0], expected=exact(scale, square)), squares(seen[1])]
    return all_of(findings)
