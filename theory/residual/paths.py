"""The paths through a residual net: how many branches the variance of the stream went through.

Each block is x' = x + F(x), F of gain eta_l^2 with a last layer of mean 0. At one input every ReLU is its mask, so the
state is a sum over paths; u_k adds those through k branches: u_k' = u_k + J u_{k-1}. Over weights symmetric about 0, at
a fixed input; exact at every width.

- E||J u||^2 = eta^2 ||u||^2 at every vector u, not only at the one whose masks J has (`gain_at_masks`): turning a row
  of the first layer about turns its mask about.
- sum_k t^k E||u_k||^2 / ||x_0||^2 = (1 + t eta^2)^l (`generating_function`): k of L branches with the law
  Bin(L, eta^2 / (1 + eta^2)) (`binomial`), of mean L eta^2 / (1 + eta^2) (`mean_depth`).
- Normalised branches, eta^2 = 1/l in block l: 1 / (l + 1) of the variance went through it (`normalised`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations, pairwise

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.residual.block import NORM, OUTPUT, SIZES, block, forwards, square
from theory.rules import differentiated, equal, numerically, recursion, substituting
from theory.symbols import BLOCKS, DEPTH, ETA
from theory.written_out import WrittenOut, at_sizes

MARK = sp.Symbol("t", positive=True)
"""The variable of generating functions: a factor for each branch that is passed through."""
BEFORE, AFTER = sp.symbols(r"sum_k(t^k\|u_k\|^2) sum_k(t^k\|u_k'\|^2)", nonnegative=True)
K = sp.Symbol("k", integer=True, nonnegative=True)
"""The number of branches that a path goes through."""


@cache
def gain_at_masks() -> Derivation:
    """Derive the gain of a branch at another vector than that whose masks it has."""
    return Derivation.begin(
        "Gain of a branch at the masks of another vector",
        "The square norm of F = W2 D W1 x, D the masks of any vector: turning the signs of a row of W1 turns its mask.",
        OUTPUT,
    ).then("Average over both layers and the masks.", ETA**2 * NORM, at_sizes(forwards, *SIZES))


@cache
def generating_function() -> Derivation:
    """Derive sum_k t^k E||u_k||^2 / ||x_0||^2 in equal blocks."""
    q = sp.Function("G")
    return (
        Derivation.begin(
            "Variance by number of branches",
            "Sum t^k ||u_k'||^2 over k, u_k' = u_k + J u_{k-1}: a branch that is passed through costs a factor t.",
            AFTER,
        )
        .then("Average over the block.", (1 + MARK * ETA**2) * BEFORE, at_sizes(_paths, (1, 1), (1, 2), (2, 1), (2, 2)))
        .then(
            "The block is independent of what comes into it, so the means obey the same law.",
            sp.Eq(q(DEPTH + 1), (1 + MARK * ETA**2) * q(DEPTH)),
            lambda before, now: equal(sp.Eq(q(DEPTH + 1), before.subs(BEFORE, q(DEPTH))), now),
        )
        .then("Solve from 1.", sp.Eq(q(DEPTH), (1 + MARK * ETA**2) ** DEPTH), recursion(DEPTH, sp.S.One))
    )


def _paths(width: int, hidden: int) -> WrittenOut:
    """Write out a block behind two: parts of the stream that went through no branch, one and two."""
    one = block(width, hidden)
    parts = [sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "abc"]
    through = [one.branch.subs(dict(zip(one.x, part, strict=True)), simultaneous=True) for part in parts]
    none = sp.zeros(width, 1)
    after = [part + back for part, back in zip([*parts, none], [none, *through], strict=True)]
    stands_for = {BEFORE: _generated(parts), AFTER: _generated(after)}
    return WrittenOut(stands_for, one.groups)


def _generated(parts: Sequence[sp.Matrix]) -> sp.Expr:
    return sp.Add(*(MARK**k * square(part) for k, part in enumerate(parts)))


@cache
def binomial() -> Derivation:
    """Derive the share of the variance that went through k of L equal branches: a binomial law."""
    chance = ETA**2 / (1 + ETA**2)
    whole = generating_function().result.subs(DEPTH, BLOCKS)
    return (
        Derivation.begin(
            "Share of paths by number of branches",
            "Divide the generating function by its value at t = 1, the mean square of the stream.",
            whole / whole.subs(MARK, 1),
        )
        .then(
            "That of L independent branches, each passed through with probability eta^2 / (1 + eta^2).",
            (1 - chance + chance * MARK) ** BLOCKS,
        )
        .then(
            "By the binomial theorem the coefficients are those of Bin(L, eta^2 / (1 + eta^2)).",
            sp.Sum(sp.binomial(BLOCKS, K) * chance**K * (1 - chance) ** (BLOCKS - K) * MARK**K, (K, 0, BLOCKS)),
            numerically,
        )
    )


@cache
def mean_depth() -> Derivation:
    """Derive the mean number of branches that the variance went through."""
    shares = binomial().steps[1].statement
    return Derivation.begin("Mean number of branches", "The generating function of the shares.", shares).then(
        "Its slope at t = 1.", BLOCKS * ETA**2 / (1 + ETA**2), differentiated(MARK, sp.S.One, value=sp.S.One)
    )


@cache
def normalised() -> Derivation:
    """Derive the chance that the variance after block l went through its branch, where branches are normalised."""
    before = sp.Symbol("l", integer=True, positive=True)
    return Derivation.begin(
        "Normalised branches",
        "A branch of gain eta^2 carries eta^2 / (1 + eta^2) of the variance behind its block.",
        ETA**2 / (1 + ETA**2),
    ).then(
        "One that adds 1 to a stream of variance l, as block l does to a stream that starts from 1, has gain 1/l.",
        1 / (before + 1),
        substituting({ETA: 1 / sp.sqrt(before)}),
    )


def path_variances(gains: Sequence[Value]) -> list[sp.Expr]:
    """Return E||u_k||^2 / ||x_0||^2 for k = 0, ..., L, of blocks whose branches have these gains eta_l^2.

    The coefficients of prod (1 + t eta_l^2): for every choice of k blocks the product of their gains. Exact at every
    width, for weights symmetric about 0; C(L, k) eta^(2k) if all gains are eta^2.
    """
    checked = [nonnegative("gain", gain) for gain in gains]
    return [sp.Add(*(sp.prod(some) for some in combinations(checked, k))) for k in range(len(checked) + 1)]


def mean_branches(gains: Sequence[Value]) -> sp.Expr:
    """Return the mean number of branches that the variance went through, sum eta_l^2 / (1 + eta_l^2). Exact."""
    return sp.Add(*(mean_depth().at(L=1, eta=sp.sqrt(nonnegative("gain", gain))) for gain in gains))


def normalised_gain(block: Value) -> sp.Expr:
    """Return 1/l, the gain of the l-th branch (l = 1, 2, ...) if each adds the variance that the input has."""
    return 1 / positive_integer("block", block)


def fourth_moment_bounds(gains: Sequence[Value], width: Value, hidden: Value) -> list[sp.Expr]:
    """Bound E||u_k||^4 / ||x_0||^4 from above, k = 0, ..., L, for Gaussian weights.

    In one block E||u_k + J u_{k-1}||^4 is, with a = ||u_k||^2 and b = ||u_{k-1}||^2, a^2 + 2 (1 + 2/n) eta^2 a b +
    eta^4 (1 + 2/n)(1 + 5/h) b^2 at the most (`theory.residual.fluctuations` has a = b), for odd powers of the last
    layer vanish; and E a b is at most the root of E a^2 E b^2.
    """
    n, h = positive_integer("width", width), positive_integer("hidden", hidden)
    bounds = [sp.S.One] + [sp.S.Zero] * len(gains)
    for gain in gains:
        eta = nonnegative("gain", gain)
        spread = [2 * (1 + 2 / n) * eta * sp.sqrt(a * b) for b, a in pairwise(bounds)]
        tails = [eta**2 * (1 + 2 / n) * (1 + 5 / h) * b for b in bounds]
        bounds = bounds[:1] + [a + s + t for a, s, t in zip(bounds[1:], spread, tails, strict=False)]
    return bounds


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    gain_at_masks,
    generating_function,
    binomial,
    mean_depth,
    normalised,
)
