"""The softmax loss at initialisation where classes are many and logits are large, as in language models."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import mlp, one_hot, softmax_loss
from simulations.measure import batches
from simulations.numbers.arrays import Array
from simulations.weights.undrawn import undrawn
from theory.domain import number
from theory.homogeneity import gaussian_logits, initial_loss, maximum

SIZES = ((100, 3.0, 0.03, 0.04), (32_128, math.sqrt(768), 0.15, 0.25))
"""Classes, standard deviation of the logits, relative error at standard effort and at any: an ordinary classifier, and
T5's vocabulary, where embeddings of variance 1 and 768 features are the readout of a normalised state."""
WIDTH = 4
Loss = Callable[[int, float], float]


def _losses(run: Run, classes: int, scale: float, trained: bool, draws: int) -> Array:
    """Losses of a Gaussian readout of real rows, averaged over all labels alike (or of the likeliest label)."""
    usable, rng = run.inputs.narrowed(WIDTH), run.rng("readout", classes)
    network, parts = mlp([WIDTH], classes=classes), []
    for count in batches(network, draws):
        x = usable[rng.integers(len(usable), size=count)][:, None, :]
        x = x * (scale * math.sqrt(WIDTH) / np.linalg.norm(x, axis=-1, keepdims=True))
        logits = network.run(network.draw(rng, count, undrawn()), x).output
        labels = one_hot(logits.argmax(-1), classes) if trained else np.full_like(logits, 1 / classes)
        parts.append(softmax_loss(logits, labels).loss[:, 0])
    return np.concatenate(parts)


@claim(
    "P16",
    paper=FIXUP,
    where="section 2, the loss at initialisation; at any scale, derived here",
    states=r"\mathbb E\,\ell=\mathbb E\log\sum_{i\le c}e^{z_i}=\int_{-\infty}^\infty e^{-e^{-y}}-F(y)^c\,dy,\quad "
    r"F(y)=\mathbb E\,e^{-e^{z_1-y}},\ z\sim N(0,s^2I):\qquad 114.57\ \text{at }c=32128,\ s=\sqrt{768}",
    derivation=[*gaussian_logits.DERIVATIONS],
    mutants=[
        mutant(
            "log c + s^2 / 2",
            "The logarithm of the mean of the sum: an upper bound, near only while s^2 is well below 2 log c.",
            loss=lambda classes, scale: math.log(classes) + scale**2 / 2,
        ),
        mutant(
            "the quadratic law at any scale",
            "log c + s^2 (1 - 1/c) / 2 is for small logits: 394 where the loss is 114.6, 7 % too large at s = 3.",
            loss=lambda classes, scale: number(initial_loss.quadratic().at(c=classes, s=scale)),
        ),
        mutant(
            "log c",
            "The loss of a uniform prediction, by which a first loss is often checked: right for small logits alone.",
            loss=lambda classes, scale: math.log(classes),
        ),
        mutant(
            "the largest logit alone",
            "Near for large logits, where one class takes all: at 100 classes and s = 3 it is 11 % too small.",
            loss=lambda classes, scale: scale * number(maximum.expected_maximum(classes)),
        ),
        mutant(
            "s sqrt(2 log c)",
            "The largest logit by its limit for many classes: still 10 % too large at 32,128.",
            loss=lambda classes, scale: scale * math.sqrt(2 * math.log(classes)),
        ),
        mutant("labels that follow the logits", "The label must be independent of the readout.", trained=True),
    ],
)
def loss_of_a_large_vocabulary(
    run: Run, *, loss: Loss = gaussian_logits.expected_loss, trained: bool = False
) -> Finding:
    """For c Gaussian logits of any scale the mean softmax loss is an integral: 114.57 at c = 32,128, s = sqrt 768.

    Averages over a Gaussian readout, for labels independent of it; exact, integrated numerically to about 1e-11.
    Tested at two sizes, 100 classes at s = 3 being the other. Losses are averaged over all labels, which leaves
    log-sum-exp less the mean logit; its gradient p - 1/c has a squared norm of at most 1 - 1/c, so its variance is at
    most s^2 (1 - 1/c) (Poincaré).
    """
    run, findings = run.share(len(SIZES)), []
    for classes, scale, error, at_most in SIZES:
        variance = scale**2 * (1 - 1 / classes)
        test = run.mean(gaussian_logits.expected_loss(classes, scale), variance=variance, error=error, at_most=at_most)
        samples = run.once(_losses, classes, scale, trained, test.draws)
        findings.append(test(samples, expected=loss(classes, scale)))
    return all_of(findings)
