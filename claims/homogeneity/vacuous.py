"""How often theorem 2 of Fixup says nothing: between 1/2 and c^-B of all draws, by the scale of the logits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, inequality
from simulations import Dense, Network, lecun, one_hot, softmax_loss
from simulations.measure import batches
from simulations.numbers.arrays import Array
from simulations.sweep.cell import Cell
from simulations.sweep.networks import body
from theory.homogeneity import softmax, vacuous

WIDTH = 8
BODIES = (
    Cell("residual", "he_lecun", "relu", 4, WIDTH, "unit_digits"),
    Cell("plain", "he", "leaky_relu", 10, WIDTH, "unit_digits"),
)
"""Neither can die, so no state is 0, nor is it odd: states at x and -x would cancel behind a tanh."""
CLASSES, BATCH = 3, 2
SMALL, LARGE = 1e-6, 1e6
SCALES = (0.01, 0.1, 1.0, 10.0, 100.0)


def _logits(run: Run, cell: Cell, classes: int, batch: int, draws: int) -> Array:
    """Logits of minibatches of rows of equal norms, by fresh weights, in units of their root mean square deviation."""
    network = Network((*body(cell).layers, Dense("readout", WIDTH, classes, lecun)))
    rows, rng, found = run.inputs.narrowed(WIDTH), run.rng("weights", cell.key, classes), []
    rows = rows / np.sqrt(np.square(rows).mean(axis=1, keepdims=True))
    for count in batches(network, draws):
        x = rows[rng.integers(len(rows), size=(count, batch))]
        states = network.run(network.draw(rng, count), x).states
        deviations = np.sqrt(np.square(states[-2]).mean(axis=(1, 2), keepdims=True))
        found.append(states[-1] / deviations)
    return np.concatenate(found)


def _excess(logits: Array, targets: Array, scale: float) -> tuple[Array, Array]:
    """Mean loss less entropy of minibatches at a scale of the logits, and a bound on its rounding error."""
    found = softmax_loss(scale * logits, targets)
    return (found.loss - found.entropy).mean(axis=1), found.rounding.mean(axis=1)


def _labels(run: Run, logits: Array, kind: str) -> Array:
    """Labels independent of all else and uniform; or not so."""
    draws, batch, classes = logits.shape
    labels = run.rng("labels", batch).integers(classes, size=(draws, batch))
    kinds = {"independent": labels, "alike": np.repeat(labels[:, :1], batch, axis=1), "trained": logits.argmax(-1)}
    return one_hot(kinds[kind], classes)


@claim(
    "P15",
    paper=FIXUP,
    where="section 2, theorem 2, first part; derived here",
    states=r"G\le0\text{ with probability }\pi(s),\qquad\pi\text{ never rises},\qquad"
    r"\pi(0^+)=\tfrac12\ \ge\ \pi(s)\ \ge\ \pi(\infty)=c^{-B}",
    derivation=[softmax.identity, *vacuous.DERIVATIONS],
    exact=False,
    mutants=[
        mutant(
            "every example at once",
            "2^-B at small logits, as if each example's term had to be negative: their sum must be.",
            small=lambda: sp.Rational(1, 2**BATCH),
        ),
        mutant(
            "the batch does not matter",
            "1/c at large logits: the label of one example is its largest logit; here all must be.",
            large=lambda classes, batch: vacuous.share_at_large_logits(classes, 1),
        ),
        mutant(
            "vacuous where predictions are wrong",
            "The other way round: a wrong prediction has a large loss and a small entropy.",
            large=lambda classes, batch: 1 - vacuous.share_at_large_logits(classes, batch),
        ),
        mutant(
            "at any scale alike",
            "1/2 at large logits too, as by a symmetry: right for one example of two classes only.",
            large=lambda classes, batch: sp.Rational(1, 2),
        ),
        mutant(
            "more often at large logits",
            "(l - H) / s falls with the scale: the loss of a confident net is taken for small, whatever the label.",
            rises=False,
        ),
        mutant(
            "one class a minibatch",
            "Labels that are alike: examples look alike to a net at the start, so its predictions are right together.",
            labels="alike",
        ),
        mutant("a trained network", "Labels that follow the logits, where the bound says nothing.", labels="trained"),
    ],
)
def theorem_2_speaks_in_half_of_the_draws(
    run: Run,
    *,
    small: Callable[[], sp.Expr] = vacuous.share_at_small_logits,
    large: Callable[[int, int], sp.Expr] = vacuous.share_at_large_logits,
    rises: bool = True,
    labels: str = "independent",
) -> Finding:
    """Theorem 2 is vacuous in at most half of the draws, less often the larger the logits, and in c^-B at least.

    The share is over a Gaussian readout (symmetric is enough for 1/2), for labels that are independent of it and
    uniform (which c^-B needs), whatever the body, its depth and the inputs; here residual and plain nets of a sweep on
    real rows. That (l - H) / s never falls is exact, draw by draw, hence so are both bounds at every scale. The limits
    are tested at logits of 1e-6 and 1e6: a draw differs from them only if a Gaussian is nearer to 0 than about 1e-6
    (at large logits H <= log c and l is at least the gap to the largest, so every gap is below B log c / s). One
    example of two classes: 1/2 at every scale, exactly.
    """
    run, findings = run.share(2 * len(BODIES) + 1), []
    half = run.count(vacuous.share_at_small_logits(), error=0.08)
    least = run.count(vacuous.share_at_large_logits(CLASSES, BATCH), error=0.2)
    draws = max(half.trials, least.trials)
    for cell in BODIES:
        logits = run.once(_logits, cell, CLASSES, BATCH, draws)
        targets = _labels(run, logits, labels)
        for scale, test, claimed in ((SMALL, half, small()), (LARGE, least, large(CLASSES, BATCH))):
            silent = int((_excess(logits, targets, scale)[0] <= 0).sum())
            findings.append(test(silent, draws, expected=claimed))
        findings.append(_growth(logits[:1000], targets[:1000], rises))
    logits = run.once(_logits, BODIES[0], 2, 1, draws)
    silent = int((_excess(logits, _labels(run, logits, labels), 1.0)[0] <= 0).sum())
    findings.append(half(silent, draws))
    return all_of(findings)


def _growth(logits: Array, targets: Array, rises: bool) -> Finding:
    """Test that (l - H) / s rises from each scale to the next, on every draw."""
    found = [_excess(logits, targets, scale) for scale in SCALES]
    excess, rounding = (
        np.stack([pair[k] / scale for pair, scale in zip(found, SCALES, strict=True)], axis=1) for k in (0, 1)
    )
    later, earlier = excess[:, 1:], excess[:, :-1]
    larger, smaller = (later, earlier) if rises else (earlier, later)
    return inequality(larger, smaller, rounding=rounding[:, 1:] + rounding[:, :-1])
