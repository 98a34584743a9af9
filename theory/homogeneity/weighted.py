r"""Weighted positive homogeneity: f(c^w_1 theta_1, c^w_2 theta_2, ...) = c^k f(theta) for every c > 0.

Exact; nothing is averaged.

- Euler's identity with exponents: sum_g w_g <grad_g f, theta_g> = k f (`euler`).
- Exponents of an encoder-decoder without norms and biases, of N and M layers: the logits of every softmax must have
  exponent 0, and both sides of every addition the same. Of 3 + 6 N + 10 M groups of parameters 3 N + 5 M conditions
  leave a space of dimension 3 + 3 N + 5 M (`dimension`).
- Of exponents 0 and 1, a p.h. set, one choice fulfils them with k = 1: the output layer alone (`sets`, one layer on
  either side): Fixup's figure 2 has three kinds of sets in a residual net, a Transformer has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import DerivationError, differentiated
from theory.symbols import C

ENCODER, DECODER = sp.symbols("N M", integer=True, positive=True)
COUNT, DIMENSION = sp.symbols("S dim", integer=True, positive=True)
SOURCE, TARGET, READOUT, DEGREE = sp.symbols("e d o k", integer=True)
"""Exponents of the two embeddings (tokens and positions), of the output layer, and of the logits."""


@cache
def euler() -> Derivation:
    """Derive Euler's identity with exponents, of two groups of parameters; more add like terms."""
    x, y = sp.symbols("x y", positive=True)
    first, second, k = sp.symbols("w_1 w_2 k", real=True)
    f = sp.Function("f")
    slopes = first * x * sp.Derivative(f(x, y), x) + second * y * sp.Derivative(f(x, y), y)
    return Derivation.begin(
        "Euler's identity with exponents",
        "Let f be differentiable, and c^k times as large where its groups of parameters are c^w times as large.",
        sp.Eq(f(C**first * x, C**second * y), C**k * f(x, y)),
    ).then("Differentiate in c at c = 1.", sp.Eq(slopes, k * f(x, y)), differentiated(C, 1))


def conditions(encoder: int, decoder: int) -> Iterator[sp.Expr]:
    """Yield what must be 0: sums of the exponents of an encoder-decoder without norms and biases.

    A layer has W_Q, W_K, W_V, W_O and the two matrices of its perceptron, of a decoder also those of cross-attention.
    """

    def attention(name: str, queries: sp.Expr, source: sp.Expr, stream: sp.Expr) -> Iterator[sp.Expr]:
        query, key, value, output = sp.symbols(" ".join(f"{name}{part}" for part in "QKVO"), integer=True)
        yield query + key + queries + source  # the logits
        yield value + output + source - stream  # the addition

    for layer in range(encoder):
        yield from attention(f"E{layer}", SOURCE, SOURCE, SOURCE)
        yield sp.Add(*sp.symbols(f"E{layer}_1 E{layer}_2", integer=True))
    for layer in range(decoder):
        yield from attention(f"D{layer}", TARGET, TARGET, TARGET)
        yield from attention(f"X{layer}", TARGET, SOURCE, TARGET)
        yield sp.Add(*sp.symbols(f"D{layer}_1 D{layer}_2", integer=True))
    yield TARGET + READOUT - DEGREE


def _groups(encoder: int, decoder: int) -> list[sp.Symbol]:
    symbols = set().union(*(condition.free_symbols for condition in conditions(encoder, decoder)))
    return sorted(symbols - {DEGREE}, key=str)


@cache
def dimension() -> Derivation:
    """Derive the dimension of the space of exponents."""

    def rank(before: sp.Basic, now: sp.Basic) -> str:
        sizes = [(1, 1), (2, 1), (1, 2), (2, 3)]
        for encoder, decoder in sizes:
            unknown = [*_groups(encoder, decoder), DEGREE]
            matrix, _ = sp.linear_eq_to_matrix(list(conditions(encoder, decoder)), unknown)
            found = before.subs(DIMENSION, len(unknown) - matrix.rank())
            if found != now.subs({ENCODER: encoder, DECODER: decoder}):
                raise DerivationError(f"{encoder} and {decoder} layers: the dimension is {found}, not {now}")
        return f"{len(sizes)} sizes"

    return Derivation.begin(
        "Exponents of an encoder-decoder",
        "The unknown exponents of all groups and of the logits, less the rank of the conditions.",
        DIMENSION,
    ).then("Count them, and eliminate.", 3 + 3 * ENCODER + 5 * DECODER, rank)


@cache
def sets() -> Derivation:
    """Derive how many p.h. sets an encoder-decoder of one layer on either side has."""
    return Derivation.begin(
        "Positively homogeneous sets of a Transformer",
        "The number S of choices of exponents 0 and 1, of all groups and of the logits, that fulfil the conditions.",
        COUNT,
    ).then(
        "Exponents of 0 or 1 that add up to 0 are 0: this stops perceptrons, values and outputs, and with softmax' "
        "logits queries, keys and embeddings. Left are no group at all (k = 0) and the output layer alone (k = 1).",
        sp.Integer(2),
        _solutions,
    )


def _solutions(before: sp.Basic, now: sp.Basic) -> str:
    """Count the solutions among 2^20 choices, group by group and condition by condition."""
    choices: list[dict[sp.Symbol, int]] = [{}]
    for condition in conditions(1, 1):
        for symbol in sorted(condition.free_symbols - set(choices[0]), key=str):
            choices = [{**choice, symbol: exponent} for choice in choices for exponent in (0, 1)]
        choices = [choice for choice in choices if condition.subs(choice) == 0]
    scaled = [{symbol for symbol, exponent in choice.items() if exponent} for choice in choices]
    if before.subs(COUNT, len(choices)) != now or scaled != [set(), {READOUT, DEGREE}]:
        raise DerivationError(f"the scaled groups are {scaled}, which is not {now}")
    return "1 sizes"


def exponents(encoder: Value, decoder: Value) -> sp.Expr:
    """Return the dimension of the space of exponents of an encoder-decoder without norms and biases."""
    encoder, decoder = positive_integer("encoder", encoder), positive_integer("decoder", decoder)
    return dimension().at({ENCODER: encoder, DECODER: decoder})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (euler, dimension, sets)
