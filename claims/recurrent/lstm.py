"""Recurrent nets: what the cell of an LSTM passes on through time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import lecun
from simulations.layers.losses import EPS
from simulations.layers.lstm import Unrolled, draw_cell
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.recurrent import lstm

LSTM = "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (LSTM)"
DRAWS, UNITS, STEPS, SPAN = 60, 4, 6, 50
BIASES = (sp.S.Zero, sp.S.One, sp.Integer(5), lstm.chrono_bias(SPAN))


def _unrolled(run: Run, steps: int, bias: sp.Expr | None, forgets: bool) -> tuple[Unrolled, Array, Array]:
    """LSTM cells of random weights that read real rows; with a `bias`, no weight leads into their forget gates.

    Return also a move of c_0, and how far it moves c_T if the gates see the same outputs h as before.
    """
    rng, rows = run.rng("cell", str(bias)), run.inputs.narrowed(UNITS)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    x = rows[rng.integers(len(rows), size=(steps, DRAWS, 1))]
    start, output, move = rng.standard_normal((3, DRAWS, 1, UNITS))
    forget_bias = None if bias is None else number(bias)
    cell = draw_cell(
        rng, DRAWS, UNITS, UNITS, init=lecun.scaled(2), bias_deviation=1, forget_bias=forget_bias, forgets=forgets
    )
    cells = cell.run(x, start, output)
    moved = cell.run(x, start + move, output, held=cells.outputs)
    return cells, move, moved.cells[-1] - cells.cells[-1]


def _kept(run: Run, steps: int, bias: sp.Expr | None, gate_paths: bool, forgets: bool) -> Array:
    """The share of a random cotangent at c_T that comes back at c_0, entry by entry, (draws, 1, units)."""
    cells, _, _ = run.once(_unrolled, steps, bias, forgets)
    cotangent = run.rng("cotangent").standard_normal((DRAWS, 1, UNITS))
    share: Array = cells.pullback(cotangent, gate_paths=gate_paths)[0] / cotangent
    return share


def _forever(*_: object) -> sp.Expr:
    return sp.S.One


@claim(
    "N4",
    paper=LSTM,
    where="the constant error carousel and its forget gate; the bias log(T - 1) is of Tallec & Ollivier 2018",
    states=r"\frac{\partial c_T}{\partial c_0}\Big|_{\text{direct}}=\prod_{t=1}^T f_t,\quad\sigma(b)^T\text{ for "
    r"gates without weights},\quad b=\log(T-1):\ \bigl(1-\tfrac1T\bigr)^T\le\tfrac1e\le\bigl(1-\tfrac1T\bigr)^{T-1}",
    derivation=lstm.DERIVATIONS,
    mutants=[
        mutant(
            "LSTM gradients do not vanish",
            "1 whatever the gate: this holds only where the forget gate is 1, as in the cell of 1997, which had none.",
            path=_forever,
            constant=_forever,
        ),
        mutant(
            "one step counted",
            "sigma(b) is what one step keeps; T steps keep its T-th power.",
            constant=lambda bias, steps: lstm.biased_path(bias, 1),
        ),
        mutant(
            "tanh for the gate",
            "Gates are sigmoids, 1/2 at b = 0; the tanh belongs to what is new, and is 0 there.",
            constant=lambda bias, steps: sp.tanh(bias) ** steps,
        ),
        mutant(
            "the bias halves it",
            "T as a half-life: after the T steps of chrono initialisation 1/e is left, not 1/2.",
            share=lambda: sp.Rational(1, 2),
        ),
        mutant(
            "the bias keeps it all",
            "Each gate, 1 - 1/T, tends to 1, but T of them multiply.",
            share=_forever,
        ),
        mutant(
            "all paths for the direct one",
            "The simulated pullback leaves the paths through h into later gates in: the full Jacobian.",
            gate_paths=True,
        ),
        mutant("the cell of 1997", "The simulated cell has no forget gate, and keeps all it has.", forgets=False),
    ],
)
def lstm_keeps_what_its_gates_keep(
    run: Run,
    *,
    path: Callable[[Sequence[sp.Symbol]], sp.Expr] = lstm.direct_path,
    constant: Callable[[sp.Expr, int], sp.Expr] = lstm.biased_path,
    share: Callable[[], sp.Expr] = lstm.chrono_share,
    gate_paths: bool = False,
    forgets: bool = True,
) -> Finding:
    """The direct path through an LSTM's cell is the product of its forget gates; it is kept only where they are 1.

    Nothing is averaged; exact for every draw of weights and real inputs, in a cell of 4 units. The paths through h are
    cut. The share of a cotangent that comes back over 6 steps, and of a move of c_0 that arrives, is the product of the
    gates; without a forget gate it is 1. If no weight leads into the forget gates it is sigma(b)^T, over 50 steps for
    b = 0, 1, 5 and log(T - 1); the last keeps at least 1/e over T - 1 steps and at most 1/e over T.
    """
    symbols = sp.symbols(f"f_1:{STEPS + 1}")
    cells, move, moved = run.once(_unrolled, STEPS, None, forgets)
    claimed = sp.lambdify(symbols, path(symbols))(*cells.gates[1])
    # Both runs have |c_t| <= |c_0| + t, lose at most eps (|c_0| + t) a step, and gates below 1 amplify nothing.
    lost = 4 * STEPS * EPS * (np.abs(cells.cells[0]) + np.abs(move) + STEPS)
    whole = number(path([sp.S.One] * STEPS))
    findings = [
        identity(_kept(run, STEPS, None, gate_paths, forgets), claimed, rounding=2 * STEPS * EPS * np.abs(claimed)),
        identity(moved, claimed * move, rounding=lost),
        identity(_kept(run, STEPS, None, gate_paths, False), np.array(whole), rounding=EPS),
    ]
    for bias in BIASES:
        expected = number(constant(bias, SPAN))
        rounding = 8 * SPAN * EPS * expected  # fewer than 8 roundings in a sigmoid of b >= 0 and in each product
        measured = _kept(run, SPAN, bias, gate_paths, forgets)
        findings.append(identity(measured, np.array(expected), rounding=rounding))
    late, early = (_kept(run, steps, BIASES[-1], gate_paths, forgets) for steps in (SPAN, SPAN - 1))
    limit, rounding = number(share()), 8 * SPAN * EPS
    findings += [inequality(limit, late, rounding=rounding), inequality(early, limit, rounding=rounding)]
    return all_of(findings)
