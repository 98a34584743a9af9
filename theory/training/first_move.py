r"""How the first step of training moves the square norm at each depth, on average over weights and readout.

A readout V of mean 0 and variance s^2, c outputs, targets y that do not depend on it, the loss ||V x_L - y||^2 / 2 at
one input; g is the factor by which a layer multiplies the mean square norm (He: 1, Xavier at equal widths: 1/2).

- Over V the gradient at x_L is c s^2 x_L: the step descends c s^2 ||x_L||^2 / 2, whatever y (`over_readouts`).
- d||x_l||^2/dt is then -2 c s^2 times the inner product of the gradients of ||x_L||^2 / 2 and ||x_l||^2 / 2 in the
  weights up to l. The gradient in a layer is D p x^T, x its input, D its mask, p the gradient at its output. Along that
  output p is known by Euler's identity; across it the weights above are normal and independent of all else. So with
  He's variance the mean of ||D p||^2, d layers below x_l, is b_d (`masked`, `in_depth`), and the inner product is the
  sum tau_l over layers (`move`); with g it is g^(L + l - 1) tau_l (`scaled`). Plain ReLU nets, exact at any width n.
- Wide: tau_l = l (l + 1) / 2 (`wide`), of the square of the depth; Fixup's zeros leave h l / (n L) (`fixup`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from math import comb, prod

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.expectation import active_moments, averaged, chi_square_moments
from theory.rules import equal, recursion
from theory.symbols import ACTIVE, BLOCKS, DEPTH, EPSILON, H, N
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

GROWTH = sp.Symbol("g", positive=True)
OUTPUTS, READOUT = sp.Symbol("c", integer=True, positive=True), sp.Symbol("s^2", positive=True)
COTANGENT, STATE = sp.symbols("(V^T(V*x_L-y))_1 x_L1", real=True)
CHI, OTHER_CHI = sp.symbols("T T'", nonnegative=True)
FOURTH, MASKED, TAU = sp.symbols("R b tau", nonnegative=True)
"""||x_l||^4 and the squared norm of p behind the mask, in units of the state that both start from; their sum."""
KEPT, SPREAD = 1 - 1 / N, 1 + 5 / N
"""Factors of a layer of He's variance: of what lies across its output, and of the fourth power of a norm."""
J = sp.Symbol("j", integer=True, nonnegative=True)


@cache
def over_readouts() -> Derivation:
    """Derive the mean gradient at the last state."""
    return Derivation.begin(
        "Gradient at the last state", "The first entry of V^T (V x_L - y), y fixed.", COTANGENT
    ).then(
        "Average over V: of mean 0, uncorrelated.",
        OUTPUTS * READOUT * STATE,
        at_sizes(_readout, (1, 1), (1, 2), (2, 1), (2, 2), (3, 2)),
    )


def _readout(outputs: int, width: int) -> WrittenOut:
    entries, groups = matrix("v", outputs, width, symmetric(READOUT))
    state = sp.Matrix(sp.symbols(f"x_1:{width + 1}", real=True))
    targets = sp.Matrix(sp.symbols(f"y_1:{outputs + 1}", real=True))
    cotangent = entries.T * (entries * state - targets)
    return WrittenOut({COTANGENT: cotangent[0], STATE: state[0], OUTPUTS: sp.Integer(outputs)}, groups)


@cache
def masked() -> Derivation:
    """Derive the mean square of p behind the mask of a layer from that of the layer above."""
    given = {CHI: chi_square_moments(ACTIVE), OTHER_CHI: chi_square_moments(ACTIVE - 1)}
    return (
        Derivation.begin(
            "Gradient behind a mask",
            "The layer's output has the square (2/n) T. Along it p has the square R; across it the weights above are "
            "normal, and the mask keeps K - 1 of their directions: (2/n) T' b.",
            2 / N * CHI * (FOURTH + 2 / N * OTHER_CHI * MASKED),
        )
        .then(
            "Average over weights given the mask: T and T' are chi-square, with K and K - 1 degrees.",
            2 / N * ACTIVE * (FOURTH + 2 / N * (ACTIVE - 1) * MASKED),
            averaged(given),
        )
        .then("Average over the mask.", FOURTH + KEPT * MASKED, averaged({ACTIVE: active_moments(N)}))
    )


@cache
def in_depth() -> Derivation:
    """Derive the mean square of p behind the mask, d layers below x_l."""
    b = sp.Function("b")
    return Derivation.begin(
        "Gradient behind a mask in depth",
        "Each layer multiplies the fourth power by 1 + 5/n and adds to b; at x_l itself nothing lies across.",
        sp.Eq(b(DEPTH + 1), SPREAD**DEPTH + KEPT * b(DEPTH)),
    ).then("Solve from 0.", sp.Eq(b(DEPTH), N / 6 * (SPREAD**DEPTH - KEPT**DEPTH)), recursion(DEPTH, sp.S.Zero))


@cache
def move() -> Derivation:
    """Derive tau_l, the mean squared gradient of ||x_l||^2 / 2 in all weights below, in units of ||x_0||^4."""
    tau = sp.Function("tau")
    own = in_depth().result.subs(DEPTH, DEPTH + 1)
    return Derivation.begin(
        "Squared gradient of half a square norm",
        "A layer contributes b times the fourth power of its input. One more layer below multiplies all others' by "
        "1 + 5/n, and adds its own.",
        sp.Eq(tau(DEPTH + 1), SPREAD * tau(DEPTH) + own),
    ).then(
        "Solve from 0.",
        sp.Eq(tau(DEPTH), N / 6 * (DEPTH * SPREAD**DEPTH - (N - 1) / 6 * (SPREAD**DEPTH - KEPT**DEPTH))),
        recursion(DEPTH, sp.S.Zero),
    )


@cache
def scaled() -> Derivation:
    """Derive the inner product for weights of another variance."""
    half = sp.Rational(1, 2)
    return Derivation.begin(
        "Another variance",
        "All weights are sqrt g times as large: the gradients of ||x_L||^2 / 2 and ||x_l||^2 / 2 in a layer have one "
        "degree less than these, which have degree 2 in each layer.",
        GROWTH ** (BLOCKS - half) * GROWTH ** (DEPTH - half) * TAU,
    ).then("Collect the powers.", GROWTH ** (BLOCKS + DEPTH - 1) * TAU)


@cache
def wide() -> Derivation:
    """Derive tau_l in the limit of wide layers, from its own recursion there."""
    tau = sp.Function("tau")
    return (
        Derivation.begin(
            "Wide layers",
            "The recursion of tau_l, b_(l+1) written as a sum over layers.",
            sp.Eq(tau(DEPTH + 1), SPREAD * tau(DEPTH) + sp.Sum(SPREAD**J * KEPT ** (DEPTH - J), (J, 0, DEPTH))),
        )
        .then(
            "Let the width grow: 1 + 5/n and 1 - 1/n tend to 1.",
            sp.Eq(tau(DEPTH + 1), tau(DEPTH) + sp.Sum(1, (J, 0, DEPTH))),
            lambda before, now: equal(
                sp.Eq(before.lhs, before.rhs.subs(N, 1 / EPSILON).subs(EPSILON, 0), evaluate=False), now
            ),
        )
        .then("Solve from 0.", sp.Eq(tau(DEPTH), DEPTH * (DEPTH + 1) / 2), recursion(DEPTH, sp.S.Zero))
    )


@cache
def fixup() -> Derivation:
    """Derive the same behind the zeros of l blocks of a Fixup net, branches of two layers."""
    return (
        Derivation.begin(
            "First move under Fixup",
            "Last layers alone move: each of l blocks adds the square of its h hidden units, of variance 2 / (n L).",
            DEPTH * 2 / (N * BLOCKS) * CHI,
        )
        .then("Average over weights given the mask.", DEPTH * 2 / (N * BLOCKS) * ACTIVE, averaged(_units()))
        .then("Average over the mask.", H * DEPTH / (N * BLOCKS), averaged({ACTIVE: active_moments(H)}))
    )


def _units() -> dict[sp.Symbol, Callable[[int], sp.Expr]]:
    return {CHI: chi_square_moments(ACTIVE)}


def plain_move(depth: Value, layers: Value, width: Value, growth: Value) -> sp.Expr:
    """Return -1 / (2 c s^2) of the mean of d||x_depth||^2/dt over ||x_0||^4, in a plain Gaussian ReLU net. Exact.

    Parameters
    ----------
    depth, layers : int
        l and L, the layers below the state and those of the whole net.
    width : int
        Of every layer and of the input.
    growth : number
        g, by which a layer multiplies the mean square norm: n / 2 times the variance of its weights.

    Raises
    ------
    ValueError
        If a size is not a positive integer or `growth` is not positive.
    """
    below, whole = positive_integer("depth", depth), positive_integer("layers", layers)
    tau = move().at({DEPTH: below, N: positive_integer("width", width)})
    return scaled().at({DEPTH: below, BLOCKS: whole, GROWTH: positive("growth", growth), TAU: tau})


def fixup_move(depth: Value, blocks: Value, width: Value, hidden: Value) -> sp.Expr:
    """Return the same of a residual net whose last branch layers are 0, at Fixup's scale: h l / (n L). Exact.

    Raises
    ------
    ValueError
        If a number is not a positive integer.
    """
    sizes = {DEPTH: positive_integer("depth", depth), BLOCKS: positive_integer("blocks", blocks)}
    return fixup().at({**sizes, N: positive_integer("width", width), H: positive_integer("hidden", hidden)})


def plain_move_second_moment(depth: int, layers: int, width: int) -> sp.Expr:
    """Return an upper bound on the second moment of what `plain_move` averages over the weights, at growth 1.

    The inner product is a sum over layers of terms whose squares have means of at most the geometric mean of those at
    `depth` and at `layers` (Cauchy and Schwarz); the root of the second moment of a sum is at most the sum of roots.
    """
    n, below, whole = (
        int(positive_integer(name, value)) for name, value in (("width", width), ("depth", depth), ("layers", layers))
    )
    eighth = _layer(4, [Fraction(1)] * (n + 1))
    terms = (eighth ** (2 * at) * _term(below - at, n) * _term(whole - at, n) for at in range(below))
    return sp.Add(*(sp.Rational(term) ** sp.Rational(1, 4) for term in terms)) ** 2


def _term(depth: int, width: int) -> Fraction:
    """Return the second moment of ||D p||^2 in units of the input, that many layers below."""
    scale, active = Fraction(2, width), range(width + 1)
    fourth, mixed, square = Fraction(1), Fraction(0), Fraction(0)
    for _ in range(depth):  # moments of R^2, R b and b^2, each from those of the layer above
        fourth, mixed, square = (
            _layer(4, [fourth for _ in active]),
            _layer(3, [fourth + scale * (k - 1) * mixed for k in active]),
            _layer(2, [fourth + 2 * scale * (k - 1) * mixed + scale**2 * (k**2 - 1) * square for k in active]),
        )
    return square


def _layer(order: int, given: Sequence[Fraction]) -> Fraction:
    """Average ((2/n) T)^order times what is `given` each K from 0 to n, T chi-square with K degrees of freedom."""
    width = len(given) - 1
    total = Fraction(0)
    for k, value in enumerate(given):
        total += Fraction(comb(width, k), 2**width) * prod(range(k, k + 2 * order, 2)) * value
    return Fraction(2, width) ** order * total


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    over_readouts,
    masked,
    in_depth,
    move,
    scaled,
    wide,
    fixup,
)
