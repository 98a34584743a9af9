"""The fans of convolutions: how many outputs a pixel really enters, and the fan-out of Fixup's released code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.convolution.padding import even_images
from claims.papers import FIXUP, HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, he, he_fan_out, rademacher, torch_default
from simulations.layers.convolution import Convolution
from simulations.networks.fixup import FixupRules
from simulations.networks.resnet import resnet
from simulations.numbers.arrays import Array
from theory.convolution import padding
from theory.domain import number
from theory.layer import one_layer

SIDE, SIZE, CHANNELS, OUT = 5, 3, 2, 3
PLACES = ((0, 0), (0, SIDE // 2), (SIDE // 2, SIDE // 2))
COARSEST = 0.2
"""Fan-in and fan-out differ by too little for larger errors at quick effort."""

Enters = Callable[[int, int, int], float]
STRIDES = {1: 1, 2: 0}
"""The padding that goes with each stride."""


def _cotangents(run: Run, stride: int, simulated: int, init: Initialiser, draws: int) -> Array:
    """Squares of the cotangent of a convolution's input for random signs at its output, summed over channels."""
    rng = run.rng("backwards", stride)
    layer = Convolution("layer", CHANNELS, OUT, SIZE, simulated, STRIDES[stride], init)
    y, pullback = layer.forward(layer.draw(rng, draws), np.zeros((draws, 1, CHANNELS, SIDE, SIDE)))
    sums: Array = (pullback(rademacher(rng, y.shape), None)[:, 0] ** 2).sum(axis=1)
    return sums


def _enters(row: int, column: int, stride: int) -> float:
    counts = padding.axis_windows(SIDE, SIZE, stride, STRIDES[stride])
    return number(padding.cotangent_second_moment(counts[row], counts[column], SIZE))


@claim(
    "A5",
    paper=HE,
    where="section 2.2, backwards; with strides and padding derived here",
    states=r"\operatorname{Var}W=\frac2{k^2C'}:\quad\mathbb E\,dx_p^2=\frac{2\,a_pb_p}{k^2}\,\overline{dy^2},\qquad"
    r" a_pb_p=\text{the number of windows that hold pixel }p",
    derivation=padding.backward,
    mutants=[
        mutant(
            "fan-out whatever the stride",
            "k^2 C' is the fan-out of pixels inside, at stride 1.",
            enters=lambda row, column, stride: 2.0,
        ),
        mutant(
            "the average for every pixel",
            "k^2 C' / stride^2 is the mean over pixels: with stride 2 some enter four windows and others one.",
            enters=lambda row, column, stride: 2 / stride**2,
        ),
        mutant(
            "one axis only",
            "A stride skips rows and columns.",
            enters=lambda row, column, stride: _enters(row, SIDE // 2, stride),
        ),
        mutant("fan-in", "The simulated variance is 2 / (9 C), with the channels that come in.", init=he),
        mutant("no stride", "The simulated convolutions have stride 1.", strided=False),
    ],
)
def strides_and_padding_change_the_fan_out(
    run: Run, *, enters: Enters = _enters, init: Initialiser = he_fan_out, strided: bool = True
) -> Finding:
    """Backwards a pixel has the fan-out of the windows it lies in, which strides and padding make fewer than k^2.

    Averages over Gaussian weights at fixed cotangents of the outputs, all of one size; exact at any width. Corner, edge
    and middle of 5 x 5 pixels, at stride 1 with padding and at stride 2 without; the sum of squares over channels is a
    multiple of a chi-square variable.
    """
    run, findings = run.share(len(PLACES) * len(STRIDES)), []
    test = run.chi_square(CHANNELS, error=0.1, at_most=COARSEST)
    for stride in STRIDES:
        sums = run.once(_cotangents, stride, stride if strided else 1, init, test.draws)
        findings += [test(sums[:, row, column] / enters(row, column, stride)) for row, column in PLACES]
    return all_of(findings)


WIDTHS = (2, 4)
LAYERS = {"block0.layer0": (WIDTHS[0], WIDTHS[0]), "block1.layer0": WIDTHS}
"""The first convolution of a block that keeps its channels, and of one that doubles them."""
STEM = 3
Growth = Callable[[int, int], sp.Expr]


def _released(run: Run, branch: Initialiser, stem: Initialiser, draws: int) -> dict[str, Array]:
    """Mean square of the outputs of three convolutions, each on an image of 3 x 3 pixels, over that of the image."""
    rng = run.rng("released")
    unscaled = FixupRules(scaled=False)
    network = resnet(
        WIDTHS, 1, image=(STEM, SIZE, SIZE), shortcut="convolution", branch=branch, stem=stem, rules=unscaled
    )
    parameters, found = network.draw(rng, draws), {}
    for name, (channels, out) in {**LAYERS, "stem": (STEM, WIDTHS[0])}.items():
        x, square = even_images(run, rng, draws, channels, SIZE)
        y, _ = Convolution(name, channels, out, SIZE).forward(parameters, x)
        found[name] = (y**2).mean(axis=(1, 2, 3, 4)) / square
    return found


@claim(
    "F12",
    paper=FIXUP,
    where="released code: initialisation of the convolutions",
    states=r"\operatorname{std}W=\sqrt{\tfrac2{k^2C'}}:\quad\mathbb E\,\overline{\operatorname{relu}(y)^2}="
    r"\tfrac C{C'}\,\overline{x^2};\qquad\text{stem }U(\pm(k^2C)^{-1/2}):\ \tfrac16\,\overline{x^2}",
    derivation=[padding.fan_out, one_layer.uniform_second],
    mutants=[
        mutant(
            "the mean square is kept",
            "That is fan-in, the formula of the paper's text; the two agree where channels do not change.",
            growth=lambda channels, out: sp.Integer(1),
        ),
        mutant(
            "it doubles",
            "C'/C is what fan-in does to cotangents; forwards fan-out divides.",
            growth=lambda channels, out: padding.fan_out_growth(out, channels),
        ),
        mutant(
            "the root",
            "sqrt(C / C') is the ratio of standard deviations.",
            growth=lambda channels, out: sp.sqrt(sp.Rational(channels, out)),
        ),
        mutant(
            "Glorot's average",
            "2 / (1 + C'/C) is what the average of both fans does.",
            growth=lambda channels, out: 2 / (1 + sp.Rational(out, channels)),
        ),
        mutant("fan-in", "The simulated branches take He's fan-in.", branch=he),
        mutant(
            "the stem like the branches",
            "The simulated stem takes fan-out; the released code leaves PyTorch's default in the first convolution.",
            stem=he_fan_out,
        ),
    ],
)
def released_code_takes_fan_out(
    run: Run,
    *,
    growth: Growth = padding.fan_out_growth,
    branch: Initialiser = he_fan_out,
    stem: Initialiser = torch_default,
) -> Finding:
    """Fixup's code takes fan-out: convolutions that double the channels halve the mean square; the stem keeps a sixth.

    Averages over weights at fixed images with the same real channels in every pixel, away from the edges; exact at any
    width. Rule 2's scale is left out. Measured before the ReLU, which halves: in the branches, Gaussian, the sum over
    channels is a multiple of a chi-square variable; in the stem, uniform, the kurtosis of a square is at most 3.
    """
    run = run.share(len(LAYERS) + 1)
    third = number(one_layer.second_moment(1, one_layer.uniform_variance(1 / sp.sqrt(SIZE**2 * STEM)), SIZE**2 * STEM))
    laws = {name: run.chi_square(out, error=0.05, at_most=0.1) for name, (_, out) in LAYERS.items()}
    mean = run.mean(third, variance=2 * third**2 / WIDTHS[0], error=0.05, at_most=0.1)
    found = run.once(_released, branch, stem, max(mean.draws, *(law.draws for law in laws.values())))
    findings = [
        laws[name](out * found[name] / (2 * number(growth(channels, out)))) for name, (channels, out) in LAYERS.items()
    ]
    return all_of([*findings, mean(found["stem"])])
