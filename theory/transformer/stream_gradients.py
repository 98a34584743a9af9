r"""Gradients in a pre-LN stream of perceptrons "He, then LeCun"; epsilon is 0 and LN has no gain.

- One block backwards, over symmetric weights, at a fixed input and cotangent v: E||v + J F'^T v||^2 = (1 + (d - 2) /
  (d Var x)) ||v||^2 (`one_block`), Var x over the features. From two blocks on v depends on the weights above.
- Gaussian weights make the stream a random walk: LN has the square norm d whatever the stream, so given the past F is
  N(0, r I), r = (2/h) sum relu(z_j)^2 of h standard normals z_j (`transform` gives E exp(-t r)), and r is independent
  of the past.
- So for an input N(0, V_0 I), L blocks, a last LN and a cotangent v of that LN with E v v^T = I, the gradient of the
  last W_2 (h x d) is E||dW_2||^2 = h d (d - 2) / (d - 3) E r / (V_0 + S), S the sum of L such r (`last_layer`). That
  mean is (1 - V_0 E 1/(V_0 + S)) / L (`share`), at most 1 / (V_0 + L) (`inverse`), and that in the limit of large h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import mpmath
import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.expectation import averaged
from theory.normalisation.layer_norm import SQUARE_NORM, WIDTH, centred
from theory.normalisation.norm_gradients import DEVIATION, INPUT, over_inputs
from theory.residual.block import COTANGENT, block, square
from theory.rules import at_least, dropping, equal, naming, substituting
from theory.symbols import BLOCKS, H, T
from theory.written_out import WrittenOut, at_sizes

ACROSS, PULLED = sp.symbols("v^{T}Qh h^{T}Qh", real=True)
INVERSE_ROOT = sp.Symbol("1/sigma", positive=True)
START, TOTAL, MEAN = sp.symbols("V_0 X m", positive=True)
"""Variance of the input, and of the stream before the last LN, with its mean."""
REST = sp.Symbol("R", nonnegative=True)
SIZE, SUM = sp.symbols("r S", positive=True)
AT = sp.Symbol("t", positive=True)
SHARE, INVERSE = sp.symbols(r"E\frac{r}{V_0+S} E\frac{1}{V_0+S}", positive=True)
EACH = sp.IndexedBase("r", positive=True)
PLACE = sp.Symbol("l", integer=True, positive=True)


def _written(width: int, hidden: int) -> WrittenOut:
    """Write out the cotangent at a block's input; the normalised input has the sum 0, and masks are those there."""
    one, (*most, _) = block(width, hidden, sp.S.One), sp.symbols(f"y_1:{width + 1}", real=True)
    y = sp.Matrix([*most, -sp.Add(*most)])
    kept = centred(one.pulled)  # Q h = P h - y (y.h) / d, and Q^2 = Q where ||y||^2 = d
    passed = kept - y * y.dot(one.pulled) / width
    stands_for = {
        COTANGENT: square(one.v), ACROSS: one.v.dot(passed), PULLED: one.pulled.dot(passed),
        SQUARE_NORM: square(y), WIDTH: sp.Integer(width),
    }  # fmt: skip
    return WrittenOut(stands_for, one.groups)


@cache
def one_block() -> Derivation:
    """Derive the growth of a cotangent through one pre-LN block."""
    return (
        Derivation.begin(
            "A cotangent through a pre-LN block",
            "Expand ||v + J h||^2, h = F'^T v; sigma J is the symmetric projection Q = P - y y^T/d, so ||J h||^2 = "
            "h^T Q h / sigma^2.",
            COTANGENT + 2 * ACROSS * INVERSE_ROOT + PULLED * INVERSE_ROOT**2,
        )
        .then(
            "Average over both layers and the masks: the last layer has mean 0, and h has uncorrelated coordinates of "
            "mean square ||v||^2 / d.",
            COTANGENT + COTANGENT / WIDTH * (WIDTH - 1 - SQUARE_NORM / WIDTH) * INVERSE_ROOT**2,
            at_sizes(_written, (2, 1), (2, 2), (3, 1), (3, 2)),
        )
        .then(
            "The normalised input has the square norm d.",
            COTANGENT + COTANGENT / WIDTH * (WIDTH - 2) / DEVIATION,
            substituting({SQUARE_NORM: WIDTH, INVERSE_ROOT: 1 / sp.sqrt(DEVIATION)}),
        )
        .then(
            "Divide by ||v||^2.",
            1 + (WIDTH - 2) / (WIDTH * DEVIATION),
            lambda before, now: equal(sp.expand(before / COTANGENT), now),
        )
    )


@cache
def transform() -> Derivation:
    """Derive the Laplace transform of one unit's part of r, (2/h) relu(z)^2."""
    active = sp.exp(-(T**2) * (1 + 4 * AT / H) / 2) / sp.sqrt(2 * sp.pi)
    return (
        Derivation.begin(
            "Laplace transform of a branch's mean square",
            "A unit is inactive with probability 1/2; else average exp(-2 t z^2 / h) over the positive half line.",
            sp.Rational(1, 2) + sp.Integral(active, (T, 0, sp.oo)),
        )
        .then("Integrate.", (1 + 1 / sp.sqrt(1 + 4 * AT / H)) / 2)
        .then(
            "The h units are independent.",
            ((1 + 1 / sp.sqrt(1 + 4 * AT / H)) / 2) ** H,
            lambda before, now: equal(before**H, now),
        )
    )


@cache
def inverse() -> Derivation:
    """Derive a lower bound of E 1/X, X = V_0 + S, which is Jensen's, with what it leaves out."""
    return (
        Derivation.begin("Mean of one over the stream's variance", "One over X.", 1 / TOTAL)
        .then(
            "Exactly: the tangent at m, and a rest.",
            2 / MEAN - TOTAL / MEAN**2 + (TOTAL - MEAN) ** 2 / (MEAN**2 * TOTAL),
        )
        .then(
            "Name the rest R, which is not negative.",
            2 / MEAN - TOTAL / MEAN**2 + REST,
            naming({REST: (TOTAL - MEAN) ** 2 / (MEAN**2 * TOTAL)}),
        )
        .then("Average over X, of mean m.", 1 / MEAN + REST, averaged({TOTAL: (sp.S.One, MEAN)}))
        .then("Leave the rest out.", at_least(1 / MEAN + REST, 1 / MEAN), dropping(REST))
        .then("Every branch has the mean square 1.", at_least(1 / MEAN + REST, 1 / (START + BLOCKS)), _mean_of_sum)
    )


def _mean_of_sum(before: sp.Basic, now: sp.Basic) -> str:
    mean = sp.diff(-transform().result, AT).subs(AT, 0)  # of one r
    return equal(at_least(before.lhs, before.rhs.subs(MEAN, START + BLOCKS * mean)), now)


@cache
def share() -> Derivation:
    """Derive E r_l / (V_0 + S), which is the same for every l."""
    parts = sp.Sum(EACH[PLACE] / (START + SUM), (PLACE, 1, BLOCKS))

    def added(before: sp.Basic, now: sp.Basic) -> str:
        for blocks in (1, 2, 3):
            total = sp.Add(*(EACH[i] for i in range(1, blocks + 1)))
            equal(*(side.subs(BLOCKS, blocks).doit().subs(SUM, total) for side in (before, now)))
        return "3 sizes"

    return (
        Derivation.begin("A branch's share of the stream's variance", "The shares of all L branches.", parts)
        .then("Add them.", 1 - START / (START + SUM), added)
        .then(
            "The r are alike: in the mean each has the L-th part.",
            (1 - START * INVERSE) / BLOCKS,
            lambda before, now: equal(before.subs(SUM, 1 / INVERSE - START) / BLOCKS, now),
        )
    )


@cache
def last_layer() -> Derivation:
    """Derive the mean squared gradient of the last W_2."""
    through = over_inputs(True).result
    return (
        Derivation.begin(
            "Gradient of the last layer of a pre-LN stream",
            "dW_2 = relu(W_1 y) (J v)^T: h r times ||J v||^2. Given all r the stream before the last LN is "
            "N(0, tau^2 I), tau^2 = V_0 + S: average ||J v||^2 over it.",
            H * SIZE * through,
        )
        .then(
            "Put tau^2 in.",
            H * SIZE * WIDTH * (WIDTH - 2) / ((START + SUM) * (WIDTH - 3)),
            substituting({INPUT: START + SUM}),
        )
        .then(
            "Average over r and S.",
            H * WIDTH * (WIDTH - 2) / (WIDTH - 3) * SHARE,
            lambda before, now: equal(before.subs(SIZE, SHARE * (START + SUM)), now),
        )
        .then(
            "The share of each branch is the same.",
            H * WIDTH * (WIDTH - 2) / (WIDTH - 3) * (1 - START * INVERSE) / BLOCKS,
            substituting({SHARE: share().result}),
        )
    )


@cache
def wide_limit() -> Derivation:
    """Derive the limit of large hidden width, which is an upper bound at every width."""
    at_bound = last_layer().result.subs(INVERSE, inverse().result)
    return Derivation.begin(
        "Gradient of the last layer, wide", "It falls with E 1/(V_0 + S), which is at least 1/(V_0 + L).", at_bound
    ).then("Put together: it falls like 1/(V_0 + L).", H * WIDTH * (WIDTH - 2) / ((WIDTH - 3) * (START + BLOCKS)))


def block_growth(width: Value, variance: Value) -> sp.Expr:
    """Return E||v'||^2 / ||v||^2 through one pre-LN block, for an input of this variance over features. Exact."""
    values = {WIDTH: positive_integer("width", width, least=2), DEVIATION: positive("variance", variance)}
    return one_block().at(values)


@cache
def share_moment(hidden: int, blocks: int, start: float, order: int = 1) -> float:
    """Return E (r / (V_0 + S))^order, of a branch among `blocks`, by quadrature over the transform, to 10 digits.

    With f the transform of r it is the integral of t^(k-1) exp(-t V_0) f(t)^(L-1) (-1)^k f^(k)(t) / (k-1)!.

    Raises
    ------
    ArithmeticError
        If the quadrature does not reach 10 digits.
    """
    whole = transform().result.subs(H, hidden)
    one, own = (sp.lambdify(AT, f, "math") for f in (whole, sp.diff(whole, AT, order)))

    def integrand(t: float) -> float:
        return float(t ** (order - 1) * math.exp(-t * start) * one(t) ** (blocks - 1) * (-1) ** order * own(t))

    # Cut off where exp(-t V_0) f(t)^(L-1), below its bound at half of t, is 0 to 16 digits.
    ends = [scale / (start + blocks) for scale in (0, 1, 4, 16, 64)] + [40 / start]
    value, error = mpmath.fp.quad(integrand, sorted(ends), error=True)
    if error > 1e-10 * value:
        raise ArithmeticError(f"the quadrature is only good to {error:.1g} of {value:.4g}")
    return float(value / math.factorial(order - 1))


def last_gradient(width: Value, hidden: int, blocks: int, start: float = 1.0) -> float:
    """Return E||dW_2||^2 of the last of `blocks` pre-LN blocks, for a cotangent of mean square 1 each. Exact.

    Over Gaussian weights and inputs N(0, start I); `width` is at least 4.
    """
    values = {H: hidden, WIDTH: positive_integer("width", width, least=4), SHARE: share_moment(hidden, blocks, start)}
    return float(last_layer().steps[2].statement.subs(values))


def wide_last_gradient(width: Value, hidden: Value, blocks: Value, start: Value = 1) -> sp.Expr:
    """Return its upper bound h d (d - 2) / ((d - 3)(V_0 + L)), the limit of large hidden width."""
    values = {H: positive_integer("hidden", hidden), WIDTH: positive_integer("width", width, least=4)}
    return wide_limit().at(values | {BLOCKS: positive_integer("blocks", blocks), START: positive("start", start)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (one_block, transform, inverse, share, last_layer, wide_limit)
