"""Residual nets whose branches are scaled: which scales keep the stream bounded in depth, in mean and in spread.

A block is x' = x + F(x) with E||F||^2 = eta^2 ||x||^2 (see `theory.residual.norms`), so L blocks multiply the mean
square norm by prod(1 + eta_l^2) (`growth`). Over the weights at a fixed input; exact at every width unless a limit is
named. R = ||x'||^2 / ||x||^2, width n, hidden width h.

- eta = 1/sqrt(L): the mean tends to e in depth (`critical`), and E||x_L||^4 / (E||x_L||^2)^2 to exp(4/n) (`calm`).
- Fixup's scale on all m layers, none at 0: (1 + L^(-m/(m-1)))^L (`unzeroed`).
- (x + F)/sqrt 2 at gain 1 keeps the mean square (`halved`), and a part of the stream has 2^-k of it after k (`share`).
- E R^k for k up to 4 (`ratio_moment`), and E R^2 of deeper branches (`deep_ratio`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import STANDARD_NORMAL, Moments, active_moments, averaged, chi_square_moments, mean
from theory.fixup import scale as fixup_scale
from theory.fluctuations import norms as fluctuations
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import norms as residual
from theory.residual.block import INNER, NORM, OUTPUT, SIZES, branch_alone
from theory.rules import equal, limit, recursion, substituting
from theory.symbols import ACTIVE, BRANCHES, ETA, LAYERS, SCALE, H, N, T
from theory.written_out import at_sizes


@cache
def critical() -> Derivation:
    """Derive the growth of L blocks of scale 1/sqrt(L), as L grows."""
    return (
        Derivation.begin(
            "Branches scaled by 1/sqrt(L)", "L equal blocks multiply the mean square.", (1 + ETA**2) ** BRANCHES
        )
        .then(
            "Put in eta = 1/sqrt(L).",
            (1 + 1 / BRANCHES) ** BRANCHES,
            substituting({ETA: 1 / sp.sqrt(BRANCHES)}),
        )
        .then("Let the depth grow.", sp.E, limit(BRANCHES, sp.oo))
    )


@cache
def unzeroed() -> Derivation:
    """Derive the growth of a Fixup net whose last branch layers are scaled like the others instead of zeroed."""
    return (
        Derivation.begin(
            "Growth of a Fixup net without zeros",
            "All m layers of a branch are scaled by a; the branch by a^m, and its gain is the square.",
            SCALE ** (2 * LAYERS),
        )
        .then(
            "Put in Fixup's a = L^(-1/(2m-2)).",
            BRANCHES ** (-LAYERS / (LAYERS - 1)),
            substituting({SCALE: BRANCHES ** exponent()}),
        )
        .then(
            "L blocks of this gain multiply up.",
            (1 + BRANCHES ** (-LAYERS / (LAYERS - 1))) ** BRANCHES,
            lambda before, now: equal((1 + before) ** BRANCHES, now),
        )
    )


def exponent() -> sp.Expr:
    """Return Fixup's exponent -1/(2m-2) in the symbol m."""
    return fixup_scale.exponent().result


@cache
def halved() -> Derivation:
    """Derive the growth of a block (x + F) / sqrt(2)."""
    return Derivation.begin(
        "A block scaled by the root of one half", "Expand ||x + F||^2 / 2.", (NORM + 2 * INNER + OUTPUT) / 2
    ).then(
        "Average over both layers: stream and branch are uncorrelated and equally large, so nothing is gained.",
        NORM,
        at_sizes(branch_alone, *SIZES),
    )


@cache
def share() -> Derivation:
    """Derive which share of the mean square a part of the stream keeps after k further blocks (x + F) / sqrt(2)."""
    part, k = sp.Function("s"), sp.Symbol("k", integer=True, nonnegative=True)
    return Derivation.begin(
        "Share of a part of the stream",
        "A block divides every part of the stream by sqrt(2), its square by 2; the total stays.",
        sp.Eq(part(k + 1), part(k) / 2),
    ).then("Solve from 1.", sp.Eq(part(k), 2**-k), recursion(k, sp.S.One))


@cache
def ratio_moment(order: int) -> Derivation:
    """Derive E R^order of one block, R = ||x'||^2 / ||x||^2, as `theory.residual.fluctuations` does for order 2."""
    (perpendicular, hidden), rho = sp.symbols("U S", nonnegative=True), sp.Symbol("rho", positive=True)
    last: Moments = {T: STANDARD_NORMAL, perpendicular: chi_square_moments(N - 1)}
    first, masks = {hidden: chi_square_moments(ACTIVE)}, {ACTIVE: active_moments(H)}
    ratio = (1 + 2 * rho * T + rho**2 * (T**2 + perpendicular)) ** order
    put = {rho: sp.sqrt(2 * ETA**2 * hidden / (N * H))}
    given_rho = sp.expand(mean(ratio, last))
    given_mask = sp.expand(mean(sp.expand(given_rho.subs(put)), first))
    return (
        Derivation.begin(
            f"Moment {order} of the ratio of a residual block",
            "Take the power of R = 1 + 2 rho t + rho^2 (t^2 + U).",
            ratio,
        )
        .then("Average over the last layer.", given_rho, averaged(last))
        .then(
            "Put in rho^2 and average over the sizes of the K active hidden units.",
            given_mask,
            lambda before, now: averaged(first)(sp.expand(before.subs(put)), now),
        )
        .then("Average over the masks of the hidden layer.", sp.expand(mean(given_mask, masks)), averaged(masks))
    )


@cache
def deep_ratio() -> Derivation:
    """Derive E R^2 of a block whose branch output is rho ||x|| g, with E rho^2 and E rho^4 known."""
    perpendicular, square = sp.symbols("U g", nonnegative=True)
    rho, kurtosis = sp.symbols("rho kappa", positive=True)
    return (
        Derivation.begin(
            "Second moment of the ratio of a block with a deep branch",
            "Square R = 1 + 2 rho t + rho^2 (t^2 + U).",
            (1 + 2 * rho * T + rho**2 * (T**2 + perpendicular)) ** 2,
        )
        .then(
            "Average over the last layer.",
            1 + (4 + 2 * N) * rho**2 + N * (N + 2) * rho**4,
            averaged({T: STANDARD_NORMAL, perpendicular: chi_square_moments(N - 1)}),
        )
        .then(
            "n rho^2 has mean eta^2 and a mean square kappa times that squared, kappa from the hidden ReLU layers.",
            1 + 2 * ETA**2 + 4 * ETA**2 / N + kurtosis * ETA**4 * (1 + 2 / N),
            lambda before, now: averaged({square: (1, ETA**2 / N, kurtosis * ETA**4 / N**2)})(
                before.subs(rho, sp.sqrt(square)), now
            ),
        )
    )


@cache
def calm() -> Derivation:
    """Derive the limit of E||x_L||^4 / (E||x_L||^2)^2 for L branches of scale 1/sqrt(L)."""
    gain = 1 / BRANCHES
    excess = 4 * gain / N + gain**2 * ((1 + 2 / N) * (1 + 5 / H) - 1)
    return (
        Derivation.begin(
            "Spread of a residual net with branches scaled by 1/sqrt(L)",
            "L independent blocks multiply E R^2 / (E R)^2.",
            (residual_fluctuations.ratio_second_moment().result / (1 + ETA**2) ** 2) ** BRANCHES,
        )
        .then(
            "Put in eta = 1/sqrt(L).",
            (1 + excess / (1 + gain) ** 2) ** BRANCHES,
            substituting({ETA: 1 / sp.sqrt(BRANCHES)}),
        )
        .then("As L grows only the term of first order in 1/L is left.", sp.exp(4 / N), limit(BRANCHES, sp.oo))
    )


def growth(scales: Sequence[Value]) -> sp.Expr:
    """Return E||x_L||^2 / ||x_0||^2 = prod(1 + eta_l^2) for branches of these scales. Bounded iff sum eta_l^2 is."""
    return sp.prod(residual.block_growth(nonnegative("scales", scale) ** 2) for scale in scales)


def unzeroed_growth(branches: Value, layers_per_branch: Value) -> sp.Expr:
    """Return E||x_L||^2 / ||x_0||^2 with Fixup's scale on all m layers of each of L branches and no zeros. Exact."""
    layers = positive_integer("layers_per_branch", layers_per_branch, least=2)
    return unzeroed().at(L=positive_integer("branches", branches), m=layers)


def share_after(blocks: Value) -> sp.Expr:
    """Return the share of E||x_L||^2 that a part of the stream has `blocks` blocks (x + F) / sqrt(2) later. Exact."""
    return share().at(k=positive_integer("blocks", blocks, least=0))


def block_ratio_moment(order: int, width: Value, hidden: Value, branch_gain: Value = 1) -> sp.Expr:
    """Return E R^order, R = ||x_{l+1}||^2 / ||x_l||^2, for Gaussian weights; order 1 to 4. Exact."""
    if order not in range(1, 5):
        raise ValueError(f"order is {order}; expected an integer from 1 to 4")
    sizes = {"n": positive_integer("width", width), "h": positive_integer("hidden", hidden)}
    return ratio_moment(order).at(eta=sp.sqrt(nonnegative("branch_gain", branch_gain)), **sizes)


def deep_block_ratio_second_moment(width: Value, hidden: Sequence[Value], branch_gain: Value = 1) -> sp.Expr:
    """Return E R^2 for a branch with ReLU layers of these `hidden` widths and a linear last one. Exact."""
    eta, kurtosis = sp.sqrt(nonnegative("branch_gain", branch_gain)), fluctuations.fourth_moment_ratio(hidden)
    return deep_ratio().at(n=positive_integer("width", width), eta=eta, kappa=kurtosis)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    critical,
    unzeroed,
    halved,
    share,
    *(partial(ratio_moment, order) for order in (1, 3, 4)),
    deep_ratio,
    calm,
)
