r"""Initialisers as libraries ship them, for tokens x of width d: what a head and a perceptron make of them at first.

- Glorot's variance is 2 / (fan in + fan out). PyTorch's MultiheadAttention draws queries, keys and values as one
  matrix d x 3d (`fused`): each entry has the variance 1/(2d), not the 1/d of a square matrix.
- Logits q.k / sqrt(d_k) of tokens with ||x||^2 = d then have the mean square 1/4 (`fused_logit`), at any number of
  heads. Where keys come with a width d' of their own, matrices are apart: 1/d for queries, 2/(d + d') for keys and
  values (`separate_logit`), and the mean square is 2 d' / (d + d').
- A perceptron with h hidden ReLU units multiplies ||x||^2 by 2 h d / (d + h)^2 in mean if Glorot's (`glorot_gain`):
  8/25 at h = 4d. PyTorch's Linear with its biases, all of variance 1/(3 fan in), gives a mean square of
  (1/18)(1 + 1/d) + 1/(3h) for each entry if ||x||^2 = d (`default_square`).

Exact at every width, for any symmetric entries, normal or uniform.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.attention import logits
from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.rules import substituting
from theory.symbols import SQUARE_NORM, H, N
from theory.written_out import WrittenOut, at_sizes, flipped, matrix, symmetric

FAN_IN, FAN_OUT = sp.symbols("n_in n_out", integer=True, positive=True)
OTHER = sp.Symbol("d'", integer=True, positive=True)
"""The width of the tokens that keys and values are of."""
FIRST, LAST, FIRST_BIAS, LAST_BIAS = sp.symbols("s_1^2 s_2^2 t_1^2 t_2^2", nonnegative=True)
"""Variances of the weights and of the biases of a perceptron's two layers."""
OUTPUT = sp.Symbol(r"\|y\|^2", real=True)
GLOROT = 2 / (FAN_IN + FAN_OUT)


@cache
def fused() -> Derivation:
    """Derive the variance of the entries of queries, keys and values that are drawn as one matrix."""
    return Derivation.begin(
        "Glorot's variance of a fused projection", "Two over the sum of the fans, those of the matrix drawn.", GLOROT
    ).then("It is d x 3d.", 1 / (2 * N), substituting({FAN_IN: N, FAN_OUT: 3 * N}))


def _scaled_square() -> sp.Expr:
    """Return the mean square of q.k / sqrt(d_k) for any variances and tokens."""
    return logits.second_moment().result / logits.HEAD


@cache
def fused_logit() -> Derivation:
    """Derive the mean square of a scaled logit whose queries and keys are drawn as one matrix."""
    return (
        Derivation.begin("Logits of a fused projection", "The mean square of q.k / sqrt(d_k).", _scaled_square())
        .then(
            "Both variances are those of the fused matrix.",
            fused().result ** 2 * logits.FIRST * logits.SECOND,
            substituting({logits.QUERY: fused().result, logits.KEY: fused().result}),
        )
        .then("Tokens have the square norm d.", sp.Rational(1, 4), substituting({logits.FIRST: N, logits.SECOND: N}))
    )


@cache
def separate_logit() -> Derivation:
    """Derive the mean square of a scaled logit whose keys are of other tokens, of width d'."""
    return (
        Derivation.begin("Logits of separate projections", "The mean square of q.k / sqrt(d_k).", _scaled_square())
        .then(
            "Queries have the matrix d x d, keys d' x d.",
            1 / N * 2 / (OTHER + N) * logits.FIRST * logits.SECOND,
            substituting(
                {
                    logits.QUERY: GLOROT.subs({FAN_IN: N, FAN_OUT: N}),
                    logits.KEY: GLOROT.subs({FAN_IN: OTHER, FAN_OUT: N}),
                }
            ),
        )
        .then(
            "Tokens have the square norms d and d'.",
            2 * OTHER / (OTHER + N),
            substituting({logits.FIRST: N, logits.SECOND: OTHER}),
        )
    )


def written(width: int, hidden: int) -> WrittenOut:
    """Write out a perceptron with biases; a unit's bias is one more weight, at one more feature that is 1.

    The last layer comes first among the laws, as masked units have no mean alone.
    """
    token = sp.Matrix(1, width, sp.symbols(f"x_1:{width + 1}", real=True))
    first, _ = matrix("w", width, hidden, symmetric(FIRST))
    biases, masks = sp.symbols(f"c_1:{hidden + 1}", real=True), sp.symbols(f"b_1:{hidden + 1}", nonnegative=True)
    last, of_last = matrix("o", hidden, width, symmetric(LAST))
    shift, of_shift = matrix("e", 1, width, symmetric(LAST_BIAS))
    units = sp.Matrix(1, hidden, [m * (z + c) for m, z, c in zip(masks, token * first, biases, strict=True)])
    groups = [
        flipped([*first.col(i), bias], mask, lambda one: symmetric(FIRST_BIAS if one in biases else FIRST)(one))
        for i, (bias, mask) in enumerate(zip(biases, masks, strict=True))
    ]
    output = units * last + shift
    sizes = {N: sp.Integer(width), H: sp.Integer(hidden), SQUARE_NORM: token.dot(token)}
    return WrittenOut({OUTPUT: output.dot(output), **sizes}, [*of_last, *of_shift, *groups])


@cache
def perceptron() -> Derivation:
    """Derive the mean square norm of a perceptron's output, for any variances of weights and biases."""
    return Derivation.begin(
        "Mean square of a perceptron", "The square norm of relu(x W_1 + b_1) W_2 + b_2.", OUTPUT
    ).then(
        "Average: half of the units are active.",
        N * (H * LAST * (FIRST * SQUARE_NORM + FIRST_BIAS) / 2 + LAST_BIAS),
        at_sizes(written, (1, 1), (1, 2), (2, 1)),
    )


@cache
def glorot_gain() -> Derivation:
    """Derive by what a perceptron with Glorot's weights and no biases multiplies the square norm."""
    variance = GLOROT.subs({FAN_IN: N, FAN_OUT: H})
    return (
        Derivation.begin(
            "Gain of a perceptron with Glorot's weights",
            "The mean square of its output over that of its input.",
            perceptron().result / SQUARE_NORM,
        )
        .then(
            "Without biases.",
            N * H * LAST * FIRST / 2,
            substituting({FIRST_BIAS: sp.S.Zero, LAST_BIAS: sp.S.Zero}),
        )
        .then(
            "Both matrices have the fans d and h.",
            2 * H * N / (N + H) ** 2,
            substituting({FIRST: variance, LAST: variance}),
        )
    )


@cache
def default_square() -> Derivation:
    """Derive the mean square of an entry of a perceptron of PyTorch's Linear layers, at a token with ||x||^2 = d."""
    return (
        Derivation.begin(
            "A perceptron with PyTorch's defaults",
            "The mean square of an entry of its output.",
            perceptron().result / N,
        )
        .then(
            "Weights and biases have the variance 1/(3 fan in).",
            (SQUARE_NORM + 1) / (18 * N) + 1 / (3 * H),
            substituting({FIRST: 1 / (3 * N), FIRST_BIAS: 1 / (3 * N), LAST: 1 / (3 * H), LAST_BIAS: 1 / (3 * H)}),
        )
        .then(
            "The token has the square norm d.",
            (1 + 1 / N) / 18 + 1 / (3 * H),
            substituting({SQUARE_NORM: N}),
        )
    )


def fused_variance(width: Value) -> sp.Expr:
    """Return the variance 1/(2 width) of queries', keys' and values' entries in torch.nn.MultiheadAttention."""
    return fused().at(n=positive_integer("width", width))


def logit_square() -> sp.Expr:
    """Return the mean square of its logits, for tokens whose square norm is their width."""
    return fused_logit().result


def logit_square_apart(width: Value, other: Value) -> sp.Expr:
    """Return the same where keys and values are of tokens of another width, and matrices are drawn one by one."""
    return separate_logit().at({N: positive_integer("width", width), OTHER: positive_integer("other", other)})


def perceptron_gain(width: Value, hidden: Value) -> sp.Expr:
    """Return what a perceptron with Glorot's weights multiplies the square norm by, in mean. Exact."""
    return glorot_gain().at(n=positive_integer("width", width), h=positive_integer("hidden", hidden))


def perceptron_square(width: Value, hidden: Value, square_norm: Value) -> sp.Expr:
    """Return the mean square of an entry behind two of PyTorch's Linear layers with ReLU between. Exact."""
    whole = default_square().steps[1].statement.subs(SQUARE_NORM, positive("square_norm", square_norm))
    return whole.subs({N: positive_integer("width", width), H: positive_integer("hidden", hidden)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    fused, fused_logit, separate_logit, perceptron, glorot_gain, default_square,
)  # fmt: skip
