"""The scale of the logits below which the second bound of theorem 2 of Fixup is empty, while the first is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import mlp, one_hot, softmax_loss
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.homogeneity import gaussian_logits, maximum, softmax

SIZES, AT_THE_LINE = (10, 2, 3, 100), (10, 2)
"""Numbers of classes at logits of size 1, and at logits of the threshold's size."""


def _readouts(run: Run, classes: int, correlation: float, scale: float, draws: int) -> Iterator[Array]:
    """Logits of a linear readout of real rows, of deviation `scale`, in blocks (draws, 1, classes)."""
    width = 3
    usable = run.inputs.narrowed(width)
    network, alone, rng = (
        mlp([width], classes=classes),
        mlp([width], classes=1),
        run.rng("largest", classes, str(scale)),
    )
    for count in batches(network, draws):
        x = usable[rng.integers(len(usable), size=count)][:, None, :]
        own = network.run(network.draw(rng, count), x).output
        shared = alone.run(alone.draw(rng, count), x).output if correlation else 0.0
        logits = np.sqrt(1 - correlation) * own + np.sqrt(correlation) * shared
        yield logits * (scale * np.sqrt(width) / np.linalg.norm(x, axis=-1, keepdims=True))


def _largest(run: Run, classes: int, correlation: float, scale: float, draws: int) -> Array:
    """The largest logit of a draw, (draws,)."""
    return np.concatenate([z.max(-1)[:, 0] for z in _readouts(run, classes, correlation, scale, draws)])


def _excesses(run: Run, classes: int, correlation: float, scale: float, draws: int) -> Array:
    """Loss less entropy for labels drawn anew, (draws,)."""
    rng, found = run.rng("labels", classes), []
    for logits in _readouts(run, classes, correlation, scale, draws):
        labels = rng.integers(classes, size=logits.shape[:2])
        one = softmax_loss(logits, one_hot(labels, classes))
        found.append((one.loss - one.entropy)[:, 0])
    return np.concatenate(found)


@claim(
    "P10",
    paper=FIXUP,
    where="section 2, after theorem 2; threshold derived here",
    states=r"\mathbb E\max_{i\le c}z_i=s\,m_c,\qquad s\,m_c>\log c\iff s>\frac{\log c}{m_c},\qquad"
    r"\mathbb E[\ell-H]>0\text{ there too}",
    derivation=[partial(maximum.largest, 2), partial(maximum.largest, 3), softmax.stein, softmax.gaussian_logits],
    mutants=[
        mutant(
            "sqrt(2 log c)",
            "The upper bound and limit of m_c for many classes: 40 % too large at ten.",
            expected_maximum=lambda c: sp.sqrt(2 * sp.log(c)),
        ),
        mutant(
            "vacuous below log c",
            "The threshold without m_c, as if the largest of c logits were one deviation.",
            threshold=lambda c: sp.log(c),
        ),
        mutant(
            "theorem 2 says nothing",
            "Its second inequality gives 0 at the threshold, read as if G itself were 0 there: the first inequality "
            "bounds by l - H, whose mean is positive at every scale.",
            excess=lambda c, scale: 0.0,
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
    excess: Callable[[int, float], float] = gaussian_logits.expected_loss_minus_entropy,
    correlation: float = 0.0,
) -> Finding:
    """Below logits of size s = log c / m_c theorem 2's second bound is negative; the mean of its first one never is.

    Averages over a Gaussian readout, for 2, 3, 10 and 100 classes; m_c is exact for c = 2 and 3, to 30 digits for
    others. The variance of the largest is at most s^2 (Poincaré). At 10 classes the threshold is 1.496: at ordinary
    scales the second bound is empty. But l - H, of which the first is made, has the mean s^2 (1 - E||p||^2) > 0; it is
    measured at the threshold, and so is E max z = log c, on draws of their own.
    """
    run, findings = run.share(len(SIZES) + 2 * len(AT_THE_LINE)), []
    for classes in SIZES:
        test = run.mean(maximum.expected_maximum(classes), variance=1, error=0.02)
        samples = run.once(_largest, classes, correlation, 1.0, test.draws)
        findings.append(test(samples, expected=expected_maximum(classes)))
    for classes in AT_THE_LINE:
        one, line = number(maximum.expected_maximum(classes)), number(maximum.vacuous_below(classes))
        told, truth = number(threshold(classes)), gaussian_logits.expected_loss_minus_entropy(classes, line)
        test = run.mean(math.log(classes), variance=line**2, error=0.1, at_most=0.1)
        findings.append(test(run.once(_largest, classes, correlation, told, test.draws)))
        # E (l - H)^2 is at most the mean square of the range of the logits, which is at most 4 E max^2.
        test = run.mean(truth, variance=4 * line**2 * (1 + one**2) - truth**2, error=0.25, at_most=0.4)
        excesses = run.once(_excesses, classes, correlation, told, test.draws)
        findings.append(test(excesses, expected=excess(classes, line)))
    return all_of(findings)
