"""Why the top layer of a deep sigmoid net saturates at 0, as far as the first steps tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import Dense, Network, lecun, softmax_loss
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.plain import saturation

WIDTH, CLASSES, DRAWS = 7, 4, 200
Along = Callable[[Sequence[sp.Expr], Sequence[sp.Expr]], sp.Expr]


@dataclass(frozen=True)
class _Push:
    """A common state h and the gradient of the mean loss in it, (draws, units); logits and probabilities."""

    state: Array
    gradient: Array
    logits: Array
    probabilities: Array


def _push(run: Run, bias: float | None, balanced: bool) -> _Push:
    """One state a draw, the same for an example of every class (or not `balanced`: all of one), and a readout."""
    rng = run.rng("states")
    state = rng.random((DRAWS, 1, WIDTH))
    network = Network((Dense("readout", WIDTH, CLASSES, lecun.scaled(2.0), bias),))
    parameters = network.draw(rng, DRAWS)
    labels = np.eye(CLASSES) if balanced else np.eye(CLASSES)[np.zeros(CLASSES, dtype=int)]
    passed = network.run(parameters, np.repeat(state, CLASSES, axis=1))
    loss = softmax_loss(passed.output, np.broadcast_to(labels, passed.output.shape))
    gradient = passed.backward(loss.logit_gradient / CLASSES)[0].sum(axis=1)
    return _Push(state[:, 0], gradient, passed.output[:, 0], loss.prediction[:, 0])


@claim(
    "X11",
    paper=GLOROT,
    where="section 3.1, the mechanism that is supposed for units saturated at 0; the statement derived here",
    states=r"\Bigl\langle h,\frac{\partial\ell}{\partial h}\Bigr\rangle=\sum_k\bigl(p_k-\tfrac1c\bigr)z_k=\frac1c"
    r"\sum_{k<j}(p_k-p_j)(z_k-z_j)\ge0,\qquad z=Wh,\ p=\operatorname{softmax}(z)",
    derivation=saturation.DERIVATIONS,
    mutants=[
        mutant(
            "towards the middle",
            "To 1/2, where a sigmoid is steepest: what shrinks is h itself, and 1/2 with it.",
            centre=0.5,
        ),
        mutant(
            "every unit",
            "Each unit's own share of the inner product said to be positive; only their sum is.",
            each=True,
        ),
        mutant(
            "every pair twice",
            "The sum over all k and j, in which a pair counts twice.",
            along=lambda logits, shares: 2 * saturation.along_the_state(logits, shares),
        ),
        mutant("one class", "The simulated labels are all alike: logits then grow.", balanced=False),
        mutant(
            "a bias of the classes",
            "The simulated readout has biases: they have a part in the logits, and what remains has either sign.",
            bias=2.0,
        ),
    ],
)
def a_common_state_is_pushed_to_zero(
    run: Run,
    *,
    along: Along = saturation.along_the_state,
    centre: float = 0.0,
    each: bool = False,
    bias: float | None = None,
    balanced: bool = True,
) -> Finding:
    """Balanced classes push a state that all inputs share towards 0, until its logits are equal or biases are learnt.

    The inner product of the state and the gradient of the softmax loss in it is never negative, whatever the weights
    above. Nothing is averaged; exact for every draw. States between 0 and 1, as of sigmoid units, below a readout
    without biases for 4 classes. It says where gradient descent on the state goes at first: not every unit falls, and
    how far the layers below follow, or whether units end up saturated, is not claimed.
    """
    seen = run.once(_push, bias, balanced)
    shares = (seen.state - centre) * seen.gradient
    symbols = sp.symbols(f"z_1:{CLASSES + 1} p_1:{CLASSES + 1}", real=True)
    told = sp.lambdify(symbols, along(symbols[:CLASSES], symbols[CLASSES:]))
    claimed = told(*seen.logits.T, *seen.probabilities.T)
    size = np.abs(seen.logits).sum(axis=1)
    rounding = 16 * (WIDTH + CLASSES) * EPS * (1 + size)
    inner = shares.sum(axis=1)
    return all_of(
        [
            identity(inner, claimed, rounding=rounding),
            inequality(shares if each else inner[:, None], 0.0, rounding=rounding[:, None], says=True),
        ]
    )
