"""Weight standardisation: the gain that centred weights need behind a ReLU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, LeakyReLU, Network, lecun
from simulations.layers.dense import Layer
from simulations.layers.normalisation import WeightStandardised
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.normalisation import branches as normalised

WIDTH = 8


def _centred(gain: float) -> Layer:
    return WeightStandardised(Dense("second", WIDTH, WIDTH, lecun), gain / WIDTH**0.5)


def _plain(gain: float) -> Layer:
    return Dense("second", WIDTH, WIDTH, lecun.scaled(gain))


def _behind_relu(run: Run, layer: Callable[[float], Layer], gain: float, draws: int) -> Array:
    """Second moments at a fixed real row, over that of the pre-activations before the ReLU, (draws,)."""
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("row")
    x = rows[rng.integers(len(rows), size=draws)][:, None, :]
    network = Network((Dense("first", WIDTH, WIDTH, lecun), LeakyReLU(), layer(gain)))
    y = network.run(network.draw(rng, draws), x).output
    moments: Array = np.square(y).mean(axis=(1, 2)) * WIDTH / np.square(x).sum(axis=(1, 2))
    return moments


def _pairs(run: Run, layer: Callable[[float], Layer], gain: float, draws: int) -> tuple[Array, Array]:
    """Half squared differences and products of the outputs at two normal inputs to the ReLU, each (draws,)."""
    rng = run.rng("pairs")
    network = Network((LeakyReLU(), layer(gain)))
    y = network.run(network.draw(rng, draws), rng.normal(size=(draws, 2, WIDTH))).output
    return np.square(y[:, 0] - y[:, 1]).mean(axis=1) / 2, (y[:, 0] * y[:, 1]).mean(axis=1)


def _standardised_variances(gain: float) -> tuple[float, float, float]:
    """Bounds on the variances of second moment, half squared difference and product behind centred weights.

    A unit's weights are uniformly distributed on a sphere in n - 1 dimensions, so E (w.d)^4 = 3 |Pd|^4 gamma^4 / (n^2 -
    1), P taking the mean away; 3 / (n^2 - 1) <= 3 / (n - 1)^2, and n units of one draw divide the part that is theirs.
    |Pr|^2 / (n - 1) is a sample variance, whose variance is classical; |Pd| <= |d|; Pr and Pr' are independent.
    """
    n, v, fourth = WIDTH, number(normalised.SPREAD), number(normalised.relu_fourth_central_moment())
    sample = v**2 + fourth / n - v**2 * (n - 3) / (n * (n - 1))
    truth = gain**2 * v
    fourth_of_gap = n * (2 * fourth + 6 * v**2) + n * (n - 1) * (2 * v) ** 2
    product = ((n - 1) ** 2 * v**2 + 2 * (n - 1) * v**2) / n + (n - 1) * v**2
    return (
        gain**4 * sample * (1 + 2 / n) - truth**2,
        gain**4 / 4 * fourth_of_gap / (n - 1) ** 2 * (1 + 2 / n) - truth**2,
        gain**4 * product / (n - 1) ** 2,
    )


def _he_variances() -> tuple[float, float]:
    """Variances of half squared difference and product under He: normal outputs given the activations; exact."""
    n, v, fourth = WIDTH, number(normalised.SPREAD), number(normalised.relu_fourth_central_moment())
    fourth_of_gap = n * (2 * fourth + 6 * v**2) + n * (n - 1) * (2 * v) ** 2
    overlap = n / 4 + n * (n - 1) / (4 * np.pi**2)
    product = ((n / 2) ** 2 + 2 * overlap) / n + (1 - 1 / n) * overlap
    return (
        fourth_of_gap / n**2 * (1 + 2 / n) - (2 * v) ** 2,
        4 / n**2 * product - 1 / np.pi**2,
    )


@claim(
    "B7",
    paper="Brock, De & Smith 2021 (NF-ResNets)",
    where="scaled weight standardisation; exact form derived here",
    states=r"\sum_iw_{ij}=0,\ \sum_iw_{ij}^2=\gamma^2:\quad\mathbb E y^2=\tfrac{\gamma^2}2\Bigl(1-\tfrac1\pi\Bigr)q,"
    r"\quad\gamma=\sqrt{\tfrac2{1-1/\pi}}=1.7129;\qquad\text{He: }1=\Bigl(1-\tfrac1\pi\Bigr)+\tfrac1\pi",
    derivation=[normalised.centred, normalised.centred_gain],
    mutants=[
        mutant(
            "He's gain",
            "sqrt 2 pays for the second moment behind a ReLU; centred weights do not see its mean.",
            gain=lambda: sp.sqrt(2),
        ),
        mutant(
            "a variance",
            "2 / (1 - 1/pi) is the square of the gain.",
            gain=lambda: normalised.standardised_gain() ** 2,
        ),
        mutant(
            "the spread of |z|",
            "1 - 2/pi, the variance of |z|, taken for twice that of a ReLU.",
            gain=lambda: sp.sqrt(2 / (1 - 2 / sp.pi)),
        ),
        mutant(
            "He preserves the data variance",
            "It preserves the second moment: the ReLU's mean makes up 1/pi of it.",
            he_spread=lambda: sp.Integer(1),
        ),
        mutant("plain weights", "The simulated weights are not centred: they see the ReLU's mean too.", layer=_plain),
    ],
)
def centred_weights_need_another_gain(
    run: Run,
    *,
    gain: Callable[[], sp.Expr] = normalised.standardised_gain,
    he_spread: Callable[[], sp.Expr] = normalised.rectified_limit,
    layer: Callable[[float], Layer] = _centred,
) -> Finding:
    """Behind a ReLU standardised weights keep the variance at gain 1.7129, not at He's, for they do not see its mean.

    Exact at any width (here 8). At a fixed real row, over Gaussian first-layer weights; and over normal pre-activations
    and weights: variance over data from half squared differences of two inputs to the same weights, the square of the
    mean over data from their products.
    """
    run, size = run.share(5), number(normalised.standardised_gain())
    told = number(normalised.centred_second_moment(normalised.standardised_gain()))
    kept = size**2 / number(gain()) ** 2  # at this gain the second moment behind the layer is that before the ReLU
    spread, square = number(normalised.rectified_limit()), 1 - number(normalised.rectified_limit())
    fixed, gap, product = _standardised_variances(size)
    he_gap, he_product = _he_variances()
    row = run.mean(told, variance=fixed, error=0.05)
    centred = run.mean(told, variance=gap, error=0.05), run.mean(0, variance=product, error=0.05, unit=1)
    plain = run.mean(spread, variance=he_gap, error=0.05), run.mean(square, variance=he_product, error=0.05)
    behind = run.once(_behind_relu, layer, size, row.draws)
    pairs = run.once(_pairs, layer, size, max(test.draws for test in centred))
    he_pairs = run.once(_pairs, _plain, float(np.sqrt(2)), max(test.draws for test in plain))
    return all_of(
        [
            row(behind, kept),
            centred[0](pairs[0], kept * told),
            centred[1](pairs[1]),
            plain[0](he_pairs[0], he_spread()),
            plain[1](he_pairs[1], 1 - number(he_spread())),
        ]
    )
