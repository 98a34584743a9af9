"""Fixup's scalars: why their gradients are larger than those of other parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.convolution.padding import even_images
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Network, he_fan_out, rademacher
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Gradients
from simulations.layers.scalars import ScalarBias
from simulations.numbers.arrays import Array
from theory.convolution import padding
from theory.domain import number

SIDE, SIZE, CHANNELS, OUT = 4, 3, 2, 4
POSITIONS = SIDE**2
Ratio = Callable[[int, int], sp.Expr]


def _square_gradients(run: Run, alike: bool, draws: int) -> Array:
    """Squares of the gradients of a scalar bias, of a channel's bias, and of one entry: (draws, 3), means of each kind.

    Random signs at the output of the convolution above, or with `alike` one sign for all positions of a channel.
    """
    rng = run.rng("gradients")
    network = Network(
        (
            Convolution("first", CHANNELS, CHANNELS, 1, bias_deviation=0.0),
            ScalarBias("scalar"),
            Convolution("last", CHANNELS, OUT, SIZE, init=he_fan_out),
        )
    )
    x, _ = even_images(run, rng, draws, CHANNELS, SIDE)
    one = network.run(network.draw(rng, draws), x)
    signs = rademacher(rng, one.output.shape[: 3 if alike else 5])
    into: Gradients = {}
    entries = one.backward(np.broadcast_to(signs[..., None, None] if alike else signs, one.output.shape), into)[1]
    kinds = (into["scalar"].array, into["first.bias"].array, entries)
    return np.stack([(kind**2).reshape(draws, -1).mean(axis=1) for kind in kinds], axis=1)


@claim(
    "F13",
    paper=FIXUP,
    where="released code: a tenth of the learning rate for scalars; the authors' reason, derived here",
    states=r"\mathbb E\Bigl(\frac{\partial\ell}{\partial b}\Bigr)^2=C P\,\mathbb E\,d^2,\qquad"
    r" b\text{ shared by }C\text{ channels and }P\text{ positions with cotangents }d",
    derivation=[padding.shared_bias, padding.backward],
    mutants=[
        mutant(
            "like any other bias",
            "The gradient of a shared parameter is a sum over all places where it is used.",
            ratio=lambda channels, positions: sp.Integer(1),
        ),
        mutant(
            "positions only",
            "P is the ratio of a channel's bias; a scalar is shared by the channels too.",
            ratio=lambda channels, positions: padding.shared_bias_ratio(1, positions),
        ),
        mutant(
            "all in step",
            "(C P)^2 is the square of a sum whose terms are all alike.",
            ratio=lambda channels, positions: padding.shared_bias_ratio(channels, positions) ** 2,
        ),
        mutant(
            "the root",
            "sqrt(C P) is the ratio of root mean squares.",
            ratio=lambda channels, positions: sp.sqrt(padding.shared_bias_ratio(channels, positions)),
        ),
        mutant(
            "correlated positions",
            "The simulated cotangents of a channel above have one sign, as below a global average.",
            alike=True,
        ),
    ],
)
def shared_biases_add_up(run: Run, *, ratio: Ratio = padding.shared_bias_ratio, alike: bool = False) -> Finding:
    """A bias shared by all channels and positions has a squared gradient as many times that of a single entry's.

    Averages over Gaussian weights and random signs as cotangents, which makes the entries' cotangents uncorrelated;
    exact at any width. Also a bias a channel, with positions only, and a single entry. Given the signs a gradient is
    normal with a variance that is a sum of C' independent squares, each of kurtosis at most 3 (so is a mean of several,
    by Minkowski's inequality): the relative second moment of its square is at most 3 (1 + 2/C').
    """
    counts = padding.axis_windows(SIDE, SIZE, 1, 0)
    entry = sum(number(padding.cotangent_second_moment(a, b, SIZE)) for a in counts for b in counts) / POSITIONS
    test = run.share(3).mean(1, variance=3 * (1 + 2 / OUT) - 1, error=0.1, at_most=0.2)
    samples = run.once(_square_gradients, alike, test.draws)
    return all_of(
        test(
            column / (entry * number(padding.shared_bias_ratio(*shared))),
            expected=ratio(*shared) / padding.shared_bias_ratio(*shared),
        )
        for column, shared in zip(samples.T, [(CHANNELS, POSITIONS), (1, POSITIONS), (1, 1)], strict=True)
    )
