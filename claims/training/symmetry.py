"""Symmetry between hidden units: what a constant initialisation never breaks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, all_of, identity, inequality
from simulations import softmax_loss
from simulations.experiments.two_layer import TwoLayer
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.training import symmetry

FOLKLORE = "Goodfellow, Bengio & Courville 2016 (Deep Learning)"
DRAWS, BATCH, FEATURES, HIDDEN, STEPS, RATE = 40, 4, 4, 6, 50, 0.5
GAPS = (0.1, 1.0)
"""Sizes of the differences between outgoing weights from which one step is taken."""

ETA = sp.Symbol("eta", positive=True)
SLOPE, FEATURE, ACTIVE, GAP = sp.symbols("s x d g", real=True)
Parted = Callable[[sp.Expr, sp.Expr, sp.Expr, sp.Expr, sp.Expr], sp.Expr]


def _inputs(run: Run, name: str, size: int) -> tuple[Array, Array]:
    """Four unequal features of real rows, and their labels."""
    chosen = np.linspace(0, run.inputs.x.shape[1] - 1, FEATURES).astype(int)
    x, targets = rows(run, name, DRAWS, size)
    return x[..., chosen] / np.abs(x).max(axis=-1, keepdims=True) + np.arange(FEATURES), targets


def _trained(run: Run, incoming: float, outgoing: float) -> tuple[Array, Array, Array, Array]:
    """Train from constants, one a draw, plus noise of these sizes between hidden units, by SGD.

    Return the range of the incoming weights over hidden units and over features, of the outgoing weights over hidden
    units, and how far the incoming weights moved: (draws,) each.
    """
    rng = run.rng("constants")
    constants = rng.uniform(0.1, 1, (2, DRAWS, 1, 1))
    noise = rng.standard_normal((2, DRAWS, 1, HIDDEN))
    start = TwoLayer(
        constants[0] + incoming * noise[0] + np.zeros((DRAWS, FEATURES, HIDDEN)),
        (constants[1] + outgoing * noise[1]).swapaxes(1, 2) + np.zeros((DRAWS, HIDDEN, run.inputs.classes)),
    )
    network = start
    for step in range(STEPS):
        network = network.step(*_inputs(run, f"step {step}", BATCH), RATE)
    return (
        np.ptp(network.incoming, axis=2).max(axis=1),
        np.ptp(network.incoming, axis=1).max(axis=1),
        np.ptp(network.outgoing, axis=1).max(axis=1),
        np.abs(network.incoming - start.incoming).max(axis=(1, 2)),
    )


def _parted(run: Run, parted: Parted, gap: float) -> Finding:
    """Test how far one step on one row parts units that have one incoming weight and outgoing ones `gap` apart."""
    rng, (x, targets) = run.rng("parted", str(gap)), _inputs(run, "parted", 1)
    incoming = np.broadcast_to(rng.uniform(-0.2, 0.2, (DRAWS, FEATURES, 1)), (DRAWS, FEATURES, HIDDEN))
    outgoing = rng.uniform(0.1, 1, (DRAWS, 1, 1)) + gap * rng.standard_normal((DRAWS, HIDDEN, run.inputs.classes))
    after = TwoLayer(incoming, outgoing).step(x, targets, RATE).incoming
    seen = after[:, :, :1] - after[:, :, 1:]
    hidden = np.tanh(x @ incoming[:, :, :1])
    slope = softmax_loss(np.tanh(x @ incoming) @ outgoing, targets).logit_gradient[:, :, None]
    evaluate = sp.lambdify([ETA, SLOPE, FEATURE, ACTIVE, GAP], parted(ETA, SLOPE, FEATURE, ACTIVE, GAP))
    features, active = x.swapaxes(1, 2)[..., None], (1 - hidden**2)[..., None]
    terms = evaluate(RATE, slope, features, active, (outgoing[:, :1] - outgoing[:, 1:])[:, None])
    sizes = np.abs(incoming).max() + RATE * np.abs(features[..., 0]) * (np.abs(slope) * np.abs(outgoing)[:, None]).sum(
        axis=3
    ).max(axis=2, keepdims=True)
    # The slope of the loss errs by some eps times the logits and their number, the sums over classes by as many eps.
    lost = 8 * EPS * (10 + run.inputs.classes) * (1 + np.abs(outgoing).sum(axis=1).max(axis=1))[:, None, None]
    return identity(seen, terms.sum(axis=3), rounding=lost * sizes)


@claim(
    "S1",
    paper=FOLKLORE,
    where="section 8.4, breaking symmetry",
    states=r"w_1=w_2\ \Rightarrow\ \Delta w_1-\Delta w_2=-\eta\,\ell'x\,\varphi'(a_1-a_2):\quad a_1=a_2\text{ keeps "
    r"units alike, for any data, so for ever}",
    derivation=symmetry.gap,
    mutants=[
        mutant(
            "asymmetric data cure it",
            "Data tell input features apart; every hidden unit sees the same data and gets the same gradient.",
            units_differ=True,
        ),
        mutant(
            "all weights stay equal",
            "It is hidden units that stay alike: the weights of different input features do move apart.",
            features_differ=False,
        ),
        mutant(
            "random outgoing weights",
            "The simulated outgoing weights differ, and pass different gradients to the units.",
            outgoing=0.1,
        ),
        mutant(
            "without the slope of the activation",
            "-eta l' x (a_1 - a_2): the gradient passes through the activation, and takes its slope along.",
            parted=lambda rate, slope, x, active, gap: symmetry.incoming_gap(rate, slope, x, 1, gap),
        ),
        mutant("random incoming weights", "The simulated units differ from the start.", incoming=0.1),
    ],
)
def constant_units_stay_alike(
    run: Run,
    *,
    units_differ: bool = False,
    features_differ: bool = True,
    incoming: float = 0.0,
    outgoing: float = 0.0,
    parted: Parted = symmetry.incoming_gap,
) -> Finding:
    """Hidden units that start with equal weights stay equal for ever, on any data; only input features are told apart.

    Nothing is averaged; exact, bit for bit, because the simulation adds up every unit in the same order. A layer of 6
    tanh units between 4 unequal features and the classes, 50 SGD steps on real rows from 40 pairs of constants. And one
    step on one row parts units of equal incoming and unequal outgoing weights as derived, summed over the classes.
    """
    units, features, readout, moved = run.once(_trained, incoming, outgoing)
    return all_of(
        [
            _apart(units, moved) if units_differ else identity(units, 0.0, rounding=0.0),
            identity(readout, 0.0, rounding=0.0),
            _apart(features, moved) if features_differ else identity(features, 0.0, rounding=0.0),
            *(_parted(run, parted, gap) for gap in GAPS),
        ]
    )


def _apart(gap: Array, moved: Array) -> Finding:
    """Test that weights differ by more than a millionth of the way that they have moved."""
    return inequality(gap, 1e-6 * moved, rounding=0.0)
