"""Lower bounds on gradient norms: theorems 1 and 2 of Fixup (Zhang, Dauphin and Ma 2019, section 2).

l is the softmax loss, H the entropy of the softmax, c the number of classes. If the logits z are positively homogeneous
of degree 1 in x, Euler's identity and the softmax identity give <dl/dx, x> = l - H; Cauchy and Schwarz then bound the
gradient. The bounds say something only where l > H. For every network and every draw, but for the last.

- Theorem 1: ||dl/dx|| >= (l - H) / ||x|| (`input_gradient`).
- Theorem 2: the same of a minibatch and a set theta of parameters, with the mean of l - H (`minibatch`).
- Its mean over the last layer's weights, at a fixed ||theta||, is at least (E max z - log c) / ||theta|| (`expected`)
  and exceeds that by at most 2 log c / ||theta|| (`expected_above`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer, real
from theory.expectation import mean
from theory.rules import DerivationError, Rule, at_least, at_most, dropping, equal, naming, substituting

EXCESS = sp.Symbol(r"(\ell - H)", real=True)
"""Loss less entropy of the softmax."""

GRADIENT_NORM = sp.Symbol(r"\|g\|", positive=True)
NORM = sp.Symbol(r"\|x\|", positive=True)


@cache
def input_gradient() -> Derivation:
    """Derive theorem 1 in three dimensions; more add terms of the same kind."""
    gradient, point = sp.symbols("g_1:4", real=True), sp.symbols("x_1:4", real=True)
    inner = sum(g * x for g, x in zip(gradient, point, strict=True))
    minors = sum((gradient[i] * point[j] - gradient[j] * point[i]) ** 2 for i, j in ((0, 1), (0, 2), (1, 2)))
    squares = [sum(entry**2 for entry in vector) for vector in (gradient, point)]
    return (
        Derivation.begin(
            "Theorem 1: a gradient is at least (l - H) / ||x||",
            "Multiply the square norms of the gradient g = dl/dx and of x.",
            squares[0] * squares[1],
        )
        .then("Lagrange's identity: the square of g^T x plus the squares of the 2 x 2 minors.", inner**2 + minors)
        .then("Drop the minors (Cauchy and Schwarz).", at_least(inner**2 + minors, inner**2), dropping(minors))
        .then(
            "By Euler's identity and the softmax identity g^T x is l - H; name the norms.",
            at_least(GRADIENT_NORM**2 * NORM**2, EXCESS**2),
            naming({GRADIENT_NORM: sp.sqrt(squares[0]), NORM: sp.sqrt(squares[1]), EXCESS: inner}),
        )
        .then("Take roots and divide by the norm of x.", at_least(GRADIENT_NORM, EXCESS / NORM), _root_over(NORM))
    )


def _root_over(factor: sp.Expr) -> Rule:
    """Both sides times `factor` are the roots of those of the previous inequality, and the left one is positive.

    The right root is the one whose square stands there: its negative would bound the left side as well, to no use.
    """

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if not (isinstance(now, sp.Ge) and (now.lhs * factor).is_positive and before.rhs.as_base_exp()[1] == 2):
            raise DerivationError(f"{now} does not follow from {before} by taking roots")
        return equal(
            at_least(sp.sqrt(before.lhs), before.rhs.as_base_exp()[0]), at_least(now.lhs * factor, now.rhs * factor)
        )

    return rule


@cache
def minibatch(size: int) -> Derivation:
    """Derive the first part of theorem 2 for a minibatch of `size` examples and a positively homogeneous set theta."""
    inner = sp.symbols(f"g_1:{size + 1}^{{T}}theta", real=True)
    loss, entropy = sp.symbols(f"l_1:{size + 1}", real=True), sp.symbols(f"H_1:{size + 1}", real=True)
    differences = {g: each - h for g, each, h in zip(inner, loss, entropy, strict=True)}
    average = sum(differences.values()) / size
    return (
        Derivation.begin(
            f"Theorem 2 for a minibatch of {size}",
            "The gradient of the average loss times theta is the average of g_m^T theta, g_m the gradient of example "
            "m.",
            sum(inner) / size,
        )
        .then(
            "By Euler's identity and the softmax identity g_m^T theta is l_m - H_m.", average, substituting(differences)
        )
        .then(
            "Cauchy and Schwarz as in theorem 1; g is now the gradient of the average loss and x stands for theta.",
            at_least(GRADIENT_NORM, average / NORM),
            lambda before, now: equal(input_gradient().steps[-1].statement.subs(EXCESS, before), now),
        )
    )


@cache
def expected() -> Derivation:
    """Derive the second part of theorem 2 with three logits; more add terms of the same kind."""
    largest, labelled, entropy = sp.symbols("M y^{T}z H", real=True)
    gaps = sp.symbols("d_1 d_2", nonnegative=True)
    c, deficit = sp.Symbol("c", positive=True), sp.Symbol("kappa", nonnegative=True)
    above = sp.log(1 + sum(sp.exp(-gap) for gap in gaps))
    excess = largest + above - labelled - sp.log(c) + deficit
    mean_excess, mean_bound, mean_largest = sp.symbols("E[l-H] E[G] E[M]", real=True)

    def averaged_bound(before: sp.Basic, now: sp.Basic) -> str:
        below = mean(before.rhs, {labelled: (1, 0), largest: (1, mean_largest)})
        return equal(at_least(mean_excess, below), now) if before.lhs == excess else equal(before, now)

    def over_norm(before: sp.Basic, now: sp.Basic) -> str:
        sides = (side.subs(mean_excess, mean_bound * NORM) / NORM for side in before.args)
        return equal(at_least(*sides), now)

    return (
        Derivation.begin(
            "Theorem 2 in expectation",
            "l - H for logits M, M - d_1, M - d_2 with M the largest: log-sum-exp less y^T z, less H.",
            sp.log(sp.exp(largest) + sum(sp.exp(largest - gap) for gap in gaps)) - labelled - entropy,
        )
        .then("Take the largest logit out of log-sum-exp.", largest + above - labelled - entropy)
        .then("H is log c less something that is never negative.", excess, substituting({entropy: sp.log(c) - deficit}))
        .then("Log-sum-exp is at least the largest logit.", at_least(excess, excess - above), dropping(above))
        .then("The entropy is at most log c.", at_least(excess, largest - labelled - sp.log(c)), dropping(deficit))
        .then(
            "Average: the last weights are symmetric and the label is independent of them, so y^T z has mean 0.",
            at_least(mean_excess, mean_largest - sp.log(c)),
            averaged_bound,
        )
        .then(
            "Divide by the norm of theta, here called x, which must be fixed.",
            at_least(mean_bound, (mean_largest - sp.log(c)) / NORM),
            over_norm,
        )
    )


@cache
def expected_above() -> Derivation:
    """Derive the same from above, with three logits; more add terms of the same kind."""
    largest, labelled = sp.symbols("M y^{T}z", real=True)
    entropy, deficit = sp.symbols("H kappa", nonnegative=True)
    gaps, c = sp.symbols("d_1 d_2", nonnegative=True), sp.Symbol("c", positive=True)
    above = sp.log(1 + sum(sp.exp(-gap) for gap in gaps))
    excess = largest + sp.log(c) - deficit - labelled - entropy
    mean_excess, mean_largest = sp.symbols("E[l-H] E[M]", real=True)
    return (
        Derivation.begin(
            "Theorem 2 in expectation, from above",
            "l - H for logits M, M - d_1, M - d_2 with M the largest.",
            largest + above - labelled - entropy,
        )
        .then(
            "The logarithm of a sum of c terms of at most 1 is log c less something that is never negative.",
            excess,
            naming({deficit: sp.log(c) - above}),
        )
        .then("Nor is the entropy.", at_most(excess, largest + sp.log(c) - labelled), dropping(-deficit - entropy))
        .then(
            "Average: y^T z has mean 0 as before.",
            at_most(mean_excess, mean_largest + sp.log(c)),
            lambda before, now: equal(
                at_most(mean_excess, mean(before.rhs, {labelled: (1, 0), largest: (1, mean_largest)})), now
            ),
        )
    )


def theorem_1(loss: Value, entropy: Value, norm: Value) -> sp.Expr:
    """Return (loss - entropy) / norm, the lower bound on ||dl/dx|| at an input x with that norm.

    Holds for every network whose logits are positively homogeneous of degree 1 in x, where the gradient exists;
    negative, hence empty, if loss < entropy. Equality iff the gradient is a non-negative multiple of x.

    Raises
    ------
    ValueError
        If `norm` is not positive.

    Source: Fixup, theorem 1.
    """
    excess = real("loss", loss) - real("entropy", entropy)
    return input_gradient().at({EXCESS: excess, NORM: positive("norm", norm)})


def theorem_2(losses: Sequence[Value], entropies: Sequence[Value], norm: Value) -> sp.Expr:
    """Return the lower bound on the norm of the minibatch gradient for a positively homogeneous set of parameters.

    `norm` is the norm of the set; losses and entropies are per example.

    Raises
    ------
    ValueError
        If there are no losses, the lengths differ or `norm` is not positive.

    Source: Fixup, theorem 2.
    """
    if not losses or len(losses) != len(entropies):
        raise ValueError(f"{len(losses)} losses and {len(entropies)} entropies; expected equally many, at least one")
    pairs = zip(losses, entropies, strict=True)
    excesses = [real("losses", loss) - real("entropies", entropy) for loss, entropy in pairs]
    return input_gradient().at({EXCESS: sum(excesses) / len(losses), NORM: positive("norm", norm)})


def theorem_2_expected(mean_maximum: Value, classes: Value, norm: Value) -> sp.Expr:
    """Return (E max z - log classes) / norm, the lower bound on the mean of the bound of `theorem_2`.

    Over the weights of the last layer, i.i.d. symmetric, at a fixed norm of the set; labels independent of them.
    `mean_maximum` is E max_i z_i. Empty at small logits: see `theory.homogeneity.maximum.vacuous_below`.

    Source: Fixup, theorem 2.
    """
    names = {"E[M]": real("mean_maximum", mean_maximum), "c": positive_integer("classes", classes)}
    return expected().at({NORM: positive("norm", norm)}, **names)


def theorem_2_shortfall(classes: Value, norm: Value) -> sp.Expr:
    """Return 2 log(classes) / norm, the most by which the mean of `theorem_2` exceeds `theorem_2_expected`."""
    c = positive_integer("classes", classes)
    gap = expected_above().at(c=c) - expected().at({NORM: sp.S.One}, c=c)
    return gap / positive("norm", norm)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (input_gradient, partial(minibatch, 3), expected, expected_above)
