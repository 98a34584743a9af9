"""Softmax cross-entropy: logits z, probabilities p = softmax(z), a label y with sum 1 (soft labels included).

The loss is l = -y^T log p and the entropy H = -p^T log p, in nats; c classes. Everything here is exact.

- l - H = (p - y)^T z (`identity`), from log p_i = z_i - log sum exp(z) (`log_probability`).
- H <= log c (`stationary_entropy`, `concavity`).
- Logits z ~ N(0, s^2 I) and a label independent of them: E p_i z_i = s^2 E p_i (1 - p_i) (`stein`), so
  E[l - H] = s^2 (1 - E||p||^2) (`gaussian_logits`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import by_parts
from theory.rules import at_most, dropping, equal, solving, substituting, termwise

LOGIT = sp.symbols("z_1:4", real=True)
LABEL = sp.symbols("y_1:4", real=True)
PROBABILITY = sp.symbols("p_1:4", positive=True)


@cache
def log_probability() -> Derivation:
    """Derive that the logarithm of a softmax probability is the logit less log-sum-exp."""
    total = sum(map(sp.exp, LOGIT))
    return Derivation.begin(
        "Logarithm of a probability", "Take the logarithm of p_1.", sp.log(sp.exp(LOGIT[0]) / total)
    ).then("It is the logit less the logarithm of the sum.", LOGIT[0] - sp.log(total))


@cache
def identity() -> Derivation:
    """Derive (p - y)^T z = l - H for three classes; more classes add terms of the same kind."""
    s = sp.Symbol("s", real=True)
    triples = list(zip(PROBABILITY, LABEL, LOGIT, strict=True))
    remaining = {names[2]: 1 - names[0] - names[1] for names in (PROBABILITY, LABEL)}
    return (
        Derivation.begin(
            "Loss less entropy",
            "Write l and H with the logarithms of the probabilities.",
            sum(-y * sp.log(p) for p, y, _ in triples) - sum(-p * sp.log(p) for p, _, _ in triples),
        )
        .then("Collect.", sum((p - y) * sp.log(p) for p, y, _ in triples))
        .then(
            "The logarithm of a probability is the logit less s = log sum exp(z).",
            sum((p - y) * (z - s) for p, y, z in triples),
            substituting({sp.log(p): z - s for p, _, z in triples}),
        )
        .then(
            "Probabilities and labels both sum to 1, so s drops out.",
            sum((p - y) * z for p, y, z in triples),
            lambda before, now: equal(before.subs(remaining), now.subs(remaining)),
        )
    )


@cache
def stationary_entropy() -> Derivation:
    """Derive the entropy at its only stationary point among probabilities that sum to 1."""
    p, c = sp.Symbol("p", positive=True), sp.Symbol("c", integer=True, positive=True)
    mu, i = sp.Symbol("mu", real=True), sp.Symbol("i", integer=True)

    def over_classes(before: sp.Basic, now: sp.Basic) -> str:
        return equal(sp.Sum(-before.rhs * sp.log(before.rhs), (i, 1, c)), now)

    return (
        Derivation.begin(
            "Largest entropy of c classes",
            "Lagrange: for every class the derivative of -p log p equals the multiplier mu of the constraint.",
            sp.Eq(sp.Derivative(-p * sp.log(p), p), mu),
        )
        .then("Differentiate.", sp.Eq(-sp.log(p) - 1, mu))
        .then("Solve for p: it is the same for every class.", sp.Eq(p, sp.exp(-mu - 1)), solving(p))
        .then("The c probabilities sum to 1, so mu = log c - 1.", sp.Eq(p, 1 / c), substituting({mu: sp.log(c) - 1}))
        .then("Add -p log p over the classes.", sp.log(c), over_classes)
    )


@cache
def concavity() -> Derivation:
    """Derive that entropy is concave, so that the stationary point is its maximum."""
    p = sp.Symbol("p", positive=True)
    return (
        Derivation.begin(
            "Entropy is concave", "Differentiate one term of the entropy twice.", sp.Derivative(-p * sp.log(p), (p, 2))
        )
        .then("The second derivative is -1/p.", -1 / p)
        .then(
            "It is never positive, so the stationary point is the maximum: H <= log c.",
            at_most(-1 / p, 0),
            dropping(-1 / p),
        )
    )


@cache
def stein() -> Derivation:
    """Derive E[p z] = s^2 E[p (1 - p)] for a logit z ~ N(0, s^2) and its probability p, at fixed other logits."""
    z, s, rest = sp.Symbol("z", real=True), sp.Symbol("s", positive=True), sp.Symbol("B", positive=True)
    p = sp.exp(z) / (sp.exp(z) + rest)
    density = sp.exp(-(z**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    line = (z, -sp.oo, sp.oo)
    return (
        Derivation.begin(
            "Stein's identity for a softmax probability",
            "Average p z over the density of z; B is the sum of exp over the other logits.",
            sp.Integral(p * z * density, line),
        )
        .then(
            "Integrate by parts: -s^2 p times the density vanishes at both ends, so its derivative may be taken away.",
            sp.Integral(s**2 * sp.Derivative(p, z) * density, line),
            by_parts(-(s**2) * p * density),
        )
        .then(
            "The derivative of p in its own logit is p (1 - p).",
            sp.Integral(s**2 * p * (1 - p) * density, line),
            termwise(),
        )
    )


@cache
def gaussian_logits() -> Derivation:
    """Derive E[l - H] for independent N(0, s^2) logits and a label independent of them."""
    c, i = sp.Symbol("c", integer=True, positive=True), sp.Symbol("i", integer=True)
    s, square = sp.Symbol("s", positive=True), sp.Symbol(r"E\|p\|^2", positive=True)
    mean, square_mean = sp.IndexedBase("P"), sp.IndexedBase("Q")
    sums = {sp.Sum(mean[i], (i, 1, c)): sp.S.One, sp.Sum(square_mean[i], (i, 1, c)): square}
    return (
        Derivation.begin(
            "Mean of loss less entropy for Gaussian logits",
            "l - H = p^T z - y^T z, and y^T z has mean 0; Stein gives every p_i z_i the mean s^2 (P_i - Q_i), P_i and"
            " Q_i the means of p_i and of its square.",
            sp.Sum(s**2 * (mean[i] - square_mean[i]), (i, 1, c)),
        )
        .then(
            "Add the two parts apart.",
            s**2 * sum(sign * total for sign, total in zip((1, -1), sums, strict=True)),
            _apart,
        )
        .then("Probabilities sum to 1, their squares to the square norm of p.", s**2 * (1 - square), substituting(sums))
    )


def _apart(before: sp.Basic, now: sp.Basic) -> str:
    """Compare the sums written out for 1, 2 and 3 classes."""
    for classes in (1, 2, 3):
        count = {s: classes for s in before.free_symbols | now.free_symbols if s.name == "c"}
        equal(sp.expand(before.subs(count).doit()), sp.expand(now.subs(count).doit()))
    return "exact"


def loss_minus_entropy(
    probabilities: tuple[Value, ...], label: tuple[Value, ...], logits: tuple[Value, ...]
) -> sp.Expr:
    """Return (p - y)^T z for three classes, which is l - H when `probabilities` is the softmax of `logits`.

    Raises
    ------
    ValueError
        If the arguments are not three triples or the label does not sum to 1.
    """
    if not len(probabilities) == len(label) == len(logits) == 3:
        raise ValueError(f"lengths are {len(probabilities)}, {len(label)}, {len(logits)}; expected 3 each")
    if sp.sympify(sum(label) - 1).is_zero is False:
        raise ValueError(f"label sums to {sum(label)}; expected 1")
    names = (*PROBABILITY, *LABEL, *LOGIT)
    return identity().at(dict(zip(names, (*probabilities, *label, *logits), strict=True)))


def entropy_bound(classes: Value) -> sp.Expr:
    """Return log(classes), the largest entropy of a distribution on `classes` points, that of the uniform one."""
    return stationary_entropy().at(c=positive_integer("classes", classes))


def mean_loss_minus_entropy(scale: Value, mean_square_norm: Value) -> sp.Expr:
    """Return E[l - H] = scale^2 (1 - E||p||^2) for logits that are independent N(0, scale^2). Exact.

    Over the logits, with a label that is independent of them; `mean_square_norm` is E||p||^2.
    """
    square = nonnegative("mean_square_norm", mean_square_norm)
    return gaussian_logits().at({sp.Symbol(r"E\|p\|^2"): square}, s=positive("scale", scale))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    log_probability,
    identity,
    stationary_entropy,
    concavity,
    stein,
    gaussian_logits,
)
