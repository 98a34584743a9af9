r"""Theorem 1 of Fixup fails through attention: two tokens of one feature, at which the gradient is exactly 0.

The output is f = x_1 + v (a_1 x_1 + a_2 x_2), attention with a skip at the first token: a = softmax(b x_1 x_1, b x_1
x_2), b = W_Q W_K and v = W_V W_O. Two classes have the logits f and 0. With W = LambertW(1/e) = 0.278, at x = (1, 3),
b = -(1 + W) / 2 and v = -(1 + W) / (1 - W) both slopes of f vanish while f = -4 W / (1 - W) = -1.54 (`still`). So for
the first class l - H = (p - 1) f = 1.27 (`excess`), theorem 1 demands a gradient of at least 1.27 / sqrt(10) = 0.40,
and it is 0. Exact; no average.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.rules import numerically, substituting

TOKENS = sp.symbols("x_1 x_2", real=True)
PRODUCT, VALUE = sp.symbols("b v", real=True)
WEIGHTS = sp.symbols("t_1 t_2", real=True)
"""With which the slopes are added to the output, so that one statement says all three."""
OUTPUT = sp.Symbol("f", real=True)
W = sp.LambertW(sp.exp(-1))
POINT = {TOKENS[0]: sp.Integer(1), TOKENS[1]: sp.Integer(3), PRODUCT: -(1 + W) / 2, VALUE: -(1 + W) / (1 - W)}


def output() -> sp.Expr:
    """Return the output f of the first token."""
    first, second = TOKENS
    powers = [sp.exp(PRODUCT * first * token) for token in TOKENS]
    return first + VALUE * (powers[0] * first + powers[1] * second) / sum(powers)


@cache
def still() -> Derivation:
    """Derive that both slopes of the output vanish, and what the output is."""
    f = output()
    slopes = sum(weight * sp.Derivative(f, token) for weight, token in zip(WEIGHTS, TOKENS, strict=True))
    there = f + slopes.doit()
    return (
        Derivation.begin(
            "A state without a gradient", "The output, and its slopes in both tokens with weights t_1, t_2.", f + slopes
        )
        .then("Differentiate.", there)
        .then(
            "At the tokens 1 and 3, b = -(1 + W)/2 and v = -(1 + W)/(1 - W), W = LambertW(1/e), the slopes vanish.",
            -4 * W / (1 - W),
            lambda before, now: numerically(before.subs(POINT), now),
        )
    )


@cache
def excess() -> Derivation:
    """Derive the loss less the entropy there, for the class whose logit is f."""
    p = sp.Symbol("p", positive=True)
    sigmoid = 1 / (1 + sp.exp(-OUTPUT))
    return (
        Derivation.begin(
            "Loss less entropy at that state", "(p - y)^T z of two classes with logits f and 0.", (p - 1) * OUTPUT
        )
        .then("The probability of the class.", (sigmoid - 1) * OUTPUT, substituting({p: sigmoid}))
        .then(
            "Put the output in.",
            (1 / (1 + sp.exp(4 * W / (1 - W))) - 1) * -4 * W / (1 - W),
            substituting({OUTPUT: -4 * W / (1 - W)}),
        )
    )


def theorem_1_there() -> sp.Expr:
    """Return the lower bound that theorem 1 would give there, (l - H) / ||X||: 0.402."""
    return excess().result / sp.sqrt(sum(POINT[token] ** 2 for token in TOKENS))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (still, excess)
