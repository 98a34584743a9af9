"""Second moments of convolutions: windows that reach over the edge, strides, fans, and gradients of shared biases.

A convolution of k x k windows is a dense layer of every patch; entries of W have mean 0 and variance sigma^2. A window
has a rows and b columns inside the image. Over the weights; exact at every width for images with one mean square in all
pixels.

- An output has (a/k) (b/k) of the second moment of one inside (`window`), deeper ones the product of the averages over
  the two axes (`separable`).
- He's fan-out, C and C' channels: a pixel in a x b outputs has 2 (a/k) (b/k) of their cotangents' mean square
  (`backward`); forwards, with the ReLU, a layer multiplies by C / C' (`fan_out`).
- A bias shared by C channels and P positions has C P times the mean squared cotangent (`shared_bias`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import averaged
from theory.layer import one_layer, rectifiers
from theory.rules import equal, substituting
from theory.symbols import SQUARE_NORM, VARIANCE

K, CHANNELS, OUT = (sp.Symbol(name, integer=True, positive=True) for name in ("k", "C", "C'"))
ROWS, COLUMNS = (sp.Symbol(name, integer=True, positive=True) for name in ("a", "b"))
PIXEL = sp.Symbol("q", positive=True)
"""Mean square of a pixel, or of its cotangent."""


@cache
def window() -> Derivation:
    """Derive the second moment of a convolution's output with a rows and b columns of the window inside the image."""
    pixels = ROWS * COLUMNS * CHANNELS
    return (
        Derivation.begin(
            "Second moment of a convolution",
            "An output is a dense unit of its patch.",
            one_layer.second_moment(1, VARIANCE, SQUARE_NORM),
        )
        .then(
            "Of the patch, a x b pixels of C channels with mean square q lie in the image; the padding is 0.",
            VARIANCE * pixels * PIXEL,
            averaged({SQUARE_NORM: (1, pixels * PIXEL)}),
        )
        .then(
            "He's fan-in counts the whole window.",
            2 * pixels * PIXEL / (K**2 * CHANNELS),
            substituting({VARIANCE: 2 / (K**2 * CHANNELS)}),
        )
        .then(
            "Divide by an output whose window lies inside: a share that is a product over the two axes.",
            (ROWS / K) * (COLUMNS / K),
            lambda before, now: equal(before / before.subs({ROWS: K, COLUMNS: K}), now),
        )
    )


@cache
def separable() -> Derivation:
    """Derive that 3 x 3 windows average a map u_i v_j axis by axis, so the shares of deeper layers are products too."""
    u, v = sp.symbols("u_1:4", real=True), sp.symbols("v_1:4", real=True)
    return Derivation.begin(
        "Share of a deeper layer",
        "A ReLU halves the second moment of every pixel alike, so He keeps the sum over the window, divided by 9.",
        sum(a * b for a in u for b in v) / 9,
    ).then("It is the product of the averages over the two axes.", (sum(u) / 3) * (sum(v) / 3))


@cache
def backward() -> Derivation:
    """Derive the second moment of the cotangent of a pixel that enters a x b outputs, with He's fan-out."""
    return (
        Derivation.begin(
            "Second moment of a convolution's cotangent",
            "A pixel's cotangent is a dense unit of the cotangents of all outputs that it enters.",
            one_layer.second_moment(1, VARIANCE, SQUARE_NORM),
        )
        .then(
            "It enters a x b positions of C' channels, with mean square q.",
            VARIANCE * ROWS * COLUMNS * OUT * PIXEL,
            averaged({SQUARE_NORM: (1, ROWS * COLUMNS * OUT * PIXEL)}),
        )
        .then(
            "He's fan-out counts k x k positions, as if each pixel entered so many.",
            2 * ROWS * COLUMNS / K**2 * PIXEL,
            substituting({VARIANCE: 2 / (K**2 * OUT)}),
        )
        .then("Divide by q.", 2 * (ROWS / K) * (COLUMNS / K), lambda before, now: equal(before / PIXEL, now))
    )


@cache
def fan_out() -> Derivation:
    """Derive what He's fan-out does to the mean square in the forward direction, away from the edges."""
    inside = {ROWS: K, COLUMNS: K, VARIANCE: 2 / (K**2 * OUT)}
    before = window().steps[1].statement
    z = sp.Symbol("z^2", positive=True)
    return (
        Derivation.begin(
            "Fan-out, forwards", "Mean square of an output of a convolution, from one of mean square q.", before
        )
        .then("Put in the fan-out and the whole window.", 2 * CHANNELS / OUT * PIXEL, substituting(inside))
        .then(
            "The ReLU halves it.",
            CHANNELS / OUT * PIXEL,
            lambda old, now: equal(rectifiers.relu_second_moment(z).subs(z, old), now),
        )
        .then("Divide by q.", CHANNELS / OUT, lambda old, now: equal(old / PIXEL, now))
    )


@cache
def shared_bias() -> Derivation:
    """Derive the second moment of the gradient of a bias that is shared by all channels and positions."""
    positions = sp.Symbol("P", integer=True, positive=True)
    square, product = sp.Symbol("E[d^2]", positive=True), sp.Symbol("E[dd']", real=True)
    count = CHANNELS * positions
    return Derivation.begin(
        "Gradient of a shared bias",
        "Its gradient adds the cotangents d of all N = C P entries: N squares and N (N - 1) products of two.",
        (count * square + count * (count - 1) * product) / square,
    ).then("Cotangents that are uncorrelated leave the squares.", count, substituting({product: sp.S.Zero}))


def axis_shares(length: int, size: int, padding: int, layers: int = 1) -> tuple[sp.Rational, ...]:
    """Return, for each position of one axis, the share of the second moment that zero padding leaves.

    The share of a pixel is the product over both axes (`window`, `separable`); exact after any number of He ReLU layers
    of stride 1, from an image with one mean square in all pixels.

    Raises
    ------
    ValueError
        If a number is not an integer of at least 1 (`padding`: 0), or no window is left.
    """
    for name, value, least in (
        ("length", length, 1),
        ("size", size, 1),
        ("padding", padding, 0),
        ("layers", layers, 1),
    ):
        positive_integer(name, value, least)
    shares = [sp.S.One] * length
    for _ in range(layers):
        shares = [sp.S.Zero] * padding + shares + [sp.S.Zero] * padding
        shares = [sum(shares[i : i + size], sp.S.Zero) / size for i in range(len(shares) - size + 1)]
        if not shares:
            raise ValueError(f"a window of {size} does not fit {length} pixels with padding {padding}")
    return tuple(shares)


def share(rows: Value, columns: Value, size: Value) -> sp.Expr:
    """Return E y^2 over that of an output inside, where `rows` x `columns` of the window lie in the image."""
    return window().at(
        a=positive_integer("rows", rows), b=positive_integer("columns", columns), k=positive_integer("size", size)
    )


def axis_windows(length: int, size: int, stride: int, padding: int) -> tuple[int, ...]:
    """Return, for each pixel of one axis, how many windows of a convolution it lies in."""
    for name, value in (("length", length), ("size", size), ("stride", stride)):
        positive_integer(name, value)
    outputs = (length + 2 * padding - size) // stride + 1
    starts = [stride * output - padding for output in range(outputs)]
    return tuple(sum(start <= pixel < start + size for start in starts) for pixel in range(length))


def cotangent_second_moment(rows: Value, columns: Value, size: Value) -> sp.Expr:
    """Return E dx^2 / E dy^2 with He's fan-out, for a pixel that lies in `rows` x `columns` windows; exact.

    For cotangents dy of one mean square that are fixed or independent of the weights.
    """
    counts = {
        name: positive_integer(label, value) for name, label, value in (("a", "rows", rows), ("b", "columns", columns))
    }
    return backward().at(k=positive_integer("size", size), **counts)


def fan_out_growth(channels_in: Value, channels_out: Value) -> sp.Expr:
    """Return the mean square after a ReLU convolution over that before it, with He's fan-out, inside the image."""
    channels = {"C": positive_integer("channels_in", channels_in), "C'": positive_integer("channels_out", channels_out)}
    return fan_out().at(**channels)


def shared_bias_ratio(channels: Value, positions: Value) -> sp.Expr:
    """Return E (dC/db)^2 for a bias shared by so many channels and positions, over the mean E d^2 of one entry's.

    Exact for cotangents that are uncorrelated; alike or not.
    """
    return shared_bias().at(C=positive_integer("channels", channels), P=positive_integer("positions", positions))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (window, separable, backward, fan_out, shared_bias)
