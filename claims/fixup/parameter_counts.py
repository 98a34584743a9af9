"""How many parameters Fixup adds where a normalisation adds two for each channel."""

from __future__ import annotations

import math
from collections.abc import Callable

import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.networks.rivals import build
from theory.domain import number
from theory.fixup import parameter_counts

NETS = 6
Count = Callable[[int, int, int], sp.Expr]


def _added(run: Run, scheme: str, blocks: int, layers: int, channels: int) -> int:
    """Count what the blocks of a net have beside the weights of its layers."""
    network = build(scheme, width=channels, blocks=blocks, layers_per_branch=layers, features=5, classes=3)
    drawn = network.draw(run.rng("draw"), 1)
    names = [name for name in network.parameter_names() if name.startswith("block") and not name.endswith(".weight")]
    return sum(math.prod(drawn[name].shape[1:]) for name in names)


def _of_scalars(blocks: int, layers: int, channels: int) -> sp.Expr:
    return parameter_counts.scalar_parameters(blocks, layers)


@claim(
    "F20",
    paper=FIXUP,
    where="section 3, rule 3, beside batch normalisation; counted here",
    states=r"(2m+1)\,L\ \text{scalars},\qquad 2\,m\,L\,C\ \text{gains and biases of norms}",
    derivation=parameter_counts.DERIVATIONS,
    mutants=[
        mutant(
            "a bias for each channel",
            "(2m + 1) L C: Fixup's biases and multipliers are shared by all channels.",
            scalars=lambda blocks, layers, channels: channels * parameter_counts.scalar_parameters(blocks, layers),
        ),
        mutant(
            "one gain and one bias a norm",
            "2 m L: a norm has its own for each channel.",
            norms=lambda blocks, layers, channels: parameter_counts.norm_parameters(blocks, layers, 1),
        ),
        mutant(
            "gains alone",
            "m L C: the bias of each channel is learnt as well.",
            norms=lambda blocks, layers, channels: parameter_counts.norm_parameters(blocks, layers, channels) / 2,
        ),
        mutant("one norm a branch", "The simulated rival is a layer norm first in each branch.", rival="layer_norm"),
    ],
)
def scalars_are_fewer_than_gains(
    run: Run,
    *,
    scalars: Count = _of_scalars,
    norms: Count = parameter_counts.norm_parameters,
    rival: str = "batch_norm",
) -> Finding:
    """Fixup's branches add (2m + 1) L numbers whatever the width, a batch norm behind each layer 2 m L C.

    Nothing is averaged; exact counts in networks whose depth, layers a branch and width come from the seed. Stem and
    classifier are left out.
    """
    rng, findings = run.rng("sizes"), []
    for _ in range(NETS):
        blocks, layers, channels = (int(rng.integers(2, top)) for top in (8, 5, 12))
        for scheme, count in (("fixup", scalars), (rival, norms)):
            found = float(_added(run, scheme, blocks, layers, channels))
            findings.append(identity(found, number(count(blocks, layers, channels)), rounding=0.0, chance=False))
    return all_of(findings)
