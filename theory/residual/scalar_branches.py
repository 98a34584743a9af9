r"""Scalar-branch nets f = prod_l (1 + a_{l,1} ... a_{l,m}) x: what each block does to the variance, both ways.

The entries are independent and symmetric about 0, a_{l,i} of variance sigma_i^2; v is the product of these variances,
the mean square of a branch over that of its input, and k that of the fourth moments. For random signs v = k = 1. Over
the entries; exact at every L and m.

- E x_L^2 = (1 + v)^L x^2 at a fixed input (`second_moment`), and backwards E (df/dx_0)^2 = (1 + v)^L.
- Var x_L = ((1 + v)^L - 1) x^2 at a fixed input (`variance`), (1 + v)^L Var x at a random one of mean 0
  (`total_variance`).
- E (df/da_{l,i})^2 = (1 + v)^(L-1) v / sigma_i^2 x^2, in every block (`entry_gradient`).
- E x_L^4 = (1 + 6 v + k)^L x^4 (`fourth_moment`); that of a half squared difference and of an entry's gradient in
  `difference_second_moment` and `gradient_fourth_moment`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.symbols import BLOCKS, Q, X
from theory.written_out import Group, WrittenOut, at_sizes, symmetric

STATE, OTHER = sp.symbols("x_L x_L'", real=True)
"""The output, and that of an independent second net."""
SLOPE = sp.Symbol("df/da", real=True)
"""The slope of the output in the first entry of the first block."""
GAIN, FOURTH = sp.symbols("v k", positive=True)
"""The products over a branch of its entries' variances and of their fourth moments."""
OTHERS, OTHERS_FOURTH = sp.symbols("u j", positive=True)
"""The same without the first entry."""
SIZES = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1))
"""Numbers of blocks and of entries in a branch at which averages are computed."""


@cache
def second_moment() -> Derivation:
    """Derive E x_L^2 at a fixed input."""
    return Derivation.begin(
        "Mean square of a scalar-branch net", "The square of x_L = prod_l (1 + prod_i a_{l,i}) x.", STATE**2
    ).then(
        "Average over the entries: a branch has mean 0 and mean square v, and blocks are independent.",
        (1 + GAIN) ** BLOCKS * X**2,
        at_sizes(_one_input, *SIZES),
    )


@cache
def variance() -> Derivation:
    """Derive the variance of x_L at a fixed input."""
    return Derivation.begin(
        "Variance of a scalar-branch net at a fixed input",
        "Half the squared difference between two independent nets at one input.",
        (STATE - OTHER) ** 2 / 2,
    ).then(
        "Average over the entries: one less than the mean square, for x_L has mean x.",
        ((1 + GAIN) ** BLOCKS - 1) * X**2,
        at_sizes(_one_input, *SIZES),
    )


@cache
def total_variance() -> Derivation:
    """Derive the variance of x_L over the input as well, which has mean 0."""
    return Derivation.begin(
        "Variance of a scalar-branch net over its inputs",
        "Half the squared difference between two independent nets, each at an input of its own, of variance q.",
        (STATE - OTHER) ** 2 / 2,
    ).then("Average over entries and inputs.", (1 + GAIN) ** BLOCKS * Q, at_sizes(_two_inputs, *SIZES))


@cache
def entry_gradient() -> Derivation:
    """Derive the mean square of the output's slope in an entry of a branch."""
    return Derivation.begin(
        "Gradient in an entry of a scalar branch",
        "The square of df/da, a the first entry of the first block.",
        SLOPE**2,
    ).then(
        "Average: the other L - 1 blocks, and the other entries of its own branch, whose variances have the product u.",
        OTHERS * (1 + GAIN) ** (BLOCKS - 1) * X**2,
        at_sizes(_one_input, *SIZES),
    )


@cache
def fourth_moment() -> Derivation:
    """Derive E x_L^4 at a fixed input."""
    return Derivation.begin("Fourth moment of a scalar-branch net", "The fourth power of x_L.", STATE**4).then(
        "Average over the entries: odd powers of a branch vanish.",
        (1 + 6 * GAIN + FOURTH) ** BLOCKS * X**4,
        at_sizes(_one_input, *SIZES),
    )


@cache
def difference_second_moment() -> Derivation:
    """Derive the second moment of half a squared difference between two independent nets."""
    return Derivation.begin(
        "Spread of a squared difference between scalar-branch nets",
        "The square of half the squared difference.",
        (STATE - OTHER) ** 4 / 4,
    ).then(
        "Average over the entries.",
        ((1 + 6 * GAIN + FOURTH) ** BLOCKS - 4 * (1 + 3 * GAIN) ** BLOCKS + 3 * (1 + GAIN) ** (2 * BLOCKS)) * X**4 / 2,
        at_sizes(_one_input, (1, 1), (1, 2), (2, 1)),
    )


@cache
def gradient_fourth_moment() -> Derivation:
    """Derive the fourth moment of the output's slope in an entry of a branch."""
    return Derivation.begin(
        "Fourth moment of the gradient in an entry of a scalar branch", "The fourth power of df/da.", SLOPE**4
    ).then(
        "Average over the entries; the fourth moments of the others in the branch have the product j.",
        OTHERS_FOURTH * (1 + 6 * GAIN + FOURTH) ** (BLOCKS - 1) * X**4,
        at_sizes(_one_input, *SIZES),
    )


def _one_input(blocks: int, entries: int) -> WrittenOut:
    return _nets(blocks, entries, X, X, [])


def _two_inputs(blocks: int, entries: int) -> WrittenOut:
    first, second = sp.symbols("y z", real=True)
    law = symmetric(Q, *sp.symbols("q_4 q_6 q_8", positive=True))
    return _nets(blocks, entries, first, second, [law(first), law(second)])


def _nets(blocks: int, entries: int, first: sp.Expr, second: sp.Expr, inputs: list[Group]) -> WrittenOut:
    """Write out two independent nets of `blocks` branches of `entries` at these inputs."""
    moments = [sp.symbols(f"m{power}_1:{entries + 1}", positive=True) for power in (2, 4, 6, 8)]
    variances, fourths, *_ = moments
    laws = [symmetric(*of_one) for of_one in zip(*moments, strict=True)]
    names = [[sp.symbols(f"{net}_{block}_1:{entries + 1}", real=True) for block in range(blocks)] for net in "ab"]
    outputs = [
        sp.prod(1 + sp.prod(branch) for branch in net) * x for net, x in zip(names, (first, second), strict=True)
    ]
    groups = [law(entry) for net in names for branch in net for law, entry in zip(laws, branch, strict=True)]
    stands_for = {
        STATE: outputs[0],
        OTHER: outputs[1],
        SLOPE: sp.diff(outputs[0], names[0][0][0]),
        BLOCKS: sp.Integer(blocks),
        GAIN: sp.prod(variances),
        FOURTH: sp.prod(fourths),
        OTHERS: sp.prod(variances[1:]),
        OTHERS_FOURTH: sp.prod(fourths[1:]),
    }
    return WrittenOut(stands_for, [*groups, *inputs])


def mean_square(variances: Sequence[Value], blocks: Value) -> sp.Expr:
    """Return E x_L^2 / x^2, L = `blocks`, of branches whose entries have these variances; E (df/dx_0)^2 as well.

    Also the variance over Var x where the input is random with mean 0.

    Raises
    ------
    ValueError
        If there are no variances, one is negative, or `blocks` is not an integer of at least 0.
    """
    return _at(second_moment(), blocks, v=_product("variances", variances))


def variance_at_fixed_input(variances: Sequence[Value], blocks: Value) -> sp.Expr:
    """Return Var x_L / x^2 at a fixed input x: one less than `mean_square`."""
    return _at(variance(), blocks, v=_product("variances", variances))


def entry_gradient_square(variances: Sequence[Value], blocks: Value) -> sp.Expr:
    """Return E (df/da)^2 / x^2, a the first entry of any of the `blocks` branches."""
    return _at(
        entry_gradient(), blocks, v=_product("variances", variances), u=_product("variances", [1, *variances[1:]])
    )


def spreads(variances: Sequence[Value], fourths: Sequence[Value], blocks: Value) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Return the variances of x_L^2, of half a squared difference, and of (df/da)^2, at x = 1.

    `fourths` are the entries' fourth moments.
    """
    v, k = _product("variances", variances), _product("fourths", fourths)
    square = _at(fourth_moment(), blocks, v=v, k=k) - mean_square(variances, blocks) ** 2
    half = _at(difference_second_moment(), blocks, v=v, k=k) - variance_at_fixed_input(variances, blocks) ** 2
    slope = _at(gradient_fourth_moment(), blocks, v=v, k=k, j=_product("fourths", [1, *fourths[1:]]))
    return square, half, slope - entry_gradient_square(variances, blocks) ** 2


def _product(name: str, moments: Sequence[Value]) -> sp.Expr:
    if not moments:
        raise ValueError(f"{name} is empty; expected one for each entry of a branch")
    return sp.prod(nonnegative(name, moment) for moment in moments)


def _at(derivation: Derivation, blocks: Value, **values: sp.Expr) -> sp.Expr:
    return derivation.at(x=1, L=positive_integer("blocks", blocks, least=0), **values)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    second_moment,
    variance,
    total_variance,
    entry_gradient,
    fourth_moment,
    difference_second_moment,
    gradient_fourth_moment,
)
