"""Fixup's scale L^(-1/(2m-2)) for the weights (not the variance) of a branch, and the condition behind it.

L is the number of residual branches, m the number of layers that each multiplies. Scales are written a_k = L^(-e_k),
e_1 the largest exponent; of scalar branches, nothing is averaged. Orders in L are asymptotic.

- The first-order update of a branch is of order L^(-2 sigma), sigma the sum of the exponents without the largest
  (`order`); it is of order 1/L if sigma = 1/2 (`condition`).
- m - 1 equal scales with the product 1/sqrt(L) are L^(-1/(2m-2)) (`exponent`); singular at m = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.rules import DerivationError, Rule, equal, naming, solving, substituting
from theory.symbols import BRANCHES, LAYERS, SCALE


@cache
def exponent() -> Derivation:
    """Derive the exponent of L in Fixup's scale from the condition on the layers of a branch other than the last."""
    e = sp.Symbol("e", real=True)
    return (
        Derivation.begin(
            "Fixup's exponent",
            "L branches move by order eta together if the m - 1 scales other than the smallest have the product "
            "1/sqrt(L).",
            sp.Eq(SCALE ** (LAYERS - 1), BRANCHES ** -sp.Rational(1, 2)),
        )
        .then(
            "Write the scale as a power of L.",
            sp.Eq(BRANCHES ** (e * (LAYERS - 1)), BRANCHES ** -sp.Rational(1, 2)),
            substituting({SCALE: BRANCHES**e}),
        )
        .then("Take logarithms to base L.", sp.Eq(e * (LAYERS - 1), -sp.Rational(1, 2)), _to_base(BRANCHES))
        .then("Solve for the exponent; it is singular at m = 1.", sp.Eq(e, -1 / (2 * LAYERS - 2)), solving(e))
    )


def _to_base(base: sp.Symbol) -> Callable[[sp.Basic, sp.Basic], str]:
    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if not isinstance(now, sp.Equality):
            raise DerivationError("expected an equation")
        return equal(before, sp.Eq(base**now.lhs, base**now.rhs, evaluate=False))

    return rule


@cache
def order() -> Derivation:
    """Derive the exponent of L in the first-order update of a branch of three layers; more add like terms."""
    largest, gaps = sp.Symbol("e_1", real=True), sp.symbols("d_2 d_3", nonnegative=True)
    others = [largest - gap for gap in gaps]
    total, remaining = largest + sum(others), sp.Symbol("sigma", real=True)
    update = sum((BRANCHES**-total) ** 2 * BRANCHES ** (2 * e) for e in (largest, *others))
    terms = 1 + sum(BRANCHES ** (-2 * gap) for gap in gaps)
    return (
        Derivation.begin(
            "Exponent of L in the update of a branch",
            "Take F^2 sum a_k^-2 at x = 1 with a_k = L^(-e_k), in logarithms to base L; e_1 is at least e_2 and e_3, "
            "by d_2 and d_3, which are 0 where scales are equal.",
            sp.log(update) / sp.log(BRANCHES),
        )
        .then(
            "Take out the largest term, that of the smallest scale, which is a_1.",
            -2 * sum(others) + sp.log(terms) / sp.log(BRANCHES),
        )
        .then(
            "What is left lies between log 1 and log 3 over log L: it vanishes as L grows, ties or not.",
            -2 * sum(others),
            _squeezed(terms, len(gaps) + 1),
        )
        .then("Call e_2 + e_3, the sum without the largest, sigma.", -2 * remaining, naming({remaining: sum(others)}))
    )


def _squeezed(terms: sp.Expr, count: int) -> Rule:
    """Return the rule: log `terms` / log L, which is left out, tends to 0, as `terms` lies between 1 and `count`."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        equal(before - sp.log(terms) / sp.log(BRANCHES), now)
        larger = BRANCHES - 1  # L - 1 >= 0: every term L^(-2d) is at most 1, and the first is 1
        powers = [term for term in sp.Add.make_args(terms) if term != 1]
        if len(powers) != count - 1 or any(term.base != BRANCHES or not term.exp.is_nonpositive for term in powers):
            raise DerivationError(f"{terms} need not lie between 1 and {count} for {larger} >= 0")
        if sp.limit(sp.log(count) / sp.log(BRANCHES), BRANCHES, sp.oo) != 0:
            raise DerivationError(f"log {count} / log L does not vanish")
        return "exact"

    return rule


@cache
def order_with_a_zero() -> Derivation:
    """Derive the same for a branch whose last layer is 0, Fixup's own start: only that layer has a gradient."""
    zero, scales = sp.Symbol("a_1", real=True), sp.symbols("a_2 a_3", positive=True)
    exponents, remaining = sp.symbols("e_2 e_3", real=True), sp.Symbol("sigma", real=True)
    branch = zero * sp.prod(scales)
    update = sum(sp.diff(branch, a) ** 2 for a in (zero, *scales))
    return (
        Derivation.begin(
            "Exponent of L in the update of a branch that is 0", "Add the squared gradients in all scales.", update
        )
        .then("At zero only one is left.", sp.prod(scales) ** 2, substituting({zero: 0}))
        .then(
            "Write the other scales as powers of L, and take logarithms to base L.",
            -2 * sum(exponents),
            lambda before, now: equal(
                sp.expand_log(
                    sp.log(before.subs({a: BRANCHES**-e for a, e in zip(scales, exponents, strict=True)}))
                    / sp.log(BRANCHES),
                    force=True,
                ),
                now,
            ),
        )
        .then(
            "The sum without the largest, which is infinite, is sigma.",
            -2 * remaining,
            naming({remaining: sum(exponents)}),
        )
    )


@cache
def condition() -> Derivation:
    """Derive what the exponents must satisfy for the update of one branch to be of order 1/L."""
    sigma = sp.Symbol("sigma", real=True)
    return Derivation.begin(
        "Condition on the scales", "Ask that the update have the exponent -1.", sp.Eq(order().result, -1)
    ).then("Solve for the sum of the exponents without the largest.", sp.Eq(sigma, sp.Rational(1, 2)), solving(sigma))


NO_FACTORS = {"query", "key"}
"""Layers of attention that a branch does not multiply: the softmax of their product adds up to 1 at any scale."""


def fixup_exponent(layers_per_branch: Value | tuple[str, ...]) -> sp.Expr:
    """Return the exponent -1/(2m - 2) of the number of branches in Fixup's scale.

    It multiplies standard deviations; variances take twice the exponent. The branch is a product of m layers, one
    behind the other, but for activations that pass a scale on.

    Parameters
    ----------
    layers_per_branch : number, symbol or tuple of str
        m, or the names of the layers that the branch multiplies, in which "query" and "key" are refused: of attention,
        ``("value", "output")`` are the layers that are multiplied (`theory.transformer.value_path`).

    Raises
    ------
    ValueError
        If m is not an integer of at least 2, at m = 1 because the exponent is singular; or if a layer is named that is
        no factor of the branch, or named twice.

    Source: Fixup, section 3, equation for the scale of the branch layers.
    """
    if isinstance(layers_per_branch, tuple):
        no_factors = NO_FACTORS.intersection(layers_per_branch)
        if no_factors:
            raise ValueError(
                f"layers_per_branch names {', '.join(sorted(no_factors))}; expected what the branch multiplies: "
                'they set the weights of attention, which add up to 1 at any scale. Give ("value", "output")'
            )
        if len(set(layers_per_branch)) < len(layers_per_branch):
            raise ValueError(f"layers_per_branch is {layers_per_branch}; expected every layer once")
        layers_per_branch = len(layers_per_branch)
    if sp.sympify(layers_per_branch) == 1:
        raise ValueError(
            "layers_per_branch is 1; expected at least 2: the condition is on the product of the scales other than "
            "the last, which is empty at 1, so no scale satisfies it"
        )
    return exponent().at(m=positive_integer("layers_per_branch", layers_per_branch, least=2))


def fixup_scale(branches: Value, layers_per_branch: Value | tuple[str, ...]) -> sp.Expr:
    """Return Fixup's factor branches^(-1/(2m - 2)) on the standard deviation of the layers of a branch."""
    return positive_integer("branches", branches) ** fixup_exponent(layers_per_branch)


def update_exponent(exponents: Sequence[Value]) -> sp.Expr:
    """Return the exponent of L in the first-order update of one branch with scales a_k = L^(-exponents[k]).

    Asymptotic in L. It is -2 times the sum of the exponents without the largest; one empty sum (m = 1) gives 0.

    Raises
    ------
    ValueError
        If `exponents` is empty.
    """
    if not exponents:
        raise ValueError("exponents is empty; expected one for each layer of the branch")
    known = [real("exponents", e) for e in exponents]
    return order().at(sigma=sum(known) - sp.Max(*known))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (exponent, order, order_with_a_zero, condition)
