r"""The tokens of causal attention in a stack, forwards: x' = x + F(y), y = LN(x) (pre-LN) or y = x (no norm).

Values and outputs of attention have LeCun's variances, perceptrons are "He, then LeCun" (eta = 1); epsilon is 0 and LN
has no gain. Over symmetric weights, at a fixed input; exact at every width d and head width.

- The first token has one key, so its softmax is 1: behind LN attention adds d to its square norm (`first_token`).
- Later tokens get a^T G a, the square norm of an average of vectors of square norm d: at most d (`later_token`).
- N pre-LN layers leave the first token with ||x_0||^2 + 2 N d (`layers`).
- Without norms both branches double it: 4^N ||x_0||^2 (`unnormalised`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.normalisation.layer_norm import SQUARE_NORM, WIDTH
from theory.residual.block import INNER, NORM, OUTPUT, square
from theory.rules import at_most, dropping, equal, recursion, substituting
from theory.symbols import ETA
from theory.transformer.streams import SIZES, START, branch, count, norms, stream
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

GRAM, WEIGHTED = sp.symbols(r"a^{T}Ga \sum{a_j\|y_j\|^2}", real=True)
APART = sp.Symbol(r"\sum{a_ia_j\|y_i-y_j\|^2}", nonnegative=True)
LAYERS = sp.Symbol("N", integer=True, nonnegative=True)


def one_key(width: int, head: int) -> WrittenOut:
    """Write out attention over one key: its softmax is exp(l) / exp(l)."""
    y, logit = sp.Matrix(sp.symbols(f"x_1:{width + 1}", real=True)), sp.Symbol("l", real=True)
    values, of_values = matrix("v", head, width, symmetric(sp.Rational(1, width)))
    outputs, of_outputs = matrix("o", width, head, symmetric(sp.Rational(1, head)))
    weight = sp.exp(logit) / sp.exp(logit)
    return WrittenOut(norms(stream(width), y, weight * outputs * values * y), [*of_values, *of_outputs])


@cache
def first_token() -> Derivation:
    """Derive the mean square norm behind causal attention, at the first token."""
    return (
        Derivation.begin("The first token behind attention", "Expand ||x + F||^2.", NORM + 2 * INNER + OUTPUT)
        .then(
            "The softmax over one key is 1: attention is linear, W_O W_V. Average over both.",
            NORM + SQUARE_NORM,
            at_sizes(one_key, *SIZES),
        )
        .then("Its input is normalised: d.", NORM + WIDTH, substituting({SQUARE_NORM: WIDTH}))
    )


def _averaged_tokens(positions: int, width: int) -> WrittenOut:
    """Write out an average of vectors with weights that add up to 1."""
    *some, _ = weights = list(sp.symbols(f"a_1:{positions + 1}", nonnegative=True))
    weights = [*some, 1 - sp.Add(*some)]
    y = [sp.Matrix(width, 1, lambda i, _, j=j: sp.Symbol(f"y_{i}{j}", real=True)) for j in range(positions)]
    average = sum((a * one for a, one in zip(weights, y, strict=True)), sp.zeros(width, 1))
    pairs = product(range(positions), repeat=2)
    apart = sp.Add(*(weights[i] * weights[j] * square(y[i] - y[j]) for i, j in pairs))
    whole = sp.Add(*(a * square(one) for a, one in zip(weights, y, strict=True)))
    return WrittenOut({GRAM: square(average), WEIGHTED: whole, APART: apart}, ())


@cache
def later_token() -> Derivation:
    """Derive the bound of what attention adds at any token: a^T G a, by the variances of `theory.attention.outputs`."""
    return (
        Derivation.begin(
            "A later token behind attention", "The square norm of the average of the normalised tokens.", GRAM
        )
        .then(
            "It is the average of the square norms less half that of the squared distances.",
            WEIGHTED - APART / 2,
            at_sizes(_averaged_tokens, (1, 1), (2, 1), (2, 2), (3, 1)),
        )
        .then("All tokens have the square norm d.", WIDTH - APART / 2, substituting({WEIGHTED: WIDTH}))
        .then("Squared distances are not negative.", at_most(WIDTH - APART / 2, WIDTH), dropping(-APART / 2))
    )


@cache
def layers() -> Derivation:
    """Derive the mean square norm of the first token after N layers of attention and perceptron."""
    q = sp.Function("q")
    return (
        Derivation.begin(
            "The first token of a pre-LN stack",
            "Attention adds d to it, and the perceptron (eta = 1) adds d again.",
            sp.Eq(q(LAYERS + 1), branch().at({ETA: 1, NORM: first_token().at({NORM: q(LAYERS)})})),
        )
        .then("Two branches a layer.", sp.Eq(q(LAYERS + 1), q(LAYERS) + 2 * WIDTH))
        .then("Solve from ||x_0||^2.", sp.Eq(q(LAYERS), START + 2 * LAYERS * WIDTH), recursion(LAYERS, START))
    )


def _over_norm(before: sp.Basic, now: sp.Basic) -> str:
    return equal(sp.expand(before / NORM), now)


@cache
def unnormalised() -> Derivation:
    """Derive the growth of the first token in a layer without norms."""
    attention, perceptrons = (one().steps[1].statement.subs(SQUARE_NORM, NORM) for one in (first_token, branch))
    return (
        Derivation.begin(
            "The first token without norms",
            "Attention and perceptron (eta = 1) add as much as the stream has.",
            perceptrons.subs({ETA: 1, NORM: attention}),
        )
        .then("Divide by the square norm before: each doubles it.", sp.Integer(4), _over_norm)
        .then("N layers multiply.", sp.Integer(4) ** LAYERS, _power)
    )


def _power(before: sp.Basic, now: sp.Basic) -> str:
    return equal(before**LAYERS, now)


def first_token_norm(start: Value, width: Value, depth: Value) -> sp.Expr:
    """Return E||x||^2 of the first token after `depth` pre-LN layers of causal attention and a perceptron. Exact."""
    values = {START: nonnegative("start", start), WIDTH: positive_integer("width", width)}
    return layers().at(values | {LAYERS: count(depth)})


def unnormalised_growth(depth: Value) -> sp.Expr:
    """Return E||x||^2 / ||x_0||^2 of the first token after `depth` layers without norms. Exact at every width."""
    return unnormalised().at({LAYERS: count(depth)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (first_token, later_token, layers, unnormalised)
