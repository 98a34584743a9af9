"""The softmax identity, from which Fixup's bounds on gradients follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import DRAWS, homogeneous, rows
from evidence import Finding, identity
from simulations import softmax_loss
from simulations.numbers.arrays import Array
from theory.homogeneity import softmax


@claim(
    "P4",
    paper=FIXUP,
    where="appendix, in the proof of theorem 1",
    states=r"(p-y)^{\mathsf T}z=\ell(z,y)-H(p)",
    derivation=[softmax.log_probability, softmax.identity],
    mutants=[
        mutant(
            "the label's entropy",
            "H is the entropy of the prediction p, not of the label y.",
            entropy=lambda p, y: -(y * np.log(np.maximum(y, 1e-300))).sum(-1),
        ),
        mutant(
            "log c",
            "The entropy of a uniform prediction, its upper bound, taken for its value.",
            entropy=lambda p, y: np.full(p.shape[:-1], np.log(p.shape[-1])),
        ),
        mutant("reversed", "H - l: gradient descent moves logits along y - p.", sign=-1.0),
    ],
)
def softmax_identity(
    run: Run,
    *,
    entropy: Callable[[Array, Array], Array] | None = None,
    sign: float = 1.0,
) -> Finding:
    """The logits' gradient times the logits is the loss less the entropy of the prediction.

    Exact for any logits (here those of real networks, times 1e-3 to 1e100) and any labels that sum to 1 (here
    smoothed).
    """
    network = homogeneous(run.inputs)["residual, 2 layers a branch"]
    x, hard = rows(run, "softmax", 4 * DRAWS, 1)
    scale = 10 ** np.where(
        np.arange(4 * DRAWS) % 2,
        run.rng("scales").uniform(-3, 1, 4 * DRAWS),
        run.rng("huge").uniform(1, 100, 4 * DRAWS),
    )
    logits = network.run(network.draw(run.rng("softmax"), 4 * DRAWS), x).output * scale[:, None, None]
    targets = 0.9 * hard + 0.1 / run.inputs.classes
    found = softmax_loss(logits, targets)
    left = ((found.prediction - targets) * logits).sum(-1)
    subtracted = found.entropy if entropy is None else entropy(found.prediction, targets)
    return identity(left, sign * (found.loss - subtracted), rounding=found.rounding)
