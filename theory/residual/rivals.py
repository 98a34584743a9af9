"""Residual blocks with scales of their own: depth-dependent scaling, NF-ResNets, and multipliers that start at zero.

The branch f is "He then LeCun", of gain 1 (`theory.residual.norms`), with width n and hidden width h. Over the weights
at a fixed input; exact at every width.

- Shao et al. 2020: sqrt(1 - b^2) x + b f keeps the mean square norm (`shao_block`); with b_l^2 = 1/(l + c) each of L
  branches has the share 1/(L + c) of it (`shao_share`) and the input c/(L + c) (`shao_input_share`).
- NF-ResNets (Brock et al. 2021): x + alpha f(x / beta_l) grows to 1 + alpha^2 l (`nf_growth`), a transition block
  resets it to 1 + alpha^2 (`nf_transition`); its second moment (`nf_transition_second_moment`).
- L multipliers that start at 0: their squared gradient, by which one step moves f, is L/n ||g||^2 ||x||^2 in the mean
  (`multiplier_step`), and the mean fourth power of one is 3 (1 + 5/h) / n^2 (`multiplier_fourth_moment`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import STANDARD_NORMAL, active_moments, averaged, chi_square_moments
from theory.residual.block import INNER, NORM, OUTPUT, SIZES, block, branch_alone, square
from theory.rules import equal, recursion, substituting
from theory.symbols import ACTIVE, BLOCKS, DEPTH, H, N, T
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

ALPHA, OFFSET = sp.symbols("alpha c", positive=True)
"""The scale of an NF-ResNet's branches, and the c of depth-dependent scaling, b_l^2 = 1 / (l + c)."""
SHORTCUT, CROSS = sp.symbols(r"\|Sx\|^2 (Sx)^{T}F", real=True)
"""Of a shortcut S that is a linear layer."""


@cache
def shao_block() -> Derivation:
    """Derive that sqrt(1 - b^2) x + b f keeps the mean square norm."""
    b = sp.Symbol("b", positive=True)
    return Derivation.begin(
        "A block with scaled shortcut and branch",
        "Expand ||sqrt(1 - b^2) x + b F||^2.",
        (1 - b**2) * NORM + 2 * b * sp.sqrt(1 - b**2) * INNER + b**2 * OUTPUT,
    ).then(
        "Average over both layers: branch and stream are uncorrelated and equally large.",
        NORM,
        at_sizes(branch_alone, *SIZES),
    )


@cache
def shao_share() -> Derivation:
    """Derive which share of the mean square of x_L branch l has, for b_l^2 = 1 / (l + c)."""
    share, k, branch = sp.Function("s"), sp.Symbol("k", integer=True, nonnegative=True), sp.Symbol("i", positive=True)
    return (
        Derivation.begin(
            "Share of a branch under depth-dependent scaling",
            "Branch i enters with the share b_i^2 = 1/(i + c); block i + k + 1 multiplies it by 1 - b^2.",
            sp.Eq(share(k + 1), (1 - 1 / (branch + k + 1 + OFFSET)) * share(k)),
        )
        .then("Solve from 1/(i + c).", sp.Eq(share(k), 1 / (branch + k + OFFSET)), recursion(k, 1 / (branch + OFFSET)))
        .then(
            "After the other L - i blocks all branches have one share.",
            sp.Eq(share(BLOCKS - branch), 1 / (BLOCKS + OFFSET)),
            substituting({k: BLOCKS - branch}),
        )
    )


@cache
def shao_input_share() -> Derivation:
    """Derive which share of the mean square of x_L the input has."""
    share = sp.Function("s")
    return Derivation.begin(
        "Share of the input under depth-dependent scaling",
        "Block l + 1 multiplies it by 1 - b^2 = 1 - 1/(l + 1 + c).",
        sp.Eq(share(DEPTH + 1), (1 - 1 / (DEPTH + 1 + OFFSET)) * share(DEPTH)),
    ).then("Solve from 1.", sp.Eq(share(DEPTH), OFFSET / (DEPTH + OFFSET)), recursion(DEPTH, sp.S.One))


@cache
def nf_growth() -> Derivation:
    """Derive E||x_l||^2 / ||x_0||^2 for blocks x + alpha f(x / beta_l), beta_l^2 the expected variance."""
    variance = sp.Function("q")
    return Derivation.begin(
        "Variance bookkeeping of NF-ResNets",
        "The branch has gain alpha^2 / beta^2, as f is p.h. of degree 1; the book says beta_l^2 = 1 + alpha^2 l.",
        sp.Eq(variance(DEPTH + 1), (1 + ALPHA**2 / (1 + ALPHA**2 * DEPTH)) * variance(DEPTH)),
    ).then(
        "Solve from 1: the stream grows as the book says, by alpha^2 a block.",
        sp.Eq(variance(DEPTH), 1 + ALPHA**2 * DEPTH),
        recursion(DEPTH, sp.S.One),
    )


@cache
def nf_transition() -> Derivation:
    """Derive the mean square after a transition block S x / beta + alpha f(x / beta), S preserving the mean square."""
    beta = sp.Symbol("beta", positive=True)
    return (
        Derivation.begin(
            "Transition block of an NF-ResNet",
            "Expand ||S x + alpha F(x)||^2 / beta^2.",
            (SHORTCUT + 2 * ALPHA * CROSS + ALPHA**2 * OUTPUT) / beta**2,
        )
        .then(
            "Average over S, of variance 1 / n, and the branch.",
            (1 + ALPHA**2) * NORM / beta**2,
            at_sizes(_transition, *SIZES),
        )
        .then(
            "In the units of the book ||x||^2 = beta^2: the variance is reset, whatever it was.",
            1 + ALPHA**2,
            substituting({NORM: beta**2}),
        )
    )


def _transition(width: int, hidden: int) -> WrittenOut:
    """Write out a block of gain 1 whose shortcut is a linear layer, too."""
    one = block(width, hidden, sp.S.One)
    weights, groups = matrix("s", width, width, symmetric(sp.Rational(1, width)))
    kept = weights * one.x
    stands_for = {NORM: square(one.x), SHORTCUT: square(kept), CROSS: kept.dot(one.branch), OUTPUT: square(one.branch)}
    return WrittenOut(stands_for, [*groups, *one.groups])


@cache
def nf_transition_second_moment() -> Derivation:
    """Derive E(||x'||^2 / ||x||^2)^2 of a transition block with Gaussian S, times beta^4."""
    norm, hidden = sp.symbols("U S", nonnegative=True)
    masks = active_moments(H)
    scale = 2 * ALPHA**2 / (N * H)
    given_mask = 1 / N**2 + 2 * scale * ACTIVE / N + scale**2 * ACTIVE * (ACTIVE + 2)
    return (
        Derivation.begin(
            "Second moment of a transition block",
            "Given the hidden layer both parts are normal: (1/n + alpha^2 rho^2) U, U chi-square with n degrees.",
            ((1 / N + scale * hidden) * norm) ** 2,
        )
        .then(
            "Average over the last layer and the sizes of the K active units.",
            N * (N + 2) * given_mask,
            averaged({norm: chi_square_moments(N), hidden: chi_square_moments(ACTIVE)}),
        )
        .then(
            "Average over the masks.",
            N * (N + 2) * (1 / N**2 + 2 * scale * masks(1) / N + scale**2 * (masks(2) + 2 * masks(1))),
            averaged({ACTIVE: masks}),
        )
        .then("Collect.", (1 + 2 / N) * (1 + 2 * ALPHA**2 + ALPHA**4 * (1 + 5 / H)))
    )


@cache
def multiplier_step() -> Derivation:
    """Derive the mean first-order change in one step of L multipliers that start at 0, per ||g||^2 ||x||^2."""
    hidden = sp.Symbol("S", nonnegative=True)
    return (
        Derivation.begin(
            "First step of multipliers that start at zero",
            "At 0 every block is the identity, so dC/d alpha_l = <g, f_l(x)>: add L squares (2 / (n h)) S t^2 of one "
            "law, t for the last layer along g, S for the hidden activations.",
            BLOCKS * 2 / (N * H) * hidden * T**2,
        )
        .then(
            "Average over the last layer and the sizes of the K active units.",
            BLOCKS * 2 / (N * H) * ACTIVE,
            averaged({T: STANDARD_NORMAL, hidden: chi_square_moments(ACTIVE)}),
        )
        .then("Average over the masks.", BLOCKS / N, averaged({ACTIVE: active_moments(H)}))
    )


@cache
def multiplier_fourth_moment() -> Derivation:
    """Derive E <g, f(x)>^4 / (||g|| ||x||)^4 for one branch."""
    hidden, masks = sp.Symbol("S", nonnegative=True), active_moments(H)
    return (
        Derivation.begin(
            "Fourth moment of the gradient in a multiplier",
            "Square (2 / (n h)) S t^2.",
            (2 / (N * H) * hidden * T**2) ** 2,
        )
        .then(
            "Average over the last layer and the sizes of the K active units.",
            12 / (N * H) ** 2 * ACTIVE * (ACTIVE + 2),
            averaged({T: STANDARD_NORMAL, hidden: chi_square_moments(ACTIVE)}),
        )
        .then("Average over the masks.", 12 / (N * H) ** 2 * (masks(2) + 2 * masks(1)), averaged({ACTIVE: masks}))
        .then("Collect.", 3 / N**2 * (1 + 5 / H), equal)
    )


def shao_branch_share(blocks: Value, c: Value) -> sp.Expr:
    """Return 1 / (L + c), the share of E||x_L||^2 that each branch has under depth-dependent scaling (Shao et al.)."""
    return shao_share().at(L=positive_integer("blocks", blocks), c=positive("c", c))


def shao_start_share(blocks: Value, c: Value) -> sp.Expr:
    """Return c / (L + c), the share that the input has."""
    return shao_input_share().at(l=positive_integer("blocks", blocks, least=0), c=positive("c", c))


def nf_variance(blocks: Value, alpha: Value) -> sp.Expr:
    """Return 1 + alpha^2 L, E||x_L||^2 / ||x_0||^2 in a stage of an NF-ResNet (Brock, De & Smith 2021)."""
    return nf_growth().at(l=positive_integer("blocks", blocks, least=0), alpha=nonnegative("alpha", alpha))


def nf_reset(alpha: Value) -> sp.Expr:
    """Return 1 + alpha^2, the variance after a transition block in the units in which a stage starts at 1."""
    return nf_transition().at(alpha=nonnegative("alpha", alpha))


def nf_reset_second_moment(width: Value, hidden: Value, alpha: Value) -> sp.Expr:
    """Return beta^4 E(||x'||^2 / ||x||^2)^2 of a transition block with Gaussian weights. Exact."""
    sizes = {"n": positive_integer("width", width), "h": positive_integer("hidden", hidden)}
    return nf_transition_second_moment().at(alpha=nonnegative("alpha", alpha), **sizes)


def multiplier_update(blocks: Value, width: Value) -> sp.Expr:
    """Return L / n: the mean of sum_l <g, f_l(x)>^2 / (||g|| ||x||)^2, which one step changes f by. Exact."""
    return multiplier_step().at(L=positive_integer("blocks", blocks), n=positive_integer("width", width))


def multiplier_variance(blocks: Value, width: Value, hidden: Value) -> sp.Expr:
    """Return the variance of that sum, over Gaussian weights: L independent terms. Exact."""
    sizes = {"n": positive_integer("width", width), "h": positive_integer("hidden", hidden)}
    fourth = multiplier_fourth_moment().at(**sizes)
    return positive_integer("blocks", blocks) * (fourth - 1 / sizes["n"] ** 2)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    shao_block,
    shao_share,
    shao_input_share,
    nf_growth,
    nf_transition,
    nf_transition_second_moment,
    multiplier_step,
    multiplier_fourth_moment,
)
