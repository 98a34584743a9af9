"""Fixup's aim and its third rule: the biases that end the branches move the function by order eta L."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.fixup.first_step import HIDDEN, WIDTH
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, all_of, identity
from simulations.layers.dense import Gradients
from simulations.layers.losses import EPS, softmax_loss
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.fixup import one_step

DRAWS = 64


def _scalars(run: Run, blocks: int, zero_last: bool) -> dict[str, Array]:
    """Squared gradients in the scalars of the branches of a Fixup network, and (1^T u)^2 with its rounding, (draws,).

    u is the gradient of the loss where blocks are added: that at the top, where the residual stream is positive.
    """
    rules = FixupRules(zero_readout=False, zero_last=zero_last)
    network = fixup_mlp(WIDTH, blocks, hidden=HIDDEN, classes=run.inputs.classes, rules=rules)
    narrow = np.abs(run.inputs.narrowed(WIDTH))
    x = narrow[run.rng("rows", blocks).integers(len(narrow), size=DRAWS)][:, None, :]
    x = x / norm(x)[..., None]
    _, targets = rows(run, "labels", DRAWS, 1)
    seen = network.run(network.draw(run.rng("weights", blocks), DRAWS), x)
    gradients = Gradients()
    cotangents = seen.backward(softmax_loss(seen.output, targets).logit_gradient, gradients)
    u = cotangents[-2] * (x > 0)
    ends = ("layer1.after",)
    scalars = {
        name: one.square_norm for name, one in gradients.items() if "block" in name and not name.endswith("weight")
    }
    return {
        "ends": np.sum([square for name, square in scalars.items() if name.endswith(ends)], axis=0),
        "others": np.sum([square for name, square in scalars.items() if not name.endswith(ends)], axis=0),
        "along": np.square(u.sum(axis=(1, 2))),
        "size": np.square(np.abs(u).sum(axis=(1, 2))),
    }


@claim(
    "F1",
    paper=FIXUP,
    where="section 3, the aim and rule 3; derived here",
    states=r"\sum_{l=1}^L\Bigl(\frac{\partial\ell}{\partial b_l}\Bigr)^2=L\,(\mathbf 1^{\mathsf T}u)^2\quad"
    r"\text{for the biases that end the branches, }0\text{ for all other scalars in them}",
    derivation=one_step.bias_update,
    mutants=[
        mutant(
            "free of depth",
            "Rule 2 scales layers by the depth, and nothing scales the biases.",
            count=lambda blocks: sp.Integer(1),
        ),
        mutant(
            "all scalars",
            "Four biases and a multiplier a block; but the zero layer hides those before it, and its output is 0.",
            count=lambda blocks: 5 * one_step.bias_count(blocks),
        ),
        mutant(
            "the root of the depth",
            "The gradients of all blocks are one and the same: they add in step.",
            count=lambda blocks: sp.sqrt(one_step.bias_count(blocks)),
        ),
        mutant("random last layers", "The simulated branches are not zero, and all scalars move.", zero_last=False),
    ],
)
def biases_move_the_function_with_the_depth(
    run: Run, *, count: Callable[[int], sp.Expr] = one_step.bias_count, zero_last: bool = True
) -> Finding:
    """The biases that end Fixup's branches move the function by order eta L, unless they learn at a rate of their own.

    Nothing is averaged; exact for every draw and real row, to rounding, behind a random classifier. At 2, 8 and 64
    blocks of two layers. The weights alone keep to order eta. (A ReLU's derivative at 0 is
    taken as 0.)
    """
    findings = []
    for blocks in (2, 8, 64):
        seen = run.once(_scalars, blocks, zero_last)
        # Sums of 4 features, squared, then added up over the blocks.
        rounding = 4 * (blocks + 4 * WIDTH) * EPS * blocks * seen["size"]
        findings += [
            identity(seen["ends"], number(count(blocks)) * seen["along"], rounding=rounding),
            identity(seen["others"], 0.0, rounding=0.0),
        ]
    return all_of(findings)
