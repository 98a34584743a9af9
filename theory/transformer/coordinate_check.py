r"""How far one step moves the output of a dense layer y = W x, at a fixed input x of d features: why muP divides rates.

g is the gradient of the loss in y. Exact at every width, for one sample.

- SGD at the rate eta moves y by -eta g ||x||^2 (`sgd`), Adam's first step (eps = 0), which moves every weight by eta
  against the sign of its gradient, by -eta sgn(g) sum_i |x_i| (`adam`).
- With standard normal features both sums are of the order of the width in mean: d for SGD (`sgd_growth`), and
  d sqrt(2/pi) for Adam (`adam_growth`). So with Adam a hidden layer needs a rate of order 1/d for a step that does not
  grow with the width. g, which for SGD depends on the width too, does not matter to Adam.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, real
from theory.expectation import gaussian
from theory.rules import equal
from theory.symbols import RATE, N, T
from theory.written_out import WrittenOut, at_sizes

MOVE, SQUARES, SIZES = sp.symbols(r"\Delta{y} \|x\|^2 \|x\|_1", real=True)
GRADIENT = sp.Symbol("g", real=True)


def _written(width: int, step: Callable[[sp.Expr], sp.Expr]) -> WrittenOut:
    """Write out what a step does to one output; each weight moves by `step` of its gradient."""
    features = sp.symbols(f"x_1:{width + 1}", real=True)
    weights = sp.symbols(f"w_1:{width + 1}", real=True)
    output = sum(w * x for w, x in zip(weights, features, strict=True))
    moved = {w: w - RATE * step(GRADIENT * sp.diff(output, w)) for w in weights}
    change = sp.expand(output.subs(moved, simultaneous=True) - output)
    return WrittenOut(
        {
            MOVE: change.replace(sp.sign, lambda of: sp.Mul(*map(sp.sign, sp.Mul.make_args(of)))),
            SQUARES: sum(x**2 for x in features),
            SIZES: sum(x * sp.sign(x) for x in features),
        },
        (),
    )


@cache
def sgd() -> Derivation:
    """Derive the move of an output by a step of SGD."""
    return Derivation.begin("A step of SGD on a dense layer", "The output after the step less that before.", MOVE).then(
        "Every weight moves by -eta g x_i.",
        -RATE * GRADIENT * SQUARES,
        at_sizes(lambda width: _written(width, lambda slope: slope), (1,), (2,), (3,)),
    )


@cache
def adam() -> Derivation:
    """Derive the move of an output by Adam's first step."""
    return Derivation.begin(
        "Adam's first step on a dense layer", "The output after the step less that before.", MOVE
    ).then(
        "Every weight moves by -eta sgn(g) sgn(x_i).",
        -RATE * sp.sign(GRADIENT) * SIZES,
        at_sizes(lambda width: _written(width, sp.sign), (1,), (2,), (3,)),
    )


def _growth(title: str, of: sp.Expr, now: sp.Expr) -> Derivation:
    return Derivation.begin(title, "Average over d standard normal features.", N * gaussian(of, T)).then(
        "Integrate.", now, lambda before, now: equal(before.doit(), now)
    )


@cache
def sgd_growth() -> Derivation:
    """Derive the mean of ||x||^2."""
    return _growth("Sum of squares of normal features", T**2, N)


@cache
def adam_growth() -> Derivation:
    """Derive the mean of sum |x_i|."""
    return _growth("Sum of sizes of normal features", sp.Abs(T), N * sp.sqrt(2 / sp.pi))


def sgd_move(rate: Value, gradient: Value, squares: Value) -> sp.Expr:
    """Return what a step of SGD adds to an output, `squares` being ||x||^2. Exact."""
    at = {RATE: positive("rate", rate), GRADIENT: real("gradient", gradient)}
    return sgd().at({**at, SQUARES: nonnegative("squares", squares)})


def adam_move(rate: Value, gradient: Value, sizes: Value) -> sp.Expr:
    """Return what Adam's first step adds to an output, `sizes` being sum |x_i|. Exact for eps = 0."""
    at = {RATE: positive("rate", rate), GRADIENT: real("gradient", gradient)}
    return adam().at({**at, SIZES: nonnegative("sizes", sizes)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (sgd, adam, sgd_growth, adam_growth)
