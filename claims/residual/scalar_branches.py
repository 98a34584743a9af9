"""Residual nets whose branches are products of scalars: what each block does to the variance, both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, MeanTest, all_of
from simulations import rademacher, uniform
from simulations.experiments import scalar_branch
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Law, gaussian
from theory.domain import number
from theory.residual import scalar_branches

BLOCKS, DEPTHS, ERROR = 4, (1, 2, 4), 0.25
X = 1.5
"""The fixed input: a factor of everything, and the net is linear in it."""
Growth = Callable[[Sequence[sp.Expr], int], sp.Expr]


@dataclass(frozen=True)
class Entries:
    """The law of a branch's entries: their unit-variance law, its fourth moment, and their variances."""

    name: str
    law: Law
    kurtosis: sp.Expr
    variances: tuple[sp.Expr, ...]

    @property
    def fourths(self) -> list[sp.Expr]:
        """The fourth moments of the entries."""
        return [self.kurtosis * variance**2 for variance in self.variances]


ENTRIES = (
    Entries("signs", rademacher, sp.S.One, (sp.S.One,) * 3),
    Entries("normal", gaussian, sp.Integer(3), (sp.Rational(1, 4), sp.S.One)),
    Entries("uniform", uniform, sp.Rational(9, 5), (sp.Rational(1, 2),)),
)
"""Three entries a branch, two of different variances, and one."""


def _nets(run: Run, entries: Entries, draws: int, centred: bool, tied: bool) -> tuple[Array, Array, Array]:
    """States and cotangents (2, draws, BLOCKS + 1) of two independent nets, and slopes in a first entry, (draws,)."""
    shape = (2, draws, BLOCKS, len(entries.variances))
    a = entries.law(run.rng(entries.name), shape) * np.sqrt([number(v) for v in entries.variances])
    a = a if centred else np.abs(a)
    a = np.broadcast_to(a[:, :, :1], shape) if tied else a
    slopes = scalar_branch.gradient(a[0], X)[:, 2, 0]
    return scalar_branch.states(a, X) / X, scalar_branch.cotangents(a), slopes / X


@claim(
    "R17",
    paper=FIXUP,
    where="section 3, scalar branches; derived here",
    states=r"f=\prod_{l=1}^L\Bigl(1+\prod_{i=1}^ma_{l,i}\Bigr)x:\quad \mathbb E\,x_l^2=(1+v)^lx^2,\quad "
    r"\operatorname{Var}x_l=\bigl((1+v)^l-1\bigr)x^2,\quad \mathbb E\Bigl(\frac{\partial f}{\partial x_{L-l}}\Bigr)^2="
    r"(1+v)^l,\quad v=\prod_i\operatorname{Var}a_i",
    derivation=scalar_branches.DERIVATIONS,
    mutants=[
        mutant(
            "amplitudes add",
            "(1 + sqrt v)^2 a block: a branch has a random sign, so its product with the stream has mean 0.",
            growth=lambda variances, blocks: (1 + sp.sqrt(sp.prod(variances))) ** (2 * blocks),
        ),
        mutant(
            "linear growth",
            "1 + v l holds where every branch sees the input of the net, not the stream before it.",
            growth=lambda variances, blocks: 1 + blocks * sp.prod(variances),
        ),
        mutant(
            "a term for each entry",
            "Variances of independent factors multiply: how many entries a branch has does not matter at v = 1.",
            growth=lambda variances, blocks: (1 + sum(variances)) ** blocks,
        ),
        mutant(
            "the variance doubles at a fixed input",
            "It is the mean square that doubles; a fixed input has no variance, so the variance is one less.",
            variance=scalar_branches.mean_square,
        ),
        mutant(
            "positive entries",
            "The simulated entries are not centred: branches add to the stream and never take from it.",
            centred=False,
        ),
        mutant(
            "one branch for all blocks", "The simulated blocks are not independent: they share a branch.", tied=True
        ),
    ],
)
def scalar_branches_double(
    run: Run,
    *,
    growth: Growth = scalar_branches.mean_square,
    variance: Growth = scalar_branches.variance_at_fixed_input,
    centred: bool = True,
    tied: bool = False,
) -> Finding:
    """Scalar branches of variance v multiply the mean square by 1 + v a block, both ways: random signs double it.

    Averages over independent entries at a fixed input; exact at every number of blocks and of entries a branch. After
    1, 2 and 4 blocks, for branches of three random signs, two normal entries of unequal variances and one uniform
    entry. The variance at the fixed input is one less, and the slope in an entry grows with the other three blocks.
    """
    findings, part = [], run.share(len(ENTRIES) * (3 * len(DEPTHS) + 1))
    for entries in ENTRIES:
        tests = part.once(_planned, entries)
        draws = max(test.draws for test in tests.values())
        states, cotangents, slopes = run.once(_nets, entries, draws, centred, tied)
        for depth in DEPTHS:
            stream, back = states[:, :, depth], cotangents[0, :, BLOCKS - depth]
            square, half = tests["square", depth], tests["half", depth]
            expected, claimed = number(growth(entries.variances, depth)), number(variance(entries.variances, depth))
            findings += [
                square(stream[0, : square.draws] ** 2, expected=expected),
                square(back[: square.draws] ** 2, expected=expected),
                half(np.square(stream[0] - stream[1])[: half.draws] / 2, expected=claimed),
            ]
        slope = tests["slope", BLOCKS]
        others = number(growth(entries.variances, BLOCKS - 1)) * number(sp.prod(entries.variances[1:]))
        findings.append(slope(slopes[: slope.draws] ** 2, expected=others))
    return all_of(findings)


def _planned(run: Run, entries: Entries) -> dict[tuple[str, int], MeanTest]:
    """Plan the tests at each depth: of squares, of half squared differences, and of squared slopes in an entry."""
    tests = {}
    for depth in DEPTHS:
        truths = {
            "square": scalar_branches.mean_square(entries.variances, depth),
            "half": scalar_branches.variance_at_fixed_input(entries.variances, depth),
            "slope": scalar_branches.entry_gradient_square(entries.variances, depth),
        }
        spreads = scalar_branches.spreads(entries.variances, entries.fourths, depth)
        for (name, truth), spread in zip(truths.items(), spreads, strict=True):
            if spread > 0:  # a slope in one block of signs has none
                tests[name, depth] = run.mean(truth, variance=spread, error=ERROR, at_most=0.5)
    return tests
