r"""A post-LN stream x' = LN(x + F): how long x + F is before the norm, and that no depth changes the law of it.

Behind a norm (epsilon 0, no gain) ||x||^2 = d. For Gaussian weights F is normal given its mean square r, whose law does
not depend on x either. So for n coordinates of x + sqrt(r) z:

- The Laplace transform of the square norm, at a given r, is (1 + 2 t r)^(-n/2) exp(-t ||x||^2 / (1 + 2 t r)): it knows
  ||x||^2 alone (`length`), and every block has the same.
- The mean square is (1 + r (1 - 1/n)) n at n coordinates of which the mean is taken away, ||x||^2 = n (`mean_length`):
  about 2 n at r = 1, so that wide norms divide squared gradients by 2. Exact at every width.
- Backwards through a perceptron "He, then LeCun" with its shortcut and its norm, for a cotangent v of the output with
  E v v^T = I: sigma^2 E||v'||^2 is ||Q (I + F')||^2, Q the projection of the norm, at most 2 (d - 1) in mean
  (`backwards`): shortcut and branch double what the norm halves. For Gaussian weights it is at least
  (d - 2) (1 + (1 - 1/d)(1 - 2/h)) - 1, by conditioning W_2 on its product F; that bound is not derived by machine, the
  tests sample it. So wide blocks keep squared gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.normalisation.layer_norm import SQUARE_NORM, WIDTH, centred
from theory.residual.block import block, square
from theory.rules import DerivationError, at_most, dropping, equal, opened, substituting
from theory.symbols import N
from theory.written_out import WrittenOut, at_sizes, matrix, normal

SIZE, AT = sp.symbols("r t", positive=True)
"""The mean square of the branch, and the variable of the transform."""
NORMAL = sp.Symbol("z", real=True)
START = sp.Symbol("x", real=True)
WHOLE, ALONG_ONES = sp.symbols(r"\|I+F'\|^2 \|(I+F')^{T}1\|^2/d", real=True)
ALONG_STREAM = sp.Symbol(r"\|(I+F')^{T}s\|^2/\|s\|^2", nonnegative=True)
LENGTH, KEPT = sp.symbols(r"\|P(x+F)\|^2 \|Px\|^2", nonnegative=True)


@cache
def length() -> Derivation:
    """Derive the Laplace transform of the square norm of x + sqrt(r) z in n coordinates."""
    density = sp.exp(-(NORMAL**2) / 2) / sp.sqrt(2 * sp.pi)
    one = sp.exp(-AT * START**2 / (1 + 2 * AT * SIZE)) / sp.sqrt(1 + 2 * AT * SIZE)
    scale = 1 + 2 * AT * SIZE
    return (
        Derivation.begin(
            "Length before a post-LN norm",
            "Average exp(-t (x + sqrt(r) z)^2) of one coordinate.",
            sp.Integral(sp.exp(-AT * (START + sp.sqrt(SIZE) * NORMAL) ** 2) * density, (NORMAL, -sp.oo, sp.oo)),
        )
        .then("Complete the square and integrate.", one, _completed)
        .then(
            "Coordinates are independent: multiply n of them.",
            scale ** (-N / 2) * sp.exp(-AT * SQUARE_NORM / scale),
            _multiplied,
        )
    )


def _completed(before: sp.Basic, now: sp.Basic) -> str:
    """Check the integral of a normal density about its own centre, which is 1."""
    scale = 1 + 2 * AT * SIZE
    centre = -2 * AT * START * sp.sqrt(SIZE) / scale
    own = sp.sqrt(scale / (2 * sp.pi)) * sp.exp(-scale * (NORMAL - centre) ** 2 / 2)
    integrand, _ = opened(before)
    return equal(sp.exp(sp.simplify(sp.expand_log(sp.log(integrand / (now * own)), force=True))), sp.S.One)


def _multiplied(before: sp.Basic, now: sp.Basic) -> str:
    for count in (1, 2, 3):
        some = sp.symbols(f"x_1:{count + 1}", real=True)
        found = sp.prod(before.subs(START, one) for one in some)
        whole = now.subs({SQUARE_NORM: sp.Add(*(one**2 for one in some)), N: count})
        if sp.simplify(found / whole) != 1:
            raise DerivationError(f"in {count} coordinates the transform is {found}, not {whole}")
    return "3 sizes"


def _written(width: int) -> WrittenOut:
    x = sp.Matrix(sp.symbols(f"x_1:{width + 1}", real=True))
    moved, groups = matrix("z", width, 1, normal(SIZE))
    after, before = centred(x + moved), centred(x)
    return WrittenOut({LENGTH: after.dot(after), KEPT: before.dot(before), N: sp.Integer(width)}, groups)


@cache
def mean_length() -> Derivation:
    """Derive the mean square of P (x + F), x behind a norm."""
    return (
        Derivation.begin("Mean square before a post-LN norm", "The square norm of P (x + F).", LENGTH)
        .then(
            "Average over the branch, normal of variance r.",
            KEPT + SIZE * (N - 1),
            at_sizes(_written, (1,), (2,), (3,)),
        )
        .then("x comes from a norm.", N + SIZE * (N - 1), substituting({KEPT: N}))
        .then(
            "Per coordinate: about 1 + r.",
            1 + SIZE * (1 - 1 / N),
            lambda before, now: equal(sp.expand(before / N), now),
        )
    )


def _pulled(width: int, hidden: int) -> WrittenOut:
    one = block(width, hidden, sp.S.One)
    back = one.pulled + one.v  # (I + F')^T v
    rows = [back.subs(dict(zip(one.v, axis, strict=True))) for axis in sp.eye(width).tolist()]
    ones = back.subs(dict.fromkeys(one.v, sp.S.One))
    stands_for = {WHOLE: sp.Add(*map(square, rows)), ALONG_ONES: square(ones) / width, WIDTH: sp.Integer(width)}
    return WrittenOut(stands_for, one.groups)


@cache
def backwards() -> Derivation:
    """Derive an upper bound of a squared gradient behind a post-LN block, times the variance that is divided by."""
    return (
        Derivation.begin(
            "A cotangent through a post-LN block",
            "Q takes two directions from I + F': that of the ones, and that of x + F less its mean, s.",
            WHOLE - ALONG_ONES - ALONG_STREAM,
        )
        .then(
            "Average over both layers and the masks; the part along s depends on them and stays.",
            2 * WIDTH - 2 - ALONG_STREAM,
            at_sizes(_pulled, (1, 1), (2, 1), (2, 2), (3, 1)),
        )
        .then(
            "A square is not negative.",
            at_most(2 * WIDTH - 2 - ALONG_STREAM, 2 * WIDTH - 2),
            dropping(-ALONG_STREAM),
        )
    )


def block_backwards(width: Value) -> sp.Expr:
    """Return 2 (d - 1), what E Var(x + F) ||v'||^2 is at most, for E v v^T = I. Nearly reached by wide blocks."""
    return backwards().at({WIDTH: positive_integer("width", width, least=2)})


def least_block_backwards(width: Value, hidden: Value) -> sp.Expr:
    """Return what it is at least, for Gaussian weights (see the module)."""
    width, hidden = positive_integer("width", width, least=3), positive_integer("hidden", hidden)
    return (width - 2) * (1 + (1 - 1 / width) * (1 - 2 / hidden)) - 1


def mean_square_before_norm(width: Value, size: Value = 1) -> sp.Expr:
    """Return E Var(x + F) over features, x behind a norm and F normal of mean square `size`. Exact at every width."""
    return mean_length().at({N: positive_integer("width", width), SIZE: nonnegative("size", size)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (length, mean_length, backwards)
