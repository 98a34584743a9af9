"""Convolutions: what zero padding takes from the edges of an image, and then from its middle."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, Network, Sequential, he, he_fan_out
from simulations.layers.convolution import Convolution
from simulations.numbers.arrays import Array
from theory.convolution import padding as edges
from theory.domain import number
from theory.fluctuations import norms as fluctuations

SIDE, SIZE, CHANNELS, OUT = 5, 3, 2, 3
CORNER, EDGE, INSIDE = (0, 0), (0, SIDE // 2), (SIDE // 2, SIDE // 2)
PLACES = (CORNER, EDGE, INSIDE)
COARSEST = 0.1
"""The shares of corners and edges, and wrong versions of them, are too close for larger errors at quick effort."""
Share = Callable[[int, int], sp.Expr]


def even_images(run: Run, rng: np.random.Generator, draws: int, channels: int, side: int) -> tuple[Array, Array]:
    """Images with one real row as the channels of every pixel, and their mean square, (draws,)."""
    rows = run.inputs.narrowed(channels)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    x = rows[rng.integers(len(rows), size=draws)]
    image = np.broadcast_to(x[:, None, :, None, None], (draws, 1, channels, side, side))
    return image, (x**2).mean(axis=1)


def _outputs(run: Run, init: Initialiser, padding: int, draws: int) -> Array:
    """Squares of a convolution's outputs over the input's mean square, summed over channels: (draws, side, side)."""
    rng = run.rng("forwards")
    x, square = even_images(run, rng, draws, CHANNELS, SIDE)
    layer = Convolution("layer", CHANNELS, OUT, SIZE, padding=padding, init=init)
    y, _ = layer.forward(layer.draw(rng, draws), x)
    sums: Array = (y[:, 0] ** 2).sum(axis=1) / square[:, None, None]
    return sums


def _inside(place: int) -> int:
    """Rows (or columns) of a window around this place of an axis that lie in the image."""
    return SIZE - (place in (0, SIDE - 1))


@claim(
    "A5",
    paper=HE,
    where="section 2.2, for convolutions; with zero padding derived here",
    states=r"\frac{\mathbb Ey^2_{\text{edge}}}{\mathbb Ey^2_{\text{inside}}}=\frac69,\quad"
    r"\frac{\mathbb Ey^2_{\text{corner}}}{\mathbb Ey^2_{\text{inside}}}=\frac49;\qquad"
    r"\text{fan-in}=k^2C:\ \mathbb Ey^2_{\text{inside}}=2\,\overline{x^2}",
    derivation=edges.window,
    mutants=[
        mutant(
            "edges like the rest",
            "The fan-in of the formula is that of a window inside; at the edge a third of it is padding.",
            share=lambda rows, columns: sp.Integer(1),
        ),
        mutant(
            "deficits add",
            "1 - 1/3 - 1/3 at the corner: the row and the column that are lost have a pixel in common.",
            share=lambda rows, columns: 1 - sp.Rational(2 * SIZE - rows - columns, SIZE),
        ),
        mutant(
            "amplitudes",
            "The squares fall to 6/9 and 4/9, not the standard deviations.",
            share=lambda rows, columns: edges.share(rows, columns, SIZE) ** 2,
        ),
        mutant(
            "fan-in without the window",
            "2 / C for a variance, as if the convolution were a dense layer of the channels.",
            init=he.scaled(SIZE),
        ),
        mutant("fan-out", "The simulated variance is 2 / (9 C'), with the channels that go out.", init=he_fan_out),
        mutant(
            "no padding",
            "The simulated convolution leaves out windows that reach over the edge, so its edges lose nothing.",
            padding=0,
        ),
    ],
)
def padding_takes_from_the_edges(
    run: Run, *, share: Share = lambda rows, columns: edges.share(rows, columns, SIZE), init: Initialiser = he,
    padding: int = 1,
) -> Finding:  # fmt: skip
    """Zero padding leaves 6/9 of the second moment at the edges of an image and 4/9 in its corners.

    Averages over Gaussian weights at fixed images with the same real channels in every pixel; exact at any width. At
    each place the sum of squares over the 3 channels is a multiple of a chi-square variable.
    """
    test = run.share(len(PLACES)).chi_square(OUT, error=0.08, at_most=COARSEST)
    sums = run.once(_outputs, init, padding, test.draws)
    last = sums.shape[1] - 1
    return all_of(
        test(sums[:, min(row, last), min(column, last)] / (2 * number(share(_inside(row), _inside(column)))))
        for row, column in PLACES
    )


DEEP_SIDE, DEEP_CHANNELS = 3, 6


def _two_layers(run: Run, padded: bool, draws: int) -> Array:
    """Mean squares of pixels after two ReLU layers over that of the image: corners, edges, centre, (draws, 3)."""
    rng = run.rng("two layers")
    x, square = even_images(run, rng, draws, CHANNELS, DEEP_SIDE if padded else DEEP_SIDE + 2)
    widths = (CHANNELS, DEEP_CHANNELS, DEEP_CHANNELS)
    blocks = [
        Sequential((Convolution(f"layer{i}", widths[i], widths[i + 1], SIZE, padding=int(padded or i)), LeakyReLU()))
        for i in range(2)
    ]
    network = Network(tuple(blocks))
    y = network.run(network.draw(rng, draws), x).output[:, 0]
    pixels = (y**2).mean(axis=1) / square[:, None, None]
    corners, edges = pixels[:, ::2, ::2].mean(axis=(1, 2)), (pixels[:, 0, 1] + pixels[:, 1, 0]) / 2
    return np.stack([corners, edges, pixels[:, 1, 1]], axis=1)


def _shares() -> list[sp.Expr]:
    edge, middle, _ = edges.axis_shares(DEEP_SIDE, SIZE, 1, 2)
    return [edge**2, edge * middle, middle**2]


@claim(
    "A5",
    paper=HE,
    where="section 2.2, for convolutions; with zero padding derived here",
    states=r"\text{after two layers, 3 pixels a side:}\quad\frac{\mathbb Ex^2_{\text{corner}}}"
    r"{\overline{x_0^2}}=\frac{25}{81},"
    r"\quad\frac{\mathbb Ex^2_{\text{edge}}}{\overline{x_0^2}}=\frac{35}{81},"
    r"\quad\frac{\mathbb Ex^2_{\text{centre}}}{\overline{x_0^2}}=\frac{49}{81}",
    derivation=[edges.window, edges.separable, partial(fluctuations.ratio_moment, 2)],
    mutants=[
        mutant(
            "only the outermost pixels",
            "4/9, 6/9 and 1 are the shares of the first layer; the deficit spreads inwards.",
            shares=lambda: [sp.Rational(4, 9), sp.Rational(6, 9), sp.Integer(1)],
        ),
        mutant(
            "each layer alike",
            "(4/9)^2: the window of a corner holds pixels that have lost less than the corner.",
            shares=lambda: [sp.Rational(16, 81), sp.Rational(36, 81), sp.Integer(1)],
        ),
        mutant(
            "edges like the rest",
            "He keeps the mean square of every pixel only if the image goes on beyond its edge.",
            shares=lambda: [sp.Integer(1)] * 3,
        ),
        mutant(
            "no padding below",
            "The first simulated layer starts from a larger image and leaves out what reaches over its edge.",
            padded=False,
        ),
    ],
)
def the_deficit_spreads(run: Run, *, shares: Callable[[], list[sp.Expr]] = _shares, padded: bool = True) -> Finding:
    """The deficit of padded edges spreads inwards layer by layer, as the average over windows of the shares before.

    Averages over Gaussian weights at fixed images with the same real channels in every pixel; exact at any width. Two
    ReLU layers. At fixed patch a pixel's square norm has relative second moment m = 1 + 5/n, so by Minkowski's
    inequality that of a pixel two layers up, and of a mean of pixels, is at most m^2.
    """
    second = number(fluctuations.relu_ratio_moment(2, DEEP_CHANNELS)) ** 2
    test = run.share(3).mean(1, variance=second - 1, error=0.1, at_most=COARSEST)
    samples = run.once(_two_layers, padded, test.draws)
    return all_of(
        test(column / number(truth), expected=told / truth)
        for column, told, truth in zip(samples.T, shares(), _shares(), strict=True)
    )
