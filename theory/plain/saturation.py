r"""Where the first steps push the top hidden state of a classifier, if it is alike for all inputs: towards 0.

Logits z = W h without biases, c classes that are equally frequent, h the same for all inputs, as it nearly is on top of
a deep sigmoid net (`theory.plain.sigmoid_distances`). The mean gradient of the softmax loss in h is W^T (p - 1/c), p =
softmax(z). Exact, for all weights; nothing is averaged.

- <h, dl/dh> = sum (p_k - 1/c) z_k is a sum over pairs of classes of (p_k - p_j)(z_k - z_j) / c (`pairs`).
- None of these is negative, as the larger logit has the larger probability (`sign`): a step of gradient descent on h
  lowers <h, h>, unless all logits are equal. Sigmoid units then move to their lower end on the whole.

Source: the mechanism that Glorot and Bengio 2010, section 3.1, suppose for units that saturate at 0; the statement is
derived here. A bias of the classes, once learnt, can take the cause away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import combinations

import sympy as sp

from theory.derivation import Derivation
from theory.rules import at_least, dropping, substituting

SMALLER, EXCESS = sp.Symbol("e^{z_j}", positive=True), sp.Symbol("u", nonnegative=True)


@cache
def pairs(classes: int) -> Derivation:
    """Derive the inner product of the state and its gradient as a sum over pairs of classes."""
    logits, shares = sp.symbols(f"z_1:{classes + 1}", real=True), sp.symbols(f"p_1:{classes + 1}", positive=True)
    last = {shares[-1]: 1 - sum(shares[:-1])}
    both = [(shares[k] - shares[j]) * (logits[k] - logits[j]) for k, j in combinations(range(classes), 2)]
    return Derivation.begin(
        f"A common state and its gradient, {classes} classes",
        "The gradient W^T (p - 1/c) along h, with z = W h.",
        sum((p - sp.Rational(1, classes)) * z for p, z in zip(shares, logits, strict=True)),
    ).then(
        "The probabilities add up to 1, so the pairs of classes share it.",
        sp.expand((sum(both) / classes).subs(last)),
        substituting(last),
    )


@cache
def sign() -> Derivation:
    """Derive that no pair is negative, for exponentials that the softmax divides by their common sum."""
    return (
        Derivation.begin(
            "Sign of a pair of classes",
            "exp z_k and exp z_j, of which the first is 1 + u times the second, times the difference of the logits.",
            (SMALLER * (1 + EXCESS) - SMALLER) * sp.log(1 + EXCESS),
        )
        .then("Collect.", SMALLER * EXCESS * sp.log(1 + EXCESS))
        .then(
            "No factor is negative.",
            at_least(SMALLER * EXCESS * sp.log(1 + EXCESS), sp.S.Zero),
            dropping(SMALLER * EXCESS * sp.log(1 + EXCESS)),
        )
    )


def along_the_state(logits: Sequence[sp.Expr], shares: Sequence[sp.Expr]) -> sp.Expr:
    """Return <h, dl/dh> for the logits of the common state and their softmax: a sum over pairs, never negative. Exact.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or not as many probabilities as logits.
    """
    count = len(logits)
    if count < 2 or len(shares) != count:
        raise ValueError(f"{count} logits and {len(shares)} probabilities; expected as many, and two classes at least")
    both = ((shares[k] - shares[j]) * (logits[k] - logits[j]) for k, j in combinations(range(count), 2))
    return sum(both, sp.S.Zero) / count


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (*(partial(pairs, classes) for classes in (2, 3, 4)), sign)
