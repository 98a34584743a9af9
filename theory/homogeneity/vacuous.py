"""How often theorem 2 of Fixup says nothing: where the mean over a minibatch of loss less entropy is not above 0.

Write logits as z = s g, with s their scale. Then (l - H) / s = p(s g)^T g - y^T g, draw by draw. Logits must not tie
and no state may be 0, where l = H. Over readout and labels; exact.

- (l - H) / s never falls as s grows (`growth`), from the mean of g less the label's at s = 0 (`small`): the share of
  vacuous draws never rises with the scale, and starts at 1/2 if the law of the readout is symmetric.
- It ends at c^-B for B examples of c classes, the probability that every label is its largest logit (`large`).
- Two classes: l - H = -d / (1 + exp(d)), d the label's logit less the other (`two_classes`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import Rule, at_least, dropping, equal, limit, solving, substituting

SCALE = sp.Symbol("s", nonnegative=True)
LOGIT = sp.symbols("g_1:4", real=True)
GAP = sp.Symbol("d", real=True)


@cache
def growth() -> Derivation:
    """Derive that (l - H) / s never falls with s, for three classes; more add terms of the same kind."""
    weights = [sp.exp(SCALE * g) for g in LOGIT]
    total = sum(weights)
    predicted = sum(w * g for w, g in zip(weights, LOGIT, strict=True)) / total
    pairs = ((0, 1), (0, 2), (1, 2))
    spread = sum(weights[i] * weights[j] * (LOGIT[i] - LOGIT[j]) ** 2 for i, j in pairs) / total**2
    return (
        Derivation.begin(
            "Loss less entropy grows at least like the logits",
            "By the softmax identity (l - H) / s is p(s g)^T g less the label's g, which does not depend on s.",
            sp.Derivative(predicted, SCALE),
        )
        .then("The derivative is the variance of g under p, a sum over pairs of classes.", spread)
        .then("None of its terms is negative.", at_least(spread, 0), dropping(spread))
    )


@cache
def small() -> Derivation:
    """Derive the limit of (l - H) / s at small scales, which changes sign with the readout."""
    weights = [sp.exp(SCALE * g) for g in LOGIT]
    predicted = sum(w * g for w, g in zip(weights, LOGIT, strict=True)) / sum(weights)
    return Derivation.begin(
        "Loss less entropy of small logits",
        "(l - H) / s for a label of the first class.",
        predicted - LOGIT[0],
    ).then(
        "Let s tend to 0.",
        sum(LOGIT) / 3 - LOGIT[0],
        limit(SCALE, sp.S.Zero),
    )


@cache
def half() -> Derivation:
    """Derive the share of readouts at which the limit is negative, from their symmetry."""
    share = sp.Symbol("p", nonnegative=True)
    return (
        Derivation.begin(
            "Share of vacuous minibatches at small logits",
            "The limit of (l - H) / s, a sum of such terms over a minibatch, in terms of the readout's logits.",
            small().result,
        )
        .then(
            "A readout of the opposite sign turns it round.",
            -small().result,
            substituting({g: -g for g in LOGIT}),
        )
        .then(
            "Both are as likely and it is not 0: it is negative with the probability p with which it is positive.",
            sp.Eq(share, 1 - share, evaluate=False),
            _turned_round(share),
        )
        .then("Solve.", sp.Eq(share, sp.Rational(1, 2)), solving(share))
    )


def _turned_round(share: sp.Symbol) -> Rule:
    """Return the rule: a law that its negative has too, and no mass at 0, is negative with the rest of `share`."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        equal(before, -small().result)
        return equal(sp.Eq(share, 1 - share, evaluate=False), now)

    return rule


@cache
def large() -> Derivation:
    """Derive the probability that every label of a minibatch is the class of its largest logit."""
    c, b = sp.Symbol("c", integer=True, positive=True), sp.Symbol("b", integer=True, positive=True)
    size = sp.Symbol("B", integer=True, positive=True)
    return Derivation.begin(
        "Share of vacuous minibatches at large logits",
        "(l - H) / s tends to the largest of g less the label's, never negative: the sum is 0 only if every label is "
        "its largest logit. Given the logits, labels are independent and uniform: each is with probability 1/c.",
        sp.Product(1 / c, (b, 1, size)),
    ).then("Multiply.", c**-size)


@cache
def two_classes() -> Derivation:
    """Derive l - H of two classes from the gap between the label's logit and the other."""
    other, p = sp.Symbol("z", real=True), sp.Symbol("p", positive=True)
    return (
        Derivation.begin(
            "Loss less entropy of two classes",
            "(p - y)^T z for logits z + d of the label, whose probability is p, and z of the other.",
            (p - 1) * (other + GAP) + (1 - p) * other,
        )
        .then("z drops out.", -GAP * (1 - p))
        .then(
            "Put the probability in: the sign is that of -d, and d is as likely to be negative as positive.",
            -GAP / (1 + sp.exp(GAP)),
            substituting({p: 1 / (1 + sp.exp(-GAP))}),
        )
    )


def share_at_small_logits() -> sp.Expr:
    """Return 1/2, the limit of the share of vacuous draws as the scale of the logits tends to 0: its largest value.

    Over a readout whose law is symmetric about 0, at any inputs and labels whose first-order term is not 0 identically.
    """
    return half().result


def share_at_large_logits(classes: Value, batch: Value) -> sp.Expr:
    """Return classes^-batch, the limit of the share of vacuous draws as the scale grows: its smallest value.

    Over labels that are independent and uniform, at any weights and inputs for which no logits tie.

    Raises
    ------
    ValueError
        If `classes` or `batch` is not a positive integer.
    """
    return large().at(c=positive_integer("classes", classes), B=positive_integer("batch", batch))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (growth, small, half, large, two_classes)
