"""How far one step moves several outputs: what the trace of their kernel says, and what its Frobenius norm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import residual_mlp, zero
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.fixup import kernel_norms

DRAWS, WIDTH, HIDDEN, OUTPUTS, RATE = 64, 5, 7, 3, 0.5
LAST = "block0.layer1.weight"
"""The weight that starts at 0, in which the outputs of a net of one block are affine, whatever the step."""
Mean = Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr]


def _decrease(rate: sp.Expr, trace: sp.Expr, frobenius: sp.Expr) -> sp.Expr:
    return kernel_norms.mean_decrease(rate, trace)


def _move(rate: sp.Expr, trace: sp.Expr, frobenius: sp.Expr) -> sp.Expr:
    return kernel_norms.mean_square_move(rate, frobenius)


@dataclass(frozen=True)
class Steps:
    """Kernels (draws, OUTPUTS, OUTPUTS) from the way back; loss and outputs from the way forth, (draws,) each."""

    kernel: Array
    falls: Array
    moves: Array
    sizes: Array
    """Sums of the sizes of the terms of all outputs, (draws,)."""


def _taken(run: Run, alike: bool) -> Steps:
    """Take a step on the loss g z for every vector of signs g, or for the two in which all are alike."""
    network = residual_mlp(WIDTH, 1, hidden=HIDDEN, last_layer=zero, classes=OUTPUTS)
    rng, narrow = run.rng("nets"), run.inputs.narrowed(WIDTH)
    x = narrow[rng.integers(len(narrow), size=DRAWS)][:, None, :]
    x = x / np.abs(x).max(axis=-1, keepdims=True)
    parameters = network.draw(rng, DRAWS)
    seen = network.run(parameters, x)

    def gradient(slope: Array) -> Array:
        return seen.gradients(np.broadcast_to(slope, seen.output.shape))[LAST]

    rows = np.stack([gradient(unit).reshape(DRAWS, -1) for unit in np.eye(OUTPUTS)], axis=1)
    kernel = rows @ rows.mT
    falls, moves = [], []
    for signs in [(1,) * OUTPUTS, (-1,) * OUTPUTS] if alike else product((-1, 1), repeat=OUTPUTS):
        g = np.array(signs, dtype=float)
        moved = network.run({**parameters, LAST: parameters[LAST] - RATE * gradient(g)}, x).output - seen.output
        falls.append(-(moved @ g)[:, 0])
        moves.append(np.square(moved).sum(axis=(1, 2)))
    # With absolute values in place of all factors an output is the sum of the sizes of its terms.
    sizes = {name: np.abs(value) for name, value in parameters.items()}
    whole = network.run(sizes, np.abs(x))
    sizes[LAST] = RATE * whole.gradients(np.ones_like(whole.output))[LAST]
    return Steps(
        kernel, np.mean(falls, axis=0), np.mean(moves, axis=0), network.run(sizes, np.abs(x)).output.sum((1, 2))
    )


@claim(
    "F19",
    paper=FIXUP,
    where="appendix B, after theorem 3, a step follows the trace (number not checked with the text); what does and "
    "what follows the norm is derived here",
    states=r"\mathbb E\,g^{\mathsf T}Kg=\operatorname{tr}K,\quad \mathbb E\|Kg\|^2=\|K\|_F^2,\quad "
    r"\frac{(\operatorname{tr}K)^2}{c}\le\|K\|_F^2\le(\operatorname{tr}K)^2,\qquad K=JJ^{\mathsf T},\ "
    r"\mathbb E\,gg^{\mathsf T}=I",
    derivation=kernel_norms.DERIVATIONS,
    mutants=[
        mutant(
            "the move follows the trace",
            "That is so for one output, or where all outputs move as one; the trace is then the Frobenius norm.",
            move=lambda rate, trace, frobenius: (rate * trace) ** 2,
        ),
        mutant(
            "the trace over the root of c",
            "tr(K)^2 / c takes the kernel for a multiple of the identity, though outputs share one stream.",
            move=lambda rate, trace, frobenius: (rate * trace) ** 2 / OUTPUTS,
        ),
        mutant(
            "the loss follows the Frobenius norm",
            "The loss falls by g K g, in which only the diagonal is left on average.",
            decrease=lambda rate, trace, frobenius: rate * sp.sqrt(frobenius),
        ),
        mutant(
            "slopes of one sign", "The simulated slopes are all alike, so what is off the diagonal adds up.", alike=True
        ),
    ],
)
def loss_follows_the_trace_and_outputs_the_norm(
    run: Run,
    *,
    decrease: Mean = _decrease,
    move: Mean = _move,
    alike: bool = False,
) -> Finding:
    """Of several outputs' kernel, the trace says how far a step lowers the loss, the Frobenius norm how far they move.

    Averages over all signs of the loss's slopes, one by one: exact, to rounding, for every draw of weights and real
    row. A residual net of one block with 3 outputs, whose last layer starts at 0 as under Fixup and takes one step: the
    outputs are affine in it, so nothing is left out. The squared norm lies between tr(K)^2 / 3 and tr(K)^2.
    """
    seen = run.once(_taken, alike)
    trace, squares = np.trace(seen.kernel, axis1=1, axis2=2), np.square(seen.kernel).sum(axis=(1, 2))
    t, f = sp.symbols("t f", positive=True)
    falls, moves = (sp.lambdify([t, f], mean(sp.Float(RATE), t, f))(trace, squares) for mean in (decrease, move))
    rounding = 8 * (WIDTH + HIDDEN + OUTPUTS + 8) * EPS * seen.sizes
    rounds = rounding * 2 * seen.sizes
    return all_of(
        [
            identity(seen.falls, falls, rounding=rounding),
            identity(seen.moves, moves, rounding=rounds),
            inequality(np.square(RATE * trace), seen.moves, rounding=rounds),
            inequality(seen.moves, np.square(RATE * trace) / OUTPUTS, rounding=rounds),
        ]
    )
