"""Fixup, section 2: theorem 2 in expectation, its exact value for Gaussian logits, and where it says nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import homogeneous, rows
from evidence import Finding, all_of, draws_for_symmetry, inequality, symmetry
from simulations import mlp, one_hot, softmax_loss
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.homogeneity import bounds, gaussian_logits, maximum, softmax


def _initial_logits(run: Run, draws: int) -> tuple[Array, Array]:
    """Logits of small and of large networks on real rows, one row a draw, with their labels: (draws, 1, classes)."""
    networks, logits, labels = homogeneous(run.inputs), [], []
    for name in ("plain, small logits", "residual, 2 layers a branch"):
        network, rng = networks[name], run.rng("weights", name)
        x, targets = rows(run, name, draws, 1)
        parts = np.split(x, np.cumsum(list(batches(network, draws)))[:-1])
        logits += [network.run(network.draw(rng, len(part)), part).output for part in parts]
        labels.append(targets)
    return np.concatenate(logits), np.concatenate(labels)


@claim(
    "P8",
    paper=FIXUP,
    where="section 2, theorem 2, second part",
    states=r"\mathbb E\,G\ge\frac{\mathbb E[\max_i z_i]-\log c}{\|\theta_{ph}\|}",
    derivation=[bounds.expected, softmax.stationary_entropy],
    mutants=[
        mutant(
            "plus log c",
            "The entropy is subtracted, and so is its upper bound.",
            bound=lambda largest, c: largest + sp.log(c),
        ),
        mutant(
            "no log c",
            "Loss less the largest logit: a positive bound at any scale, and false, because H is not 0.",
            bound=lambda largest, c: largest + 0 * c,
        ),
        mutant(
            "a trained network",
            "Labels that follow the logits: y^T z then has a positive mean, and the bound's proof a hole.",
            labels=lambda logits, targets: one_hot(logits.argmax(-1), logits.shape[-1]),
        ),
    ],
)
def theorem_2_in_expectation(
    run: Run,
    *,
    bound: Callable[[sp.Expr, sp.Expr], sp.Expr] = lambda largest, c: bounds.theorem_2_expected(largest, c, 1),
    labels: Callable[[Array, Array], Array] = lambda logits, targets: targets,
) -> Finding:
    """Averaged over symmetric weights, the bound of theorem 2 is at least (E max z - log c) over the norm.

    Averages over a readout with symmetric weights, for labels independent of it; exact. The proof's steps are tested:
    l - H + y^T z >= max z - log c on every sample; and y^T z has a symmetric law, hence mean 0 whatever its tails.
    """
    run, error = run.share(2), run.error(0.05)
    logits, targets = run.once(_initial_logits, draws_for_symmetry(error=error, alpha=run.alpha))
    targets = labels(logits, targets)
    found = softmax_loss(logits, targets)
    labelled = (targets * logits).sum(-1)
    largest, classes = sp.Symbol("M", real=True), sp.Symbol("c", integer=True, positive=True)
    evaluate = sp.lambdify([largest, classes], bound(largest, classes))
    claimed = evaluate(logits.max(-1), run.inputs.classes)
    return all_of(
        [
            inequality(found.loss - found.entropy + labelled, claimed, rounding=found.rounding),
            symmetry(labelled.ravel(), error=error, alpha=run.alpha),
        ]
    )


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


def _largest(run: Run, classes: int, correlation: float, draws: int) -> Array:
    """The largest of `classes` logits of a linear readout, in units of their standard deviation."""
    width = 3
    usable = run.inputs.narrowed(width)
    rng = run.rng("largest", classes)
    network, alone, parts = mlp([width], classes=classes), mlp([width], classes=1), []
    for count in batches(network, draws):
        x = usable[rng.integers(len(usable), size=count)][:, None, :]
        own = network.run(network.draw(rng, count), x).output
        shared = alone.run(alone.draw(rng, count), x).output if correlation else 0.0
        logits = np.sqrt(1 - correlation) * own + np.sqrt(correlation) * shared
        parts.append(logits.max(-1)[:, 0] / (np.linalg.norm(x, axis=-1)[:, 0] / np.sqrt(width)))
    return np.concatenate(parts)


@claim(
    "P10",
    paper=FIXUP,
    where="section 2, after theorem 2; threshold derived here",
    states=r"\mathbb E\max_{i\le c}z_i=s\,m_c,\qquad s\,m_c>\log c\iff s>\frac{\log c}{m_c}",
    derivation=[partial(maximum.largest, 2), partial(maximum.largest, 3)],
    mutants=[
        mutant(
            "sqrt(2 log c)",
            "The upper bound and limit of m_c for many classes: 40 % too large at ten.",
            expected_maximum=lambda c: sp.sqrt(2 * sp.log(c)),
        ),
        mutant(
            "the mean is zero",
            "The largest of the means for the mean of the largest.",
            expected_maximum=lambda c: sp.Integer(0),
        ),
        mutant(
            "vacuous below log c",
            "The threshold without m_c, as if the largest of c logits were one deviation.",
            threshold=lambda c: sp.log(c),
        ),
        mutant(
            "correlated logits",
            "Readout columns that share a part, at unchanged variance: the largest of correlated logits is smaller.",
            correlation=0.5,
        ),
    ],
)
def theorem_2_is_vacuous_for_small_logits(
    run: Run,
    *,
    expected_maximum: Callable[[int], sp.Expr] = maximum.expected_maximum,
    threshold: Callable[[int], sp.Expr] = maximum.vacuous_below,
    correlation: float = 0.0,
) -> Finding:
    """The mean largest of c Gaussian logits is s m_c; below s = log c / m_c theorem 2 says nothing.

    Averages over a Gaussian readout; m_c is exact for c = 2 and 3, to 30 digits for others. The variance of the
    largest is at most s^2 (Poincaré). At 10 classes the threshold is 1.496: theorem 2 detects explosions and is silent
    at ordinary scales.
    """
    sizes, findings = (10, 2, 3, 100), []
    run = run.share(2 * len(sizes))
    for classes in sizes:
        test = run.mean(maximum.expected_maximum(classes), variance=1, error=0.02)
        samples = run.once(_largest, classes, correlation, test.draws)
        findings.append(test(samples, expected=expected_maximum(classes)))
        findings.append(test(samples, expected=math.log(classes) / number(threshold(classes))))
    return all_of(findings)
