"""The softmax loss at initialisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import BATCH, DRAWS, homogeneous, rows
from evidence import Finding, all_of, identity
from simulations import Dense, Initialiser, Network, gaussian, lecun, softmax_loss, zero
from simulations.layers.losses import EPS, one_hot
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.homogeneity import initial_loss

CLASSES, SCALE = 3, 0.1
Loss = Callable[[int, float], sp.Expr]


def _zero_classifier(run: Run, readout: Initialiser) -> tuple[Array, Array]:
    """Losses and entropies of a deep network under its last layer, (draws, batch)."""
    network = homogeneous(run.inputs)["residual, 2 layers a branch"]
    body, width = network.layers[:-1], next(network.layers[-1].weights()).fan_in
    whole = Network((*body, Dense("readout", width, run.inputs.classes, readout)))
    x, targets = rows(run, "zero", DRAWS, BATCH)
    found = softmax_loss(whole.run(whole.draw(run.rng("zero"), DRAWS), x).output, targets)
    return found.loss, found.entropy


def _rises(run: Run, scale: float, trained: bool, draws: int) -> Array:
    """(l(z) + l(-z)) / 2 - log c for the logits of a Gaussian readout and of its negative, which is as likely."""
    x = run.inputs.nonzero()[run.rng("rows").integers(len(run.inputs.nonzero()), size=draws)][:, None, :4]
    x = np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)
    x = scale * x / np.sqrt(np.square(x).sum(axis=-1, keepdims=True))
    z = x @ gaussian(run.rng("readout"), (draws, x.shape[-1], CLASSES))
    labels = run.rng("labels").integers(CLASSES, size=z.shape[:2])
    up, down = (
        softmax_loss(logits, one_hot(logits.argmax(axis=-1) if trained else labels, CLASSES)).loss[:, 0]
        for logits in (z, -z)
    )
    rises: Array = (up + down) / 2 - np.log(CLASSES)
    return rises


@claim(
    "P11",
    paper=FIXUP,
    where="section 2, the loss at initialisation",
    states=r"\mathbb E\,\ell=\log c+\tfrac{s^2}2\bigl(1-\tfrac1c\bigr)+O(s^4)\ \text{for }z\sim N(0,s^2I),\qquad"
    r"\ell=H=\log c\ \text{for a zero classifier}",
    derivation=initial_loss.DERIVATIONS,
    exact=False,
    mutants=[
        mutant(
            "log c with random logits too",
            "Exact for a zero classifier; random logits are wrong about as often as right, and pay for it.",
            loss=lambda classes, scale: sp.log(classes),
        ),
        mutant(
            "it falls",
            "log c - s^2 (1 - 1/c)/2 is the entropy, which falls from log c as much as the loss rises.",
            loss=lambda classes, scale: 2 * sp.log(classes) - initial_loss.loss(classes, scale),
        ),
        mutant(
            "s^2 without the half",
            "(1 - 1/c) s^2 is loss less entropy: half of it is the entropy's fall.",
            loss=lambda classes, scale: 2 * initial_loss.loss(classes, scale) - sp.log(classes),
        ),
        mutant(
            "s^2 / 2",
            "The log of a log-normal mean; the common part of the logits, s^2/c, does not count.",
            loss=lambda classes, scale: sp.log(classes) + sp.Float(scale) ** 2 / 2,
        ),
        mutant("labels that follow the logits", "The simulated labels are the likeliest ones.", trained=True),
        mutant("a random classifier", "LeCun's initialisation where the exact statement needs zeros.", readout=lecun),
    ],
)
def loss_at_initialisation(
    run: Run, *, loss: Loss = initial_loss.loss, trained: bool = False, readout: Initialiser = zero
) -> Finding:
    """A zero classifier has loss and entropy log c exactly; small random logits of variance s^2 add s^2 (1 - 1/c) / 2.

    Averages over a Gaussian readout and labels independent of it, at fixed features; of second order in s, with a
    derived bound on the rest (0.4 % of the rise at s = 0.1, c = 3). The samples are means over a readout and its
    negative. Their size is at most the squared norm of the centred logits over 4, as log-sum-exp curves by at most
    1/2, so their second moment is at most s^4 (c^2 - 1)/16.
    """
    losses, entropies = run.once(_zero_classifier, readout)
    log_c, rounding = number(initial_loss.loss(run.inputs.classes, 0)), 8 * (run.inputs.classes + 4) * EPS
    base = number(sp.log(CLASSES))
    truth = number(initial_loss.loss(CLASSES, SCALE)) - base
    slack = number(initial_loss.loss_remainder(CLASSES, SCALE))
    variance = SCALE**4 * (CLASSES**2 - 1) / 16 - (truth - slack) ** 2
    test = run.mean(truth, variance=variance, error=0.05)
    # The mean lies somewhere in [claimed - slack, claimed]: the point there that the samples like best is tested. So
    # of an error, all but the slack must be seen.
    draws = replace(test, error=test.error * truth - slack, unit=1.0).draws
    samples = run.once(_rises, SCALE, trained, draws)
    claimed = number(loss(CLASSES, SCALE)) - base
    return all_of(
        [
            identity(losses, log_c, rounding=rounding),
            identity(entropies, log_c, rounding=rounding),
            test(samples, expected=np.clip(samples.mean(), claimed - slack, claimed)),
        ]
    )
