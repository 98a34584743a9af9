r"""A post-LN stream x' = LN(x + F): how long x + F is before the norm, and that no depth changes the law of it.

Behind a norm (epsilon 0, no gain) ||x||^2 = d. For Gaussian weights F is normal given its mean square r, whose law does
not depend on x either. So for n coordinates of x + sqrt(r) z:

- The Laplace transform of the square norm, at a given r, is (1 + 2 t r)^(-n/2) exp(-t ||x||^2 / (1 + 2 t r)): it knows
  ||x||^2 alone (`length`), and every block has the same.
- The mean square is (1 + r (1 - 1/n)) n at n coordinates of which the mean is taken away, ||x||^2 = n (`mean_length`):
  about 2 n at r = 1, so that wide norms divide squared gradients by 2. Exact at every width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.normalisation.layer_norm import SQUARE_NORM, centred
from theory.rules import DerivationError, equal, opened, substituting
from theory.symbols import N
from theory.written_out import WrittenOut, at_sizes, matrix, normal

SIZE, AT = sp.symbols("r t", positive=True)
"""The mean square of the branch, and the variable of the transform."""
NORMAL = sp.Symbol("z", real=True)
START = sp.Symbol("x", real=True)
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


def mean_square_before_norm(width: Value, size: Value = 1) -> sp.Expr:
    """Return E Var(x + F) over features, x behind a norm and F normal of mean square `size`. Exact at every width."""
    return mean_length().at({N: positive_integer("width", width), SIZE: nonnegative("size", size)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (length, mean_length)
