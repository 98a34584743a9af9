"""Fixup's theorem on scalar branches, whole: zeros, ties, any input, both directions, and steps of finite length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, inequality
from simulations.experiments import scalar_branch
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.fixup import smallest_scale

DRAWS, SHARE = 96, 0.25
"""Branches of each kind; and by which share of itself a step moves one to first order."""
KINDS = {"not zero": SHARE, "zero": 0.0}
"""What the smallest scale is, and the share s: a branch that is zero leaves out nothing."""
Q, U, L = sp.symbols("Q u L", positive=True)
M = sp.Symbol("m", positive=True, integer=True)
Bounds = Callable[[sp.Expr, sp.Expr, float], tuple[sp.Expr, sp.Expr]]
Back = Callable[[sp.Expr, sp.Expr, sp.Expr, float], tuple[sp.Expr, sp.Expr]]


def _all_but_the_smallest(ordered: Array) -> Array:
    product: Array = ordered[..., 1:].prod(axis=-1)
    return product


def _without_the_zeros(ordered: Array) -> Array:
    """Read F / a_i as nothing where a_i is 0, which leaves a branch that is 0 where it is."""
    product: Array = np.where(ordered[..., 0] == 0, 0.0, _all_but_the_smallest(ordered))
    return product


@dataclass(frozen=True)
class Moves:
    """Of each branch: scales in order, the input, L, and |Delta F| / (eta |l'|) of one step, with its rounding."""

    ordered: Array
    x: Array
    branches: Array
    moved: Array
    rounding: Array


def _moved(run: Run, m: int, kind: str, met: bool, rate_of: float) -> Moves:
    """Take one step on each of DRAWS branches with scales c_k L^(-e_k), L from 1 to 1e12.

    The exponents of all but the smallest add up to 1/2 where the condition is `met`, else to anything from 0 to 1.
    """
    rng = run.rng("branches", m, kind, int(met))
    x = 10 ** rng.uniform(-1, 1, DRAWS) * rng.choice([-1.0, 1.0], DRAWS)
    branches = 10 ** rng.uniform(0, 12, DRAWS)
    exponents = rng.dirichlet(np.ones(m - 1), DRAWS) * (0.5 if met else rng.uniform(0, 1, (DRAWS, 1)))
    others = np.sort(rng.uniform(0.5, 2, (DRAWS, m - 1)) * branches[:, None] ** -exponents)
    half = np.arange(DRAWS) % 2 == 0
    if kind == "zero":
        least = np.zeros(DRAWS)
        others[half, 0] *= 0.0 if m > 2 else 1.0  # two zeros
    else:
        least = np.where(half, 1.0, rng.uniform(0.1, 1, DRAWS)) * others[:, 0]  # ties
    ordered = np.concatenate([least[:, None], others], axis=1)
    a, slopes = rng.permuted(ordered, axis=1), rng.uniform(0.5, 1.5, DRAWS) * rng.choice([-1.0, 1.0], DRAWS)
    value = a.prod(axis=1) * x
    first = (scalar_branch.products_of_others(a) ** 2).sum(axis=1) * x**2
    rates = np.divide(rate_of * np.abs(value), np.abs(slopes) * first, out=np.full(DRAWS, 0.5), where=value != 0)
    after = np.array(
        [
            scalar_branch.branch(scalar_branch.branch_step(row[None], size, slope, eta), size)[0]
            for row, size, slope, eta in zip(a, x, slopes, rates, strict=True)
        ]
    )
    over = rates * np.abs(slopes)
    return Moves(ordered, x, branches, np.abs(after - value) / over, 64 * m * EPS * (first + np.abs(value) / over))


@claim(
    "F21",
    paper=FIXUP,
    where="theorem 4, appendix B (number not checked with the text); constants and finite steps derived here",
    states=r"a_i\ge0:\quad(1-r)\,Q^2\le\frac{|\Delta F|}{\eta|\ell'|}\le(1+r)\,m\,Q^2,\quad "
    r"Q=\Bigl|x\prod_{k\ne j}a_k\Bigr|,\ j=\operatorname{argmin}_ka_k;\qquad \Delta F=\Theta(\eta/L)\iff Q=\Theta(1/"
    r"\sqrt L)",
    derivation=smallest_scale.DERIVATIONS,
    mutants=[
        mutant(
            "a zero layer stops the branch",
            "F / a_i is read as 0 where a_i is 0; it stands for the product of the others, by which that layer moves.",
            rest=_without_the_zeros,
        ),
        mutant(
            "the product of all",
            "The branch itself does not say how far it moves: the smallest scale has the largest gradient.",
            rest=lambda ordered: ordered.prod(axis=-1),
        ),
        mutant(
            "the largest scale left out",
            "j is the argmin of the scales, not the argmax.",
            rest=lambda ordered: ordered[..., :-1].prod(axis=-1),
        ),
        mutant(
            "the smallest scale alone moves",
            "Scales that are equal to it, or nearly, move the branch as much: up to m times.",
            bounds=lambda m, q, share: (
                smallest_scale.update_bounds(m, q, share)[0],
                smallest_scale.update_bounds(1, q, share)[1],
            ),
        ),
        mutant(
            "the input left away",
            "The condition is on the product times x; x of order 1 is an assumption, not a value.",
            of_input=False,
        ),
        mutant(
            "only if by 1/sqrt m",
            "Back from the update the factor m stands under it: Q^2 may be m times smaller than the update.",
            back=lambda m, branches, u, share: (
                m * smallest_scale.rest_from_update(m, branches, u, share)[0],
                smallest_scale.rest_from_update(m, branches, u, share)[1],
            ),
        ),
        mutant(
            "steps of any length",
            "The simulated steps move a branch by ten times itself to first order, which says little of them then.",
            share=40 * SHARE,
        ),
    ],
)
def a_branch_moves_by_all_scales_but_the_smallest(
    run: Run,
    *,
    rest: Callable[[Array], Array] = _all_but_the_smallest,
    bounds: Bounds = smallest_scale.update_bounds,
    back: Back = smallest_scale.rest_from_update,
    of_input: bool = True,
    share: float = SHARE,
) -> Finding:
    """To first order a branch moves by Q^2 to m Q^2 times eta l', Q the product of x and all scales but the smallest.

    Nothing is averaged. Scales >= 0, zeros and ties too; with r exact for steps of finite length: those that move a
    branch by a quarter of itself to first order (r = 0.14), and any that start from 0 (r = 0). So the update is of
    order eta/L if and only if Q is of order 1/sqrt L, with the constants that the bounds give. For 2, 3 and 4 layers,
    both signs of x and of l', scales that are powers of L = 1 to 1e12 times constants; with two zeros nothing moves.
    """
    findings = []
    for kind, s in KINDS.items():
        of_rest = sp.lambdify([M, Q], bounds(M, Q, s))
        of_update = sp.lambdify([M, L, U], back(M, L, U, s))
        for m in (2, 3, 4):
            for met in (True, False):
                seen = run.once(_moved, m, kind, met, share)
                q = rest(seen.ordered) * (np.abs(seen.x) if of_input else 1.0)
                if met:
                    (low, high), between, rounding = of_rest(m, q), seen.moved, seen.rounding
                else:
                    (low, high), between = of_update(m, seen.branches, seen.moved), q**2 * seen.branches
                    rounding = seen.branches * seen.rounding / (1 - SHARE)
                findings += [
                    inequality(between, low, rounding=rounding, says=True),
                    inequality(high, between, rounding=rounding, says=True),
                ]
    return all_of(findings)
