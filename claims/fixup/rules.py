"""Fixup, section 3: its scalar biases and multipliers at the start."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, all_of, identity
from simulations import Network, softmax_loss
from simulations.layers.dense import Layer, Parameters
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fixup import rules as fixup_rules

WIDTH, HIDDEN, BLOCKS, DRAWS, BATCH = 6, 8, 3, 64, 4


def _adder(name: str) -> Layer:
    return ScalarBias(name, 1.0)


def _off(name: str) -> Layer:
    return ScalarMultiplier(name, 0.0)


def _batch(run: Run, name: str, size: int) -> tuple[Array, Array]:
    """Real rows, the largest entry of each 1 in size, and their labels."""
    x, targets = rows(run, name, DRAWS, size)
    return x / np.abs(x).max(axis=-1, keepdims=True), targets


def _seen(network: Network, parameters: Parameters, x: Array, targets: Array) -> Parameters:
    """Logits, logits at twice the input, and the gradient of every parameter, by name."""
    run = network.run(parameters, x)
    gradients = run.gradients(softmax_loss(run.output, targets).logit_gradient)
    return gradients | {"logits": run.output, "logits at 2 x": network.run(parameters, 2 * x).output}


def _at_the_start(
    run: Run, layers: int, start: float, multiplier: Callable[[str], Layer]
) -> tuple[Parameters, Parameters, int]:
    """What is seen of a network with scalars and of one without, on the same weights, and how many scalars there are.

    No layer is zero, so that everything has a gradient. The biases begin at `start`.
    """
    features, (x, targets) = run.inputs.x.shape[1], _batch(run, f"{layers} layers", BATCH)
    seen, sizes = [], []
    for scalars in (True, False):
        network = fixup_mlp(
            WIDTH,
            BLOCKS,
            hidden=HIDDEN,
            layers_per_branch=layers,
            stem=features,
            classes=run.inputs.classes,
            rules=FixupRules(
                zero_readout=False,
                zero_last=False,
                bias=(lambda name: ScalarBias(name, start)) if scalars else None,
                multiplier=multiplier if scalars else None,
            ),
        )
        parameters = network.draw(run.rng("weights", layers), DRAWS)
        seen.append(_seen(network, parameters, x, targets))
        sizes.append(sum(value[0].size for value in parameters.values()))
    return seen[0], seen[1], sizes[0] - sizes[1]


@claim(
    "F11",
    paper=FIXUP,
    where="section 3, Fixup's third rule; the number of scalars from the authors' code",
    states=r"b=0,\ s=1:\quad\phi\bigl(x+s\,W_2(\phi(W_1(x+b_{1a})+b_{1b})+b_{2a})+b_{2b}\bigr)"
    r"=\phi\bigl(x+W_2\phi(W_1x)\bigr);\qquad(2m+1)L+2\ \text{scalars}",
    derivation=[fixup_rules.start, fixup_rules.count],
    mutants=[
        mutant(
            "a scalar adder initialised at 1",
            "It is a multiplier that starts at 1; added, the 1 would shift every branch. What is added, the biases, "
            "starts at 0.",
            multiplier=_adder,
        ),
        mutant(
            "the best bias scalars 0.2, 0.1, 0.7",
            "These are the mixup coefficients that cross-validation chose for BatchNorm, GroupNorm and Fixup; the "
            "biases start at 0.",
            biases=(0.2, 0.1, 0.7),
        ),
        mutant(
            "a multiplier of 0",
            "The start of SkipInit and ReZero, which silence a branch by its multiplier; Fixup does it by the last "
            "layer.",
            multiplier=_off,
        ),
        mutant(
            "biases alone",
            "4 L + 2 at two layers a branch: the multiplier of each branch is a scalar too.",
            count=lambda branches, layers: sp.Integer(2 * layers * branches + 2),
        ),
        mutant(
            "a bias a layer",
            "Before every layer there is one, and before every activation another.",
            count=lambda branches, layers: sp.Integer((layers + 1) * branches + 2),
        ),
        mutant(
            "branches alone",
            "Stem and classifier have a bias each as well.",
            count=lambda branches, layers: fixup_rules.scalar_count(branches, layers) - 2,
        ),
    ],
)
def scalars_change_nothing_at_first(
    run: Run,
    *,
    biases: tuple[float, ...] = (0.0,),
    multiplier: Callable[[str], Layer] = ScalarMultiplier,
    count: Callable[[int, int], sp.Expr] = fixup_rules.scalar_count,
) -> Finding:
    """Biases that start at 0 and multipliers that start at 1 leave the network at initialisation exactly as it was.

    Nothing is averaged; exact, bit for bit: the logits, their degree 1 in the input, and the gradient of every weight,
    for branches of two and of three layers in which no layer is zero, on real rows. L branches of m layers have (2m +
    1) L + 2 scalars.
    """
    findings = []
    for layers in (2, 3):
        for start in biases:
            ours, bare, scalars = run.once(_at_the_start, layers, start, multiplier)
            findings += [identity(ours[name], value, rounding=0.0) for name, value in bare.items()]
            findings.append(identity(ours["logits at 2 x"], 2 * ours["logits"], rounding=0.0))
        claimed = number(count(BLOCKS, layers))
        findings.append(identity(float(scalars), claimed, rounding=0.0, chance=False))
    return all_of(findings)
