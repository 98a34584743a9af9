"""Symmetry between hidden units: what a constant initialisation never breaks."""

from __future__ import annotations

import numpy as np

from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, all_of, identity, inequality
from simulations.experiments.two_layer import TwoLayer
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.training import symmetry

FOLKLORE = "Goodfellow, Bengio & Courville 2016 (Deep Learning)"
DRAWS, BATCH, FEATURES, HIDDEN, STEPS, RATE = 40, 4, 4, 6, 50, 0.5


def _trained(run: Run, incoming: float, outgoing: float) -> tuple[Array, Array, Array, Array]:
    """Train from constants, one a draw, plus noise of these sizes between hidden units, by SGD.

    Return the range of the incoming weights over hidden units and over features, of the outgoing weights over hidden
    units, and how far the incoming weights moved: (draws,) each.
    """
    rng = run.rng("constants")
    chosen = np.linspace(0, run.inputs.x.shape[1] - 1, FEATURES).astype(int)
    constants = rng.uniform(0.1, 1, (2, DRAWS, 1, 1))
    noise = rng.standard_normal((2, DRAWS, 1, HIDDEN))
    start = TwoLayer(
        constants[0] + incoming * noise[0] + np.zeros((DRAWS, FEATURES, HIDDEN)),
        (constants[1] + outgoing * noise[1]).swapaxes(1, 2) + np.zeros((DRAWS, HIDDEN, run.inputs.classes)),
    )
    network = start
    for step in range(STEPS):
        x, targets = rows(run, f"step {step}", DRAWS, BATCH)
        x = x[..., chosen] / np.abs(x).max(axis=-1, keepdims=True) + np.arange(FEATURES)  # features that differ
        network = network.step(x, targets, RATE)
    return (
        np.ptp(network.incoming, axis=2).max(axis=1),
        np.ptp(network.incoming, axis=1).max(axis=1),
        np.ptp(network.outgoing, axis=1).max(axis=1),
        np.abs(network.incoming - start.incoming).max(axis=(1, 2)),
    )


@claim(
    "S1",
    paper=FOLKLORE,
    where="section 8.4, breaking symmetry",
    states=r"w_1=w_2,\ a_1=a_2\ \Rightarrow\ w_1-\eta\frac{\partial\ell}{\partial w_1}=w_2-\eta\frac{\partial\ell}"
    r"{\partial w_2}\quad\text{for any data, so for ever}",
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
) -> Finding:
    """Hidden units that start with equal weights stay equal for ever, on any data; only input features are told apart.

    Nothing is averaged; exact, bit for bit, because the simulation adds up every unit in the same order. A layer of 6
    tanh units between 4 unequal features and the classes, 50 SGD steps on real rows from 40 pairs of constants.
    """
    units, features, readout, moved = run.once(_trained, incoming, outgoing)
    expected = number(symmetry.incoming_gap(RATE, 1, 1, 1, 0))
    return all_of(
        [
            _apart(units, moved) if units_differ else identity(units, expected, rounding=0.0),
            identity(readout, expected, rounding=0.0),
            _apart(features, moved) if features_differ else identity(features, expected, rounding=0.0),
        ]
    )


def _apart(gap: Array, moved: Array) -> Finding:
    """Test that weights differ by more than a millionth of the way that they have moved."""
    return inequality(gap, 1e-6 * moved, rounding=0.0)
