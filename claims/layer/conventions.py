"""What the fans that frameworks count make of layers whose shape shows no groups, strides or axes, and of tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims.layer.fans import COARSEST, CONVENTIONS, Case, middles
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, glorot, rademacher
from simulations.attention.embedding import Embedding, unit_rows
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.layer import conventions, fans, products
from theory.layer.conventions import Mode


@dataclass(frozen=True)
class Stored:
    """A convolution, the shape in which a framework stores it, and the fan that its rule takes.

    Attributes
    ----------
    divisor : int
        What the framework's rule divides by, counted by hand.
    """

    case: Case
    shape: tuple[int, ...]
    mode: Mode
    divisor: float

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance that the framework gives, whatever the true fans."""
        return 1 / self.divisor


PYTORCH: Mapping[str, Stored] = {
    "depthwise": Stored(Case(3, 3, padding=1, groups=4, channels=(4, 4)), (4, 1, 3, 3), "fan_out", 36),
    "grouped": Stored(Case(3, 3, padding=1, groups=2, channels=(4, 4)), (4, 2, 3, 3), "fan_out", 36),
    "transposed, stride 2": Stored(
        Case(4, 4, stride=2, padding=1, transposed=True, channels=(8, 2)), (8, 2, 4, 4), "fan_out", 128
    ),
    "transposed, stride 1": Stored(Case(3, 3, padding=1, transposed=True, channels=(8, 2)), (8, 2, 3, 3), "fan_in", 18),
}
Factor = Callable[[Stored], float]


def _kept(stored: Stored) -> float:
    told = conventions.pytorch(stored.shape)
    return number(conventions.forward_factor(stored.case.fans(), told, stored.mode))


def _true_fan(stored: Stored) -> Callable[[int, int], float]:
    fan_in = number(stored.case.fans().forwards)
    return lambda told_in, told_out: 1 / fan_in


@claim(
    "A10",
    paper=CONVENTIONS,
    where="torch.nn.init: fans of a convolution's weight, as it is stored",
    states=r"\frac{\mathbb Ey^2}{\overline{x^2}}:\quad\text{fan-out, }C'=C\text{: }\frac1g\ (\text{depthwise }"
    r"\tfrac1C);\qquad\text{transposed: }\frac1{s^2}\ \text{(fan-out)},\quad\frac C{C's^2}\ \text{(fan-in)}",
    derivation=[products.convolution_forwards, products.transposed_forwards],
    mutants=[
        mutant(
            "the mean square is kept",
            "That is what the rules say of themselves; they count from a shape that shows no groups and no stride.",
            kept=lambda stored: 1.0,
        ),
        mutant("more, not less", "Too large a fan makes weights too small.", kept=lambda stored: 1 / _kept(stored)),
        mutant("the root", "That is the factor on standard deviations.", kept=lambda stored: math.sqrt(_kept(stored))),
        mutant(
            "the true fan",
            "The simulated weights have 1 over the fan that their layer has.",
            variance=_true_fan,
        ),
    ],
)
def stored_shapes_hide_groups_and_strides(
    run: Run,
    *,
    kept: Factor = _kept,
    variance: Callable[[Stored], Callable[[int, int], float]] = lambda stored: stored.variance,
) -> Finding:
    """PyTorch's fan-out leaves 1/groups of the mean square in grouped convolutions; transposed, it misses the stride.

    Averages over Gaussian weights of gain 1 at fixed images of one size, away from edges; exact at any width. Sums of
    squares over channels are multiples of chi-square variables. Of 4 channels, and of 8 to 2 in transposed ones. He's
    gain and a ReLU behind leave the factors as they are.
    """
    run, findings = run.share(len(PYTORCH)), []
    for stored in PYTORCH.values():
        out = stored.case.channels[1]
        test = run.chi_square(out, error=COARSEST, at_most=COARSEST)
        sums, _ = run.once(middles, stored.case, Initialiser(variance(stored)), test.draws)
        findings.append(test(sums / kept(stored)))
    return all_of(findings)


INPUTS, HEADS = 8, 4
KERNELS: Mapping[str, tuple[tuple[int, ...], Sequence[int], Sequence[int], float]] = {
    "queries": ((INPUTS, HEADS, 2), (0,), (1, 2), 1 / 24),
    "outputs": ((HEADS, 2, INPUTS), (0, 1), (2,), 1 / 20),
}
"""Shape, in axes, out axes, and the variance that Keras' Glorot gives, counted by hand."""


def _contracted(run: Run, name: str, variance: float, draws: int) -> Array:
    """Sums of squares of what a kernel of three axes makes of inputs that are signs."""
    rng = run.rng(name)
    shape, inward, _, _ = KERNELS[name]
    kernel = math.sqrt(variance) * rng.standard_normal((draws, *shape))
    x = rademacher(rng, (draws, *(shape[axis] for axis in inward)))
    y = np.einsum("ri,rihw->rhw" if len(inward) == 1 else "rhw,rhwo->ro", x, kernel)
    squares: Array = np.square(y).reshape(draws, -1).sum(axis=1)
    return squares


def _keras(name: str) -> float:
    shape, inward, outward, _ = KERNELS[name]
    return number(conventions.forward_factor(fans.kernel(shape, inward, outward), conventions.keras(shape), "fan_avg"))


def _jax(name: str) -> float:
    shape, inward, outward, _ = KERNELS[name]
    told = conventions.jax(shape, inward, outward)
    return number(conventions.forward_factor(fans.kernel(shape, inward, outward), told, "fan_avg"))


@claim(
    "A11",
    paper=CONVENTIONS,
    where="compute_fans in Keras, variance_scaling in JAX: kernels of three axes",
    states=r"(d,h,w):\ \frac{\mathbb Ey^2}{\overline{x^2}}=\frac2{h+w};\qquad(h,w,d):\ "
    r"\frac2{1+d/w};\qquad\text{axes stated: }\frac{2\,n_{\text{in}}}{n_{\text{in}}+n_{\text{out}}}",
    derivation=[products.kernel_forwards, products.kernel_backwards],
    mutants=[
        mutant(
            "the axes as they are meant",
            "That is JAX with its axes stated; from the shape alone the first axis is taken for a window.",
            kept=_jax,
        ),
        mutant(
            "a matrix of the last two axes",
            "As if the first axis were a batch: each of its entries with weights and outputs of its own.",
            kept=lambda name: 2 * KERNELS[name][0][1] / sum(KERNELS[name][0][1:]),
        ),
        mutant("the root", "That is the factor on standard deviations.", kept=lambda name: math.sqrt(_keras(name))),
        mutant(
            "axes stated",
            "The simulated kernels have Glorot's variance for 8 inputs and 8 outputs.",
            variance=lambda name: 1 / INPUTS,
        ),
    ],
)
def shapes_do_not_tell_axes(
    run: Run,
    *,
    kept: Callable[[str], float] = _keras,
    variance: Callable[[str], float] = lambda name: KERNELS[name][3],
) -> Finding:
    """Keras' count takes the first of a kernel's three axes for a window, so heads' projections start too small.

    Averages over Gaussian kernels (d, heads, width) and (heads, width, d) at fixed inputs of one size, d = 8 and 4
    heads; exact at any width. With Glorot's rule, where no axes are stated. Sums of squares are multiples of chi-square
    variables.
    """
    run, findings = run.share(len(KERNELS)), []
    for name in KERNELS:
        test = run.chi_square(INPUTS, error=0.1, at_most=0.15)
        findings.append(test(run.once(_contracted, name, variance(name), test.draws) / kept(name)))
    return all_of(findings)


TOKENS, WIDTH = 24, 6


def _rows(run: Run, init: Initialiser, draws: int) -> Array:
    rng = run.rng("rows")
    layer = Embedding("table", TOKENS, WIDTH, init)
    tokens: NDArray[Any] = rng.integers(TOKENS, size=(draws, 1, 1))
    rows, _ = layer.forward(layer.draw(rng, draws), tokens)
    squares: Array = np.square(rows[:, 0]).sum(axis=1)
    return squares


@claim(
    "A9",
    paper=CONVENTIONS,
    where="tables of embeddings: PyTorch's deviation 1, Flax' variance 1/d, and rules that take the vocabulary",
    states=r"\mathbb E\|E_t\|^2=d\,\sigma^2\ \text{at any vocabulary }V;\qquad\sigma^2=1:\ d,\quad"
    r"\sigma^2=\tfrac1d:\ 1,\quad\sigma^2=\tfrac1V:\ \tfrac dV",
    derivation=[products.looked_up],
    mutants=[
        mutant(
            "the vocabulary as fan-in",
            "V products, of which all but one are with a zero.",
            square=lambda variance: TOKENS * WIDTH * variance,
        ),
        mutant(
            "an entry for a row",
            "The mean square of an entry is the variance; a row has d of them.",
            square=lambda variance: variance,
        ),
        mutant(
            "Glorot's rule for the table",
            "The simulated table has variance 2/(V + d), as if all its rows were added.",
            init=glorot,
        ),
    ],
)
def lookups_have_fan_in_1(
    run: Run, *, square: Callable[[float], float] = lambda variance: WIDTH * number(
        products.lookup_second_moment(variance)), init: Initialiser = unit_rows
) -> Finding:  # fmt: skip
    """A row that is looked up has the mean square of the table's entries, whatever the size of the vocabulary.

    Averages over Gaussian tables at fixed tokens; exact at any width. The square norm of a row is a multiple of a
    chi-square variable.
    """
    test = run.chi_square(WIDTH, error=0.1, at_most=COARSEST)
    return test(run.once(_rows, init, test.draws) / (square(1 / WIDTH) / WIDTH))
