"""The fans of convolutions with groups, holes and strides, and of transposed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, rademacher
from simulations.layers.grouped_convolution import GroupedConvolution, TransposedConvolution
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.layer import fans, products
from theory.layer.fans import Fans

COARSEST = 0.25
"""Wrong fans differ from true ones by a third and more."""
CONVENTIONS = "Conventions of frameworks"


def one(fan_in: int, fan_out: int) -> float:
    """Return a variance of 1, whatever the fans."""
    return 1.0


UNIT = Initialiser(one)


@dataclass(frozen=True)
class Case:
    """A convolution of IN channels to OUT, the image that it reads, and what theory says of it."""

    side: int
    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False
    channels: tuple[int, int] = (4, 8)

    def layer(self, init: Initialiser) -> GroupedConvolution | TransposedConvolution:
        """Return the layer to be simulated."""
        kind = TransposedConvolution if self.transposed else GroupedConvolution
        return kind("layer", *self.channels, self.size, self.stride, self.padding, self.dilation, self.groups, init)

    def fans(self) -> Fans:
        """Return its fans in the middle of the image."""
        count = fans.transposed_convolution if self.transposed else fans.convolution
        return count(*self.channels, self.size, stride=self.stride, groups=self.groups)


CASES: Mapping[str, Case] = {
    "grouped": Case(3, 3, padding=1, groups=2),
    "depthwise": Case(3, 3, padding=1, groups=4),
    "dilated": Case(5, 3, padding=2, dilation=2),
    "strided": Case(6, 4, stride=2, padding=1),
    "transposed": Case(4, 4, stride=2, padding=1, transposed=True, channels=(4, 6)),
    "transposed in groups": Case(3, 3, padding=1, groups=2, transposed=True),
}


def middles(run: Run, case: Case, init: Initialiser, draws: int) -> tuple[Array, Array]:
    """Sums of squares over channels of the output, and of the input's cotangent, in the middle of the image."""
    rng = run.rng("layer", *map(str, vars(case).values()))
    layer = case.layer(init)
    x = rademacher(rng, (draws, 1, case.channels[0], case.side, case.side))
    y, pullback = layer.forward(layer.draw(rng, draws), x)
    dx = pullback(rademacher(rng, y.shape), None)
    out, back = (np.square(image[:, 0, :, image.shape[3] // 2, image.shape[4] // 2]).sum(axis=1) for image in (y, dx))
    return out, back


def _of_stride_1(case: Case) -> Fans:
    return replace(case, stride=1).fans()


def _holes_filled(case: Case) -> Fans:
    return replace(case, size=case.dilation * (case.size - 1) + 1).fans()


@claim(
    "A7",
    paper=HE,
    where="section 2.2, for convolutions with groups, dilation and strides, and transposed ones; derived here",
    states=r"\frac{\mathbb Ey^2}{\sigma^2\,\overline{x^2}}=k^2\frac Cg,\quad\frac{\mathbb Edx^2}{\sigma^2\,"
    r"\overline{dy^2}}=\frac{k^2}{s^2}\frac{C'}g;\qquad\text{transposed: }\frac{k^2}{s^2}\frac Cg,\ k^2\frac{C'}g",
    derivation=[
        products.convolution_forwards,
        products.convolution_backwards,
        products.transposed_forwards,
        products.transposed_backwards,
    ],
    mutants=[
        mutant(
            "the fan of the folded kernel",
            "All channels, as if groups saw each other's; an output has products with those of its own group alone.",
            counted=lambda case: replace(case, groups=1).fans(),
        ),
        mutant(
            "whatever the stride",
            "A stride thins out the products on the coarse image's side: k^2 C for transposed ones is s^2 too many.",
            counted=_of_stride_1,
        ),
        mutant(
            "the stride on the other side",
            "Windows overlap less in a convolution's input, not in its output; transposed, the other way round.",
            counted=lambda case: replace(case, transposed=not case.transposed).fans(),
        ),
        mutant(
            "holes count",
            "A dilated window covers more pixels but has as many weights as before.",
            counted=_holes_filled,
        ),
        mutant("no groups", "The simulated layers connect all channels with all.", grouped=False),
    ],
)
def fans_count_products(
    run: Run, *, counted: Callable[[Case], Fans] = Case.fans, grouped: bool = True
) -> Finding:  # fmt: skip
    """Fans count products: groups divide both, a stride divides one of them by its square, dilation neither.

    Averages over Gaussian weights at fixed images and cotangents of one size, away from edges; exact at any width.
    Where the stride divides the window, as here, for every pixel. Sums of squares over channels are multiples of
    chi-square variables.
    """
    run, findings = run.share(2 * len(CASES)), []
    for case in CASES.values():
        told = counted(case)
        tests = [run.chi_square(channels, error=COARSEST, at_most=COARSEST) for channels in case.channels[::-1]]
        most = max(test.draws for test in tests)
        found = run.once(middles, case if grouped else replace(case, groups=1), UNIT, most)
        for test, sums, fan in zip(tests, found, (told.forwards, told.backwards), strict=True):
            findings.append(test(sums[: test.draws] / number(fan)))
    return all_of(findings)


STRIDE, SIZE, SIDE, PLACES = 2, 3, 4, ((0, 0), (0, 1), (2, 2), (2, 3), (3, 3))


def _pattern(row: int, column: int) -> float:
    """Products that meet in a pixel, over the channels."""
    taps = fans.transposed_taps(STRIDE * (SIDE - 1) + SIZE - 2, SIZE, STRIDE, 1)
    return taps[row] * taps[column]


def _pixels(run: Run, size: int, channels: tuple[int, int], draws: int) -> Array:
    rng = run.rng("pattern", size)
    layer = TransposedConvolution("layer", *channels, size, STRIDE, 1, init=UNIT)
    y, _ = layer.forward(layer.draw(rng, draws), rademacher(rng, (draws, 1, channels[0], SIDE, SIDE)))
    squares: Array = np.square(y[:, 0]).sum(axis=1)
    return squares


@claim(
    "A8",
    paper=HE,
    where="section 2.2, for transposed convolutions, position by position; derived here",
    states=r"k=3,\ s=2:\quad\mathbb Ey_p^2=a_pb_p\,C\sigma^2\,\overline{x^2},\quad a,b\in\{1,2\}:\qquad"
    r"\text{neighbours differ by factors of }2\text{ and }4",
    derivation=[products.transposed_forwards],
    mutants=[
        mutant(
            "the mean for every pixel",
            "k^2/s^2 = 9/4 is the mean over pixels, and no pixel has it: windows overlap in every other row.",
            pattern=lambda row, column: SIZE**2 / STRIDE**2,
        ),
        mutant(
            "the whole window",
            "k^2 C products meet in a pixel at stride 1.",
            pattern=lambda row, column: float(SIZE**2),
        ),
        mutant(
            "one axis only",
            "The pattern is a product over rows and columns.",
            pattern=lambda row, column: _pattern(row, 1),
        ),
        mutant(
            "a window that the stride divides",
            "The simulated window is 4 x 4, in which every pixel inside adds up as many products.",
            size=STRIDE**2,
        ),
    ],
)
def strides_leave_a_pattern(run: Run, *, pattern: Callable[[int, int], float] = _pattern, size: int = SIZE) -> Finding:
    """A transposed convolution whose stride does not divide its window starts with a checkerboard of mean squares.

    Averages over Gaussian weights at fixed images of one size, pixel by pixel; exact at any width. Sums of squares over
    channels are multiples of chi-square variables. That trained nets keep the pattern is not said.
    """
    channels = (2, 6)
    test = run.share(len(PLACES)).chi_square(channels[1], error=COARSEST, at_most=COARSEST)
    squares = run.once(_pixels, size, channels, test.draws)
    return all_of(test(squares[:, row, column] / (channels[0] * pattern(row, column))) for row, column in PLACES)
