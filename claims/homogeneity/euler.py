"""Euler's identity for sets of any degree, and for losses other than the softmax loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import DRAWS, Shapes, biased, homogeneous, rows
from evidence import Finding, all_of, identity
from simulations import softmax_loss
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.probe import SetProbe, probe_cotangents, probe_sets
from theory.homogeneity import degrees, softmax
from theory.homogeneity import euler as homogeneity

LOSS, ENTROPY, LOGIT, TARGET = sp.symbols("l H z y", real=True)


def _plain_sets(run: Run, shapes: Shapes) -> list[tuple[int, SetProbe]]:
    """For plain networks: every layer, and the last two, three, ... together; each with the number of its layers."""
    found = []
    for name, network in shapes(run.inputs).items():
        weights = [dense.weight for dense in network.weights()]
        if not name.startswith("plain"):
            continue
        sets = [frozenset([one]) for one in weights] + [frozenset(weights[i:]) for i in range(len(weights) - 1)]
        x, targets = rows(run, name, DRAWS, 1)
        probes = probe_sets(network, network.draw(run.rng("weights", name), DRAWS), x, targets, sets)
        found += [(len(some), probe) for some, probe in probes.items()]
    return found


@claim(
    "P13",
    paper=FIXUP,
    where="section 2, theorem 2 for sets of degree k",
    states=r"f(x;\alpha\theta)=\alpha^kf(x;\theta)\ \Rightarrow\ \Bigl\langle\frac{\partial\ell}{\partial\theta},\theta"
    r"\Bigr\rangle=k\,(\ell-H),\quad k=\text{the number of layers of a plain net in }\theta",
    derivation=[homogeneity.multiplication, degrees.dense, softmax.identity, degrees.loss_of_a_set],
    mutants=[
        mutant(
            "degree 1 for every set",
            "Layers one above the other are multiplied: their joint degree is their number.",
            along=lambda k, loss, entropy: degrees.loss_gradient_along(1, loss, entropy),
        ),
        mutant(
            "layers share the excess",
            "(l - H)/k a layer, as if the set had degree 1: every layer alone has all of l - H.",
            along=lambda k, loss, entropy: (loss - entropy) / k,
        ),
        mutant(
            "degrees multiply",
            "k^2: degrees multiply under composition of maps, but the loss sees c^k once.",
            along=lambda k, loss, entropy: degrees.loss_gradient_along(k**2, loss, entropy),
        ),
        mutant(
            "f is the softmax layer",
            "If the probabilities had degree k, -log p would give -k; it is the logits that have it.",
            along=lambda k, loss, entropy: -sp.Integer(k),
        ),
        mutant(
            "without the entropy",
            "k l: the gradient of log-sum-exp along the logits is p^T z, not 0.",
            along=lambda k, loss, entropy: degrees.loss_gradient_along(k, loss, 0),
        ),
        mutant("with biases", "The layers' simulated biases are not in the set.", shapes=biased),
    ],
)
def sets_of_degree_k(
    run: Run,
    *,
    along: Callable[[int, sp.Symbol, sp.Symbol], sp.Expr] = degrees.loss_gradient_along,
    shapes: Shapes = homogeneous,
) -> Finding:
    """Along a set of degree k the gradient of the loss is k times loss less entropy, alike for all layers.

    Nothing is averaged; exact for every draw of weights, input and label. Plain networks without biases: each layer,
    and the last two, three, ... layers together.
    """
    findings = []
    for k, probe in run.once(_plain_sets, shapes):
        claimed = sp.lambdify([LOSS, ENTROPY], along(k, LOSS, ENTROPY))(probe.loss.loss, probe.loss.entropy)
        expected = np.broadcast_to(claimed, probe.loss.loss.shape).mean(axis=-1)
        # The bound is for one set of degree 1; each of k layers has its own share.
        findings.append(identity(probe.inner, expected, rounding=k * probe.rounding))
    return all_of(findings)


def _residual(y: Array, z: Array) -> Array:
    return z - y


def _tempered_gradient(y: Array, t: float, factor: float, z: Array) -> Array:
    return factor * softmax_loss(t * z, y).logit_gradient


def _squared(run: Run, shapes: Shapes) -> list[tuple[Array, Array, Array, Array]]:
    """Logits, targets, <dl/dx, x> at every block and its rounding, for the loss ||z - y||^2 / 2."""
    found = []
    for name, network in shapes(run.inputs).items():
        x, y = rows(run, name, DRAWS, 1)
        parameters = network.draw(run.rng("weights", name), DRAWS)
        z, inner, rounding = probe_cotangents(network, parameters, x, partial(_residual, y))
        found.append((z, y, inner, rounding + (z.shape[-1] + 4) * EPS * (np.abs(z) * np.abs(z - y)).sum(-1)))
    return found


TEMPERATURES = (0.1, 1.0, 7.0)


def _tempered(run: Run, shapes: Shapes, cooled: bool) -> list[tuple[float, Array, Array, Array, Array]]:
    """Factor t, loss and entropy of the logits t z, <dl/dx, x> at every block and its rounding."""
    found = []
    for t in TEMPERATURES:
        for name, network in shapes(run.inputs).items():
            x, y = rows(run, name, DRAWS, 1)
            parameters = network.draw(run.rng("weights", name), DRAWS)
            factor = t if cooled else 1.0
            z, inner, rounding = probe_cotangents(network, parameters, x, partial(_tempered_gradient, y, t, factor))
            loss = softmax_loss(t * z, y)
            found.append((t, loss.loss, loss.entropy, inner, rounding + 2 * loss.rounding))
    return found


@claim(
    "P14",
    paper=FIXUP,
    where="section 2, for other losses",
    states=r"\Bigl\langle\frac{\partial}{\partial x}\tfrac12\|z-y\|^2,x\Bigr\rangle=(z-y)^{\mathsf T}z,\qquad"
    r"\Bigl\langle\frac{\partial}{\partial x}\ell(tz,y),x\Bigr\rangle=\ell(tz,y)-H(\mathrm{softmax}(tz))",
    derivation=[homogeneity.euler, softmax.identity, degrees.squared_loss, degrees.loss_of_a_set],
    mutants=[
        mutant(
            "twice the squared loss",
            "||z - y||^2: the loss has degree 2 in z - y, but only z scales with x.",
            squared=lambda k, z, y: (z - y) ** 2,
        ),
        mutant(
            "residual times target",
            "(z - y)^T y: the gradient is taken along the logits, not along the targets.",
            squared=lambda k, z, y: (z - y) * y,
        ),
        mutant(
            "the temperature multiplies",
            "t (l - H): the factor is in the logits of l and H already.",
            tempered=lambda t, loss, entropy: t * (loss - entropy),
        ),
        mutant(
            "the temperature divides",
            "(l - H) / t: Euler's identity knows the degree of the logits only, and t does not change it.",
            tempered=lambda t, loss, entropy: (loss - entropy) / t,
        ),
        mutant("a gradient without the temperature", "The simulated gradient in z leaves out dt z/dz.", cooled=False),
        mutant("with biases", "The simulated logits have no degree in x.", shapes=biased),
    ],
)
def other_losses(
    run: Run,
    *,
    squared: Callable[[int, sp.Symbol, sp.Symbol], sp.Expr] = degrees.squared_loss_gradient_along,
    tempered: Callable[[float, Array, Array], Array] | None = None,
    cooled: bool = True,
    shapes: Shapes = homogeneous,
) -> Finding:
    """Along a block's input the gradient of the squared loss is (z - y)^T z, and a temperature only scales the logits.

    Nothing is averaged; exact for every draw of weights, input and label, at the input of every block.
    """
    one = sp.lambdify([LOGIT, TARGET], squared(1, LOGIT, TARGET))
    excess = sp.lambdify([LOSS, ENTROPY], degrees.loss_gradient_along(1, LOSS, ENTROPY))
    findings = [
        identity(inner, one(z, y).sum(-1), rounding=rounding) for z, y, inner, rounding in run.once(_squared, shapes)
    ]
    for t, loss, entropy, inner, rounding in run.once(_tempered, shapes, cooled):
        claimed = tempered(t, loss, entropy) if tempered else excess(loss, entropy)
        findings.append(identity(inner, claimed, rounding=rounding))
    return all_of(findings)
