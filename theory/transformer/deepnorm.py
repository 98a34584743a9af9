r"""DeepNorm's two constants: the shortcut times alpha, the weights on the value path times beta (Wang et al. 2022).

A stack x -> LN(alpha x + G(x)) of S sublayers, each with two layers on the value path, whose gains are v and w. The
paper's bound on how far a step moves the output is sum (v^2 + w^2) / alpha^2 over the sublayers, up to constants, and
it asks that this be 1. That leaves one of two unknowns free; the paper's choices have alpha beta = 1/sqrt 2 in common,
which is taken as the second condition here. The bound itself is not derived here.

- One stack: alpha = S^(1/4), beta = (4S)^(-1/4) (`one_stack`, `one_stack_weights`). An encoder of N layers has S = 2N,
  so beta = (8N)^(-1/4); a decoder beside an encoder, of M layers, has S = 3M, so (12M)^(-1/4).
- An encoder beside a decoder moves the output through the decoder's cross-attention, whose share is
  M beta_d^2 / alpha_d. Where that times 4N beta^2 / alpha^2 is 1, alpha = 3^(-3/16) (N^4 M)^(1/16) (`encoder`) and beta
  = 3^(3/16) / sqrt 2 (N^4 M)^(-1/16) (`encoder_weights`): 0.8138 and 0.8689, which the paper rounds to 0.81 and 0.87.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import equal, solving, substituting

ALPHA, BETA = sp.symbols("alpha beta", positive=True)
"""What multiplies the shortcut, and the weights on the value path."""
SUBLAYERS, ENCODER, DECODER = sp.symbols("S N M", positive=True)
"""The number of residual branches of one stack, and of layers of an encoder and a decoder."""
GAINS = sp.symbols("v w", positive=True)
OWN_ALPHA, OWN_BETA = sp.symbols("alpha_d beta_d", positive=True)
"""The decoder's constants."""
SPLIT = 1 / (sp.sqrt(2) * ALPHA)
"""beta, where alpha beta = 1/sqrt 2."""


@cache
def one_stack() -> Derivation:
    """Derive alpha of one stack."""
    v, w = GAINS
    return (
        Derivation.begin(
            "DeepNorm's factor of the shortcut",
            "The bound on a step, the same share for every sublayer, is to be 1.",
            sp.Eq(SUBLAYERS * (v**2 + w**2) / ALPHA**2, 1),
        )
        .then(
            "Both layers have the gain beta.",
            sp.Eq(2 * SUBLAYERS * BETA**2 / ALPHA**2, 1),
            substituting({v: BETA, w: BETA}),
        )
        .then("alpha beta = 1/sqrt 2.", sp.Eq(SUBLAYERS / ALPHA**4, 1), substituting({BETA: SPLIT}))
        .then("Solve.", sp.Eq(ALPHA, SUBLAYERS ** sp.Rational(1, 4)), solving(ALPHA))
    )


def _with_alpha(alpha: sp.Expr) -> Callable[[sp.Basic, sp.Basic], str]:
    return lambda before, now: equal(before.subs(ALPHA, alpha), now)


@cache
def one_stack_weights() -> Derivation:
    """Derive beta of one stack."""
    return Derivation.begin("DeepNorm's factor of the weights", "beta is 1 / (sqrt 2 alpha).", SPLIT).then(
        "Put alpha in.", (4 * SUBLAYERS) ** -sp.Rational(1, 4), _with_alpha(one_stack().result)
    )


@cache
def encoder() -> Derivation:
    """Derive alpha of an encoder beside a decoder."""
    share = DECODER * OWN_BETA**2 / OWN_ALPHA
    own = {SUBLAYERS: 3 * DECODER}
    return (
        Derivation.begin(
            "DeepNorm's encoder beside a decoder",
            "The share of cross-attention times the sum over the encoder's 2N sublayers is to be 1.",
            sp.Eq(share * 2 * ENCODER * 2 * BETA**2 / ALPHA**2, 1),
        )
        .then(
            "The decoder's constants are those of a stack of 3M sublayers.",
            sp.Eq(2 * ENCODER * BETA**2 / ALPHA**2 * 3 ** -sp.Rational(3, 4) * DECODER ** sp.Rational(1, 4), 1),
            substituting({OWN_ALPHA: one_stack().result.subs(own), OWN_BETA: one_stack_weights().result.subs(own)}),
        )
        .then(
            "alpha beta = 1/sqrt 2.",
            sp.Eq(ENCODER / ALPHA**4 * 3 ** -sp.Rational(3, 4) * DECODER ** sp.Rational(1, 4), 1),
            substituting({BETA: SPLIT}),
        )
        .then(
            "Solve.",
            sp.Eq(ALPHA, 3 ** -sp.Rational(3, 16) * ENCODER ** sp.Rational(1, 4) * DECODER ** sp.Rational(1, 16)),
            solving(ALPHA),
        )
    )


@cache
def encoder_weights() -> Derivation:
    """Derive beta of an encoder beside a decoder."""
    depth = ENCODER ** sp.Rational(1, 4) * DECODER ** sp.Rational(1, 16)
    return Derivation.begin("DeepNorm's encoder: the weights", "beta is 1 / (sqrt 2 alpha).", SPLIT).then(
        "Put alpha in.", 3 ** sp.Rational(3, 16) / sp.sqrt(2) / depth, _with_alpha(encoder().result)
    )


def stack_constants(sublayers: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return DeepNorm's alpha and beta of a stack with so many residual branches.

    An encoder alone, or a decoder alone, has two to a layer; a decoder beside an encoder three.
    """
    at = {SUBLAYERS: positive_integer("sublayers", sublayers)}
    return one_stack().at(at), one_stack_weights().at(at)


def encoder_constants(encoder_layers: Value, decoder_layers: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return DeepNorm's alpha and beta of an encoder beside a decoder, not rounded."""
    at = {
        ENCODER: positive_integer("encoder_layers", encoder_layers),
        DECODER: positive_integer("decoder_layers", decoder_layers),
    }
    return encoder().at(at), encoder_weights().at(at)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (one_stack, one_stack_weights, encoder, encoder_weights)
