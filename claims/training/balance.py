"""What remains true as a network is trained: layers of a ReLU net stay in balance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import DRAWS, rows
from evidence import Finding, all_of, identity
from simulations import LeakyReLU, Network, Tanh, mlp, residual_mlp
from simulations.layers.dense import Layer
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from simulations.weights.kinds import Outer, factors
from theory.training import balance

DU = "Du, Hu & Lee 2018 (layers stay in balance)"
BATCH, STEPS, RATE = 3, 50, 0.05
RELU, TANH = LeakyReLU(), Tanh()
Groups = dict[str, Sequence[Sequence[str]]]
Drift = Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr]

GROUPS: Groups = {
    "plain": (("layer0", "layer1", "readout"),),
    "residual": (("stem", "readout"), ("block0.layer0", "block0.layer1"), ("block1.layer0", "block1.layer1")),
}
"""Layers that are in balance: all of a plain net; of a residual one those around the blocks, and those of a branch."""
ACROSS: Groups = {**GROUPS, "residual": (tuple(name for group in GROUPS["residual"] for name in group),)}


@dataclass(frozen=True)
class Training:
    """By layer: <W, G> and ||G||^2 at each step (draws, STEPS), by how much ||W||^2 moved (draws,); and rounding."""

    inner: dict[str, Array]
    squares: dict[str, Array]
    moved: dict[str, Array]
    of_inner: Array
    """A bound on the rounding of <W, G> at each step, (draws, STEPS)."""
    of_norms: Array
    """A bound on what rounding moves ||W||^2 by beyond that, (draws,)."""


def _trained(run: Run, kind: str, activation: Layer, bias: float | None) -> Training:
    """Take 50 steps of SGD on real rows from He's weights, every draw with its own.

    Sums of products round as in `simulations.probe`: at most fan_in + fan_out times a layer, of sum |W| |x| |dy|.
    """
    features, classes = run.inputs.x.shape[1], run.inputs.classes
    network: Network = (
        mlp([features, 12, 9], classes=classes, activation=activation, bias_deviation=bias)
        if kind == "plain"
        else residual_mlp(7, 2, hidden=5, stem=features, classes=classes, activation=activation, bias_deviation=bias)
    )
    parameters = network.draw(run.rng("weights", kind), DRAWS)
    size = np.median(np.linalg.norm(run.inputs.nonzero(), axis=-1))
    inner: dict[str, list[Array]] = {dense.name: [] for dense in network.weights()}
    squares: dict[str, list[Array]] = {dense.name: [] for dense in network.weights()}
    of_inner, of_norms = np.zeros((DRAWS, STEPS)), np.zeros(DRAWS)
    start = parameters
    for t in range(STEPS):
        x, targets = rows(run, f"{kind} {t}", DRAWS, BATCH)
        taken = step(network, parameters, x / size, targets, RATE)
        for dense in network.weights():
            weight, gradient = parameters[dense.weight], factors(taken.gradients[dense.weight])
            inner[dense.name].append((weight * gradient.array).sum((1, 2)))
            squares[dense.name].append(np.square(gradient.array).sum((1, 2)))
            terms = (np.abs(weight) * Outer(np.abs(gradient.x), np.abs(gradient.dy)).array).sum((1, 2))
            of_inner[:, t] += 2 * EPS * (dense.fan_in + dense.fan_out + BATCH + 4) * terms
            of_norms += 4 * EPS * (np.square(weight).sum((1, 2)) + RATE * terms)
        parameters = taken.parameters
    moved = {}
    for dense in network.weights():
        before, after = (np.square(p[dense.weight]).sum((1, 2)) for p in (start, parameters))
        moved[dense.name] = after - before
        of_norms += dense.fan_in * dense.fan_out * EPS * (before + after)
    return Training(
        {name: np.stack(one, axis=1) for name, one in inner.items()},
        {name: np.stack(one, axis=1) for name, one in squares.items()},
        moved,
        of_inner,
        of_norms,
    )


@claim(
    "T2",
    paper=DU,
    where="theorem 2.1 for gradient flow; for steps derived here",
    states=r"\langle W_l,G_l\rangle=\langle W_k,G_k\rangle,\qquad \Delta\bigl(\|W_l\|^2-\|W_k\|^2\bigr)=\eta^2"
    r"\bigl(\|G_l\|^2-\|G_k\|^2\bigr)\text{ in every step}",
    derivation=balance.DERIVATIONS,
    mutants=[
        mutant(
            "conserved exactly",
            "That holds under gradient flow; every finite step leaves its second order.",
            drift=lambda rate, square, other: sp.S.Zero,
        ),
        mutant(
            "a drift of the first order",
            "eta for eta^2: what is of the first order is the same for both layers.",
            drift=lambda rate, square, other: balance.drift(rate, square, other) / rate,
        ),
        mutant(
            "layers of different branches",
            "A branch is scaled by its own layers alone: only those share <dl/dF, F>.",
            groups=ACROSS,
        ),
        mutant("with biases", "The simulated layers have biases, which do not scale with the layer.", bias=0.1),
        mutant("tanh", "The simulated units are not positively homogeneous.", activation=TANH),
    ],
)
def layers_stay_in_balance(
    run: Run,
    *,
    drift: Drift = balance.drift,
    groups: Groups = GROUPS,
    activation: Layer = RELU,
    bias: float | None = None,
) -> Finding:
    """A step of SGD moves the difference of two layers' squared norms by eta^2 times that of their squared gradients.

    Nothing is averaged; exact to rounding in every draw: <W, G> is the same for all layers, which leaves the second
    order alone. ReLU nets without biases, plain and with two residual branches (there for the layers of one branch, and
    for stem and readout), 50 steps on minibatches of 3 real rows. Under gradient flow nothing is left (derived).
    """
    rate, square, other = sp.symbols("eta g_l g_k", positive=True)
    claimed = sp.lambdify([rate, square, other], drift(rate, square, other))
    findings = []
    for kind, alike in groups.items():
        seen = run.once(_trained, kind, activation, bias)
        from_inner = 2 * RATE * seen.of_inner.sum(axis=1)
        for first, *others in alike:
            for name in others:
                steps = claimed(RATE, seen.squares[name], seen.squares[first])
                findings += [
                    identity(seen.inner[name], seen.inner[first], rounding=seen.of_inner),
                    identity(
                        seen.moved[name] - seen.moved[first],
                        np.broadcast_to(steps, (DRAWS, STEPS)).sum(axis=1),
                        rounding=from_inner + seen.of_norms,
                    ),
                ]
    return all_of(findings)
