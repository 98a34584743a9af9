"""What fans count: the products with weights that an output adds up, and those that an input enters.

A linear layer is a list of products w x that outputs add up, and no weight meets an output twice. With entries of W of
mean 0 and variance sigma^2, pairwise uncorrelated, E y^2 is sigma^2 times the squares of the inputs that y adds up;
cotangents go back through the same products. Over the weights; exact at every width, for inputs (cotangents) of one
mean square, which may depend on each other.

- Convolution of C to C' channels, window k, stride s, g groups, D axes: fan-in k^D C/g, fan-out k^D C'/(g s^D)
  (`convolution_forwards`, `convolution_backwards`). Dilation spreads the window and changes neither.
- A transposed one is its adjoint: fan-in k^D C/(g s^D), fan-out k^D C'/g (`transposed_forwards`,
  `transposed_backwards`). What has s^D is a mean over positions; unless s divides k they differ.
- A kernel of n axes: the in axes (out axes) times all that are neither in, out nor batch (`kernel_forwards`,
  `kernel_backwards`). A batch axis has weights of its own for each of its entries.
- A lookup takes one row of a table: fan-in 1, whatever the vocabulary (`looked_up`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from itertools import product

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative
from theory.rules import equal
from theory.symbols import VARIANCE
from theory.written_out import Group, WrittenOut, at_sizes, matrix, symmetric

SQUARE, COTANGENT = sp.symbols("E[y^2] E[dx^2]", positive=True)
"""Squares of outputs and of inputs' cotangents, averaged over weights, channels and positions."""
MEAN_SQUARE = sp.Symbol("q", positive=True)
"""Mean square of the inputs, or of the outputs' cotangents."""
K, STRIDE, AXES, GROUPS, CHANNELS, OUT = (
    sp.Symbol(name, integer=True, positive=True) for name in ("k", "s", "D", "g", "C", "C'")
)
INWARD, OUTWARD, WINDOW = (sp.Symbol(name, integer=True, positive=True) for name in ("n_in", "n_out", "r"))
"""Sizes of a kernel's in axes, of its out axes, and of those that are a window."""

Product = tuple[Hashable, Hashable, Hashable]
"""A weight, the input that it multiplies, and the output that adds the product."""


def _written(products: Sequence[Product], inputs: int, outputs: int, stands_for: dict[sp.Symbol, int]) -> WrittenOut:
    """Write a layer of so many inputs and outputs out: weights, inputs and cotangents are symbols."""
    names: dict[Hashable, sp.Symbol] = {}
    laws = {"w": symmetric(VARIANCE), "x": symmetric(MEAN_SQUARE), "dy": symmetric(MEAN_SQUARE)}
    groups: list[Group] = []

    def entry(kind: str, index: Hashable) -> sp.Symbol:
        if (kind, index) not in names:
            names[kind, index] = sp.Symbol(f"{kind}_{len(names)}", real=True)
            groups.append(laws[kind](names[kind, index]))
        return names[kind, index]

    forwards: dict[Hashable, list[sp.Expr]] = {}
    backwards: dict[Hashable, list[sp.Expr]] = {}
    for weight, source, target in products:
        forwards.setdefault(target, []).append(entry("w", weight) * entry("x", source))
        backwards.setdefault(source, []).append(entry("w", weight) * entry("dy", target))
    squares = {
        of: sp.Add(*(sp.Add(*terms) ** 2 for terms in sums.values())) / count
        for of, sums, count in ((SQUARE, forwards, outputs), (COTANGENT, backwards, inputs))
    }
    return WrittenOut(squares | stands_for, groups)


def _convolved(
    size: int, stride: int, dilation: int, groups: int, own: int, out: int, side: int, axes: int, *, transposed: bool
) -> WrittenOut:
    """Write out a convolution with `own` channels in and `out` channels out a group, on images that go round."""
    axis = [(tap, (stride * at + dilation * tap) % side, at) for at in range(side // stride) for tap in range(size)]
    products: list[Product] = []
    for group, c, d in product(range(groups), range(own), range(out)):
        for along in product(axis, repeat=axes):
            tap, pixel, position = zip(*along, strict=True)
            source, target = (position, pixel) if transposed else (pixel, position)
            products.append(((group, c, d, tap), (group, c, source), (group, d, target)))
    pixels, positions = side**axes, (side // stride) ** axes
    inputs, outputs = (positions, pixels) if transposed else (pixels, positions)
    counts = {K: size, STRIDE: stride, AXES: axes, GROUPS: groups, CHANNELS: groups * own, OUT: groups * out}
    return _written(products, inputs * groups * own, outputs * groups * out, counts)


def _convolution(*sizes: int) -> WrittenOut:
    return _convolved(*sizes, transposed=False)


def _transposed(*sizes: int) -> WrittenOut:
    return _convolved(*sizes, transposed=True)


SIZES = (
    (1, 1, 1, 1, 2, 1, 1, 1),
    (2, 1, 2, 1, 1, 2, 3, 1),
    (3, 2, 1, 2, 1, 2, 4, 1),
    (2, 3, 1, 3, 2, 1, 3, 1),
    (2, 1, 1, 1, 1, 1, 2, 2),
    (2, 2, 1, 1, 2, 1, 2, 2),
    (1, 3, 1, 1, 1, 1, 3, 2),
)
"""Window, stride, dilation, groups, channels in and out of a group, pixels a side and axes."""


def _fan(
    title: str, of: sp.Symbol, counted: str, fan: sp.Expr, write: Callable[..., WrittenOut], *sizes: tuple[int, ...]
) -> Derivation:
    meaning = {SQUARE: "Mean square of an output", COTANGENT: "Mean square of an input's cotangent"}[of]
    return (
        Derivation.begin(title, f"{meaning}, averaged over weights, channels and positions.", of)
        .then(counted, VARIANCE * MEAN_SQUARE * fan, at_sizes(write, *sizes))
        .then("Divide by sigma^2 q.", fan, lambda before, now: equal(before / (VARIANCE * MEAN_SQUARE), now))
    )


@cache
def convolution_forwards() -> Derivation:
    """Derive the fan-in of a convolution by adding up the products of small ones."""
    counted = "An output adds k^D products for each channel of its own group, wherever the window's taps lie."
    return _fan("Fan-in of a convolution", SQUARE, counted, K**AXES * CHANNELS / GROUPS, _convolution, *SIZES)


@cache
def convolution_backwards() -> Derivation:
    """Derive the fan-out of a convolution by adding up the products of small ones."""
    counted = "A stride leaves one position for s^D pixels, so a pixel is in k^D/s^D windows in the mean."
    fan = K**AXES * OUT / (GROUPS * STRIDE**AXES)
    return _fan("Fan-out of a convolution", COTANGENT, counted, fan, _convolution, *SIZES)


@cache
def transposed_forwards() -> Derivation:
    """Derive the fan-in of a transposed convolution by adding up the products of small ones."""
    counted = "Each position of the input spreads over k^D of s^D times as many pixels: k^D/s^D meet in one."
    fan = K**AXES * CHANNELS / (GROUPS * STRIDE**AXES)
    return _fan("Fan-in of a transposed convolution", SQUARE, counted, fan, _transposed, *SIZES)


@cache
def transposed_backwards() -> Derivation:
    """Derive the fan-out of a transposed convolution by adding up the products of small ones."""
    counted = "Each entry of the input enters k^D pixels of each channel that its group writes."
    return _fan("Fan-out of a transposed convolution", COTANGENT, counted, K**AXES * OUT / GROUPS, _transposed, *SIZES)


def _contracted(batch: int, inward: int, outward: int, window: int) -> WrittenOut:
    """Write out the kernel (batch, in, out, window), the window sliding over as many pixels, which go round."""
    products: list[Product] = [
        ((b, i, o, tap), (b, i, (at + tap) % window), (b, o, at))
        for b, i, o, tap, at in product(*map(range, (batch, inward, outward, window, window)))
    ]
    counts = {INWARD: inward, OUTWARD: outward, WINDOW: window}
    return _written(products, batch * inward * window, batch * outward * window, counts)


KERNELS = ((1, 1, 2, 1), (2, 3, 1, 1), (2, 1, 2, 3), (1, 2, 1, 2))


@cache
def kernel_forwards() -> Derivation:
    """Derive the fan-in of a kernel with in, out and batch axes; the axes left are a window."""
    counted = "An output adds up its entry of the batch, all of the in axes and of the window."
    return _fan("Fan-in of a kernel", SQUARE, counted, INWARD * WINDOW, _contracted, *KERNELS)


@cache
def kernel_backwards() -> Derivation:
    """Derive the fan-out of a kernel with in, out and batch axes; the axes left are a window."""
    counted = "An input enters its entry of the batch, all of the out axes, at every tap of the window."
    return _fan("Fan-out of a kernel", COTANGENT, counted, OUTWARD * WINDOW, _contracted, *KERNELS)


def _table(tokens: int, width: int) -> WrittenOut:
    table, groups = matrix("e", tokens, width, symmetric(VARIANCE))
    hot = sp.symbols(f"t_1:{tokens + 1}", real=True)
    chosen = Group(hot, lambda powers: sp.Rational(sum(map(bool, powers)) == 1, tokens))
    rows = sp.Matrix([hot]) * table
    return WrittenOut({SQUARE: rows.dot(rows) / width}, [*groups, chosen])


@cache
def looked_up() -> Derivation:
    """Derive the mean square of what a table of embeddings returns, as the product of a row of zeros and a one."""
    return Derivation.begin(
        "A lookup", "Mean square of an entry of t E, where one of V entries of t is 1 and the others are 0.", SQUARE
    ).then(
        "Of V products all but one are 0, so no vocabulary enters.",
        VARIANCE,
        at_sizes(_table, (1, 1), (2, 1), (3, 2), (4, 1)),
    )


def lookup_second_moment(variance: Value) -> sp.Expr:
    """Return the mean square of the rows that a table of entries of this variance returns. Exact."""
    return looked_up().at({VARIANCE: nonnegative("variance", variance)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    convolution_forwards, convolution_backwards, transposed_forwards, transposed_backwards, kernel_forwards,
    kernel_backwards, looked_up,
)  # fmt: skip
