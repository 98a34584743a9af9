"""Fluctuations of residual nets with Gaussian weights, exact at finite width.

Given the hidden layer of a block, the branch output is rho ||x|| g with g standard normal in n dimensions, so the ratio
of square norms is R = ||x'||^2 / ||x||^2 = 1 + 2 rho t + rho^2 (t^2 + U): t the component of g along x, U chi-square
with n - 1 degrees of freedom. The hidden layer of h units enters through rho^2 = 2 eta^2 S / (n h), S chi-square with
K ~ Bin(h, 1/2) degrees of freedom. Nothing depends on x, so the ratios of successive blocks are independent; those of
the backward pass have the same law. Over the weights at a fixed input.

- E R^2 = 1 + 2 eta^2 + 4 eta^2/n + eta^4 (1 + 2/n) (1 + 5/h), against (E R)^2 = (1 + eta^2)^2
  (`ratio_second_moment`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import STANDARD_NORMAL, active_moments, averaged, chi_square_moments
from theory.plain import norms as plain
from theory.residual import norms as residual
from theory.symbols import ACTIVE, ETA, H, N, T


@cache
def ratio_second_moment() -> Derivation:
    """Derive E R^2 of one block."""
    (perpendicular, hidden), rho = sp.symbols("U S", nonnegative=True), sp.Symbol("rho", positive=True)
    scale = 2 * ETA**2 / (N * H)
    given_rho = 1 + (4 + 2 * N) * rho**2 + N * (N + 2) * rho**4
    given_mask = 1 + (4 + 2 * N) * scale * ACTIVE + N * (N + 2) * scale**2 * ACTIVE * (ACTIVE + 2)
    masks = active_moments(H)
    return (
        Derivation.begin(
            "Second moment of the ratio of a residual block",
            "Square R = 1 + 2 rho t + rho^2 (t^2 + U).",
            (1 + 2 * rho * T + rho**2 * (T**2 + perpendicular)) ** 2,
        )
        .then(
            "Average over the last layer: t is standard normal, U chi-square with n - 1 degrees of freedom.",
            given_rho,
            averaged({T: STANDARD_NORMAL, perpendicular: chi_square_moments(N - 1)}),
        )
        .then(
            "Put in rho^2 and average over the sizes of the K active hidden units.",
            given_mask,
            lambda before, now: averaged({hidden: chi_square_moments(ACTIVE)})(
                before.subs(rho, sp.sqrt(scale * hidden)), now
            ),
        )
        .then(
            "Average over the masks of the hidden layer.",
            1 + (4 + 2 * N) * scale * masks(1) + N * (N + 2) * scale**2 * (masks(2) + 2 * masks(1)),
            averaged({ACTIVE: masks}),
        )
        .then("Collect.", 1 + 2 * ETA**2 + 4 * ETA**2 / N + ETA**4 * (1 + 2 / N) * (1 + 5 / H))
    )


def block_ratio_second_moment(width: Value, hidden: Value, branch_gain: Value = 1) -> sp.Expr:
    """Return E R^2, R = ||x_{l+1}||^2 / ||x_l||^2, of one block with Gaussian weights. Exact.

    Over the weights, at a fixed input.

    Raises
    ------
    ValueError
        If `width` or `hidden` is not a positive integer or `branch_gain` is negative.

    Source: Hanin and Rolnick 2018 for the order in depth; the constants are derived here.
    """
    sizes = {"n": positive_integer("width", width), "h": positive_integer("hidden", hidden)}
    return ratio_second_moment().at(eta=sp.sqrt(nonnegative("branch_gain", branch_gain)), **sizes)


def growth_relative_second_moment(width: Value, hidden: Value, branch_gain: Value, blocks: Value) -> sp.Expr:
    """Return E||x_L||^4 / (E||x_L||^2)^2 after `blocks` independent blocks. Exact; the backward pass has the same."""
    one_block = block_ratio_second_moment(width, hidden, branch_gain) / residual.block_growth(branch_gain) ** 2
    return plain.norm_in_depth(one_block, blocks)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (ratio_second_moment,)
