"""Fixup's argument in the smallest network that has it: f = prod_l (1 + a_l b_l) x, two scales a branch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.fixup.scale import sizes_of_inputs
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.experiments import scalar_branch
from simulations.layers.losses import EPS
from theory.domain import number
from theory.fixup import scalar_resnet

Scales = Callable[[int], tuple[sp.Expr, sp.Expr]]
Kernel = Callable[[int, sp.Expr, sp.Expr], sp.Expr]

SCHEMES: dict[str, Scales] = {
    "standard": lambda branches: (sp.S.One, sp.S.One),
    "zeroed": lambda branches: (sp.S.One, sp.S.Zero),
    "Fixup": lambda branches: (1 / sp.sqrt(branches), sp.S.Zero),
    "all scaled": lambda branches: (1 / sp.sqrt(branches), 1 / sp.sqrt(branches)),
}
DEPTHS = (2, 10, 400)


def _other(**schemes: Scales) -> dict[str, Scales]:
    """The simulated schemes, some of them replaced."""
    return SCHEMES | {name.replace("_", " "): scheme for name, scheme in schemes.items()}


@claim(
    "F9",
    paper=FIXUP,
    where="section 3, for scalar branches of two layers",
    states=r"\|\nabla f\|^2=L(1+ab)^{2L-2}(a^2+b^2)x^2:\quad \tfrac L24^L,\ L,\ 1,\ 2(1+\tfrac1L)^{2L-2}\to2e^2\ "
    r"\text{(standard, zeroed, Fixup, all scaled)}",
    derivation=scalar_resnet.DERIVATIONS,
    mutants=[
        mutant(
            "2^L",
            "The factors of the other branches enter the gradient once, its square twice.",
            kernel=lambda branches, a, b: branches * (1 + a * b) ** (branches - 1) * (a**2 + b**2),
        ),
        mutant(
            "one branch",
            "The kernel of a single branch: each of the L branches adds as much.",
            kernel=lambda branches, a, b: scalar_resnet.tangent_kernel(branches, a, b) / branches,
        ),
        mutant(
            "the branch in its own way",
            "All L factors: a branch's own factor is not part of its gradient.",
            kernel=lambda branches, a, b: scalar_resnet.tangent_kernel(branches, a, b) * (1 + a * b) ** 2,
        ),
        mutant(
            "the limit 2 e^2 at every depth",
            "With all layers scaled the kernel tends to 2 e^2, from 4.5 at two branches.",
            kernel=lambda branches, a, b: 2 * sp.E**2 if a == b != 1 else scalar_resnet.tangent_kernel(branches, a, b),
        ),
        mutant(
            "zeros alone",
            "The simulated Fixup net has zeros and standard scales: L branches move f by L.",
            schemes=_other(Fixup=SCHEMES["zeroed"]),
        ),
        mutant(
            "scales alone",
            "The simulated Fixup net is scaled but not zeroed.",
            schemes=_other(Fixup=SCHEMES["all scaled"]),
        ),
        mutant(
            "1/L",
            "The simulated net is scaled by 1/L, which freezes it: the kernel falls to 1/L.",
            schemes=_other(Fixup=lambda branches: (sp.Rational(1, branches), sp.S.Zero)),
        ),
    ],
)
def scalar_residual_kernel(
    run: Run, *, kernel: Kernel = scalar_resnet.tangent_kernel, schemes: dict[str, Scales] | None = None
) -> Finding:
    """The tangent kernel of L scalar branches is L 4^L / 2 with standard scales, L if zeroed, and 1 with Fixup.

    Nothing is averaged: exact for every scale and input. For L = 2 to 400 and the sizes of real inputs.
    """
    findings = []
    for branches, x in zip(DEPTHS, sizes_of_inputs(run, len(DEPTHS)), strict=True):
        for name, scheme in SCHEMES.items():
            simulated = (schemes or SCHEMES)[name](branches)
            a = np.tile([number(scale) for scale in simulated], (branches, 1))
            measured = float(np.square(scalar_branch.gradient(a, 1.0)).sum())
            claimed = number(kernel(branches, *scheme(branches)))
            # About 2 roundings a factor in the two products of L factors, squared and added, and two roots rounded.
            rounding = (8 * branches + 40) * EPS * claimed * x**2
            findings.append(
                identity(np.array(measured * x**2), np.array(claimed * x**2), rounding=rounding, chance=False)
            )
    return all_of(findings)
