"""Fans as frameworks count them, from the shape in which a weight is stored, and what that makes of a layer.

A shape tells neither groups, strides nor blocks apart, so the count differs from the fans in `theory.layer.fans` by a
factor that the layer then has in its mean square (`forward_factor`, `backward_factor`, `variance_ratio`).

- PyTorch (`pytorch`): (out, in, window): axis 1, or axis 0, times all axes behind. A convolution is stored as (C', C/g,
  k, k), so fan-out is g times too large; a transposed one as (C, C'/g, k, k), which swaps both and knows no stride.
- Keras (`keras`): (window, in, out): the last axis but one, or the last, times all before. A depthwise one is (k, k, C,
  multiplier), a transposed one (k, k, C', C), a head's projection (d, heads, width): taken for a window of d.
- JAX and Flax (`jax`): like Keras, unless in, out and batch axes are stated; then they count what
  `theory.layer.fans.kernel` counts.
- m blocks of width b in one matrix of n inputs, as q, k and v: Glorot's variance is (n + b)/(n + m b) of that of one
  block (`fused`); the logit's mean square is the square of that (`logits`). Backwards all m blocks add up, so the stack
  has the fan-out m b.
- An orthogonal matrix of m stacked square gates keeps 1/m in each gate (`stacked`): 1/4 in an LSTM, 1/3 in a GRU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.layer.fans import Axes, Fans
from theory.rules import equal
from theory.symbols import SQUARE_NORM, VARIANCE, H, N
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

WIDTH, BLOCKS = sp.Symbol("b", integer=True, positive=True), sp.Symbol("m", integer=True, positive=True)
"""Width of a block, and how many are stored as one matrix."""
LOGIT, OTHER_NORM = sp.symbols(r"E[(q.k)^2] \|y\|^2", positive=True)

Mode = Literal["fan_in", "fan_out", "fan_avg"]


def _glorot(fan_in: sp.Expr, fan_out: sp.Expr) -> sp.Expr:
    return 2 / (fan_in + fan_out)


@cache
def fused() -> Derivation:
    """Derive the variance that Glorot's rule gives a stack of blocks, over that of a block by itself."""
    return Derivation.begin(
        "Glorot's rule for a stack",
        "The rule sees a matrix of m b outputs; a block has b of them, and the same n inputs.",
        sp.Mul(_glorot(N, BLOCKS * WIDTH), 1 / _glorot(N, WIDTH), evaluate=False),
    ).then("The fan-in is that of a block, the fan-out that of all.", (N + WIDTH) / (N + BLOCKS * WIDTH))


def _head(queries: int, keys: int, width: int) -> WrittenOut:
    """Write out the product of a query and a key, from fixed inputs of two lengths."""
    x, y = sp.symbols(f"x_1:{queries + 1}", real=True), sp.symbols(f"y_1:{keys + 1}", real=True)
    query, laws = matrix("q", width, queries, symmetric(VARIANCE))
    key, others = matrix("k", width, keys, symmetric(VARIANCE))
    logit = (query * sp.Matrix(x)).dot(key * sp.Matrix(y))
    norms = {SQUARE_NORM: sum(one**2 for one in x), OTHER_NORM: sum(one**2 for one in y)}
    return WrittenOut({LOGIT: logit**2, H: width} | norms, [*laws, *others])


@cache
def logits() -> Derivation:
    """Derive the mean square of attention's logits under Glorot's rule for the stack, over that for each block."""
    share = fused().result
    return (
        Derivation.begin("Logits of a stack", "The squared product of a query and a key, of width h.", LOGIT)
        .then(
            "Both matrices bring their variance, at fixed inputs.",
            H * VARIANCE**2 * SQUARE_NORM * OTHER_NORM,
            at_sizes(_head, (1, 1, 1), (2, 1, 2), (1, 2, 3)),
        )
        .then(
            "Divide what Glorot's rule for the stack makes of it by what it makes of blocks.",
            share**2,
            lambda before, now: equal(
                before.subs(VARIANCE, _glorot(N, BLOCKS * WIDTH)) / before.subs(VARIANCE, _glorot(N, WIDTH)), now
            ),
        )
    )


@cache
def stacked() -> Derivation:
    """Derive what one gate keeps of the square norm behind an orthogonal matrix of m stacked gates of n units."""
    j = sp.Symbol("j", integer=True, positive=True)
    rows = BLOCKS * N
    return (
        Derivation.begin(
            "Stacked orthogonal gates",
            "W has m n rows and orthonormal columns: add up the square norms of its n columns.",
            sp.Sum(sp.S.One, (j, 1, N)),
        )
        .then("It is the number of columns.", N, lambda before, now: equal(before.doit(), now))
        .then(
            "The m n^2 entries are alike in law, those of different columns uncorrelated: a variance.",
            1 / rows,
            lambda before, now: equal(before / (rows * N), now),
        )
        .then(
            "A gate of n units has n times that of ||x||^2.",
            SQUARE_NORM / BLOCKS,
            lambda before, now: equal(N * before * SQUARE_NORM, now),
        )
        .then("By itself it would keep ||x||^2.", 1 / BLOCKS, lambda before, now: equal(before / SQUARE_NORM, now))
    )


def pytorch(shape: Sequence[Value]) -> Fans:
    """Return the fans that torch.nn.init counts (`_calculate_fan_in_and_fan_out`, 2.13)."""
    sizes = _sizes(shape)
    window = sp.prod(sizes[2:])
    return Fans(sizes[1] * window, sizes[0] * window)


def keras(shape: Sequence[Value]) -> Fans:
    """Return the fans that Keras 3 counts (`compute_fans`, where no axes are stated)."""
    sizes = _sizes(shape)
    window = sp.prod(sizes[:-2])
    return Fans(sizes[-2] * window, sizes[-1] * window)


def jax(shape: Sequence[Value], in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Fans:
    """Return the fans that jax.nn.initializers.variance_scaling counts, and so Flax.

    It divides the product of all axes by those that are stated, so an axis stated as in and out counts once: with
    in_axis 0 and out_axis 0 a table of embeddings (tokens, width), Flax' Embed, has a fan-in of its width.
    """
    sizes = _sizes(shape)
    inward, outward, batch = (
        sp.prod(sizes[axis] for axis in ((axes,) if isinstance(axes, int) else axes))
        for axes in (in_axis, out_axis, batch_axis)
    )
    window = sp.prod(sizes) / (inward * outward * batch)
    return Fans(inward * window, outward * window)


def _sizes(shape: Sequence[Value]) -> list[sp.Expr]:
    if len(shape) < 2:
        raise ValueError(f"shape is {tuple(shape)}; expected at least 2 axes, as fewer have no fans")
    return [positive_integer(f"axis {axis} of the shape", size) for axis, size in enumerate(shape)]


def count(fans: Fans, mode: Mode) -> sp.Expr:
    """Return what an initialiser divides by: fan-in, fan-out or their average (Glorot's).

    Raises
    ------
    ValueError
        If the mode is none of these.
    """
    counts = {
        "fan_in": fans.forwards, "fan_out": fans.backwards, "fan_avg": (fans.forwards + fans.backwards) / 2
    }  # fmt: skip
    if mode not in counts:
        raise ValueError(f"mode is {mode!r}; expected one of {', '.join(counts)}")
    return counts[mode]


def forward_factor(true: Fans, told: Fans, mode: Mode) -> sp.Expr:
    """Return E y^2 / q for weights of variance 1 / count(told, mode); with a gain g it is g^2 times that. Exact."""
    return true.forwards / count(told, mode)


def backward_factor(true: Fans, told: Fans, mode: Mode) -> sp.Expr:
    """Return E dx^2 over the cotangents' mean square, in the same way."""
    return true.backwards / count(told, mode)


def variance_ratio(true: Fans, told: Fans, mode: Mode) -> sp.Expr:
    """Return the variance that the rule gives with the fans it is told, over that with the true ones."""
    return count(true, mode) / count(told, mode)


def fused_share(fan_in: Value, width: Value, blocks: Value) -> sp.Expr:
    """Return the variance of a block under Glorot's rule for the stack, over its own: 1/2 for square q, k and v."""
    return fused().at(_stack(fan_in, width, blocks))


def fused_logit_share(fan_in: Value, width: Value, blocks: Value) -> sp.Expr:
    """Return what that makes of the mean square of attention's logits: 1/4 for square q, k and v."""
    return logits().at(_stack(fan_in, width, blocks))


def _stack(fan_in: Value, width: Value, blocks: Value) -> dict[sp.Symbol, Value]:
    given = {N: ("fan_in", fan_in), WIDTH: ("width", width), BLOCKS: ("blocks", blocks)}
    return {symbol: positive_integer(name, value) for symbol, (name, value) in given.items()}


def stacked_share(gates: Value) -> sp.Expr:
    """Return what each of so many square gates keeps of ||x||^2, stacked in one orthogonal matrix, in the mean."""
    return stacked().at({BLOCKS: positive_integer("gates", gates)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (fused, logits, stacked)
