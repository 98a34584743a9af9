"""The Jacobian of a ReLU net at one input: masks as coin flips, and the entries' heavy tails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, binomial_degrees
from simulations import Initialiser, LeakyReLU, he, mlp, rademacher
from simulations.experiments.jacobians import first_rows, pushed_tangents
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.layer import rectifiers
from theory.plain import jacobian_entries


def _tangents(run: Run, widths: Sequence[int], init: Initialiser, masks_of: float, draws: int) -> tuple[Array, Array]:
    rows, rng = run.inputs.narrowed(widths[0]), run.rng("tangents")
    return pushed_tangents(widths, rows, init=init, draws=draws, rng=rng, masks_of=masks_of)


@claim(
    "C16",
    paper=HANIN,
    where="Hanin & Nica 2020, used implicitly; stated and derived here",
    states=r"\|D_lW_lu\|^2\,\big|\,K_l\sim\sigma_l^2\|u\|^2\,\chi^2_{K_l},\qquad K_l\sim\mathrm{Bin}(n_l,\tfrac12)"
    r"\quad\text{for every fixed }u\text{ and }x",
    derivation=jacobian_entries.decoupling,
    mutants=[
        mutant(
            "no masks",
            "All units' sizes counted: the Jacobian of the linear net.",
            degrees=lambda active, width: np.full(active.shape, float(width)),
        ),
        mutant(
            "one degree fewer",
            "As if the direction of x were fixed by the mask: the mask fixes a sign, not a size.",
            degrees=lambda active, width: np.maximum(active - 1.0, 0),
        ),
        mutant(
            "variance for probability",
            "The share of the variance that a ReLU keeps is 0.34; the share of units that it keeps is 1/2.",
            share=number(rectifiers.relu_variance(1)),
        ),
        mutant(
            "two inputs",
            "Masks at x and at -x are fair coins, each by itself, but not independent of one another.",
            masks_of=-1.0,
        ),
        mutant(
            "random signs for weights",
            "Their rows are symmetric, so means agree; but they are not rotation invariant.",
            init=he.with_law(rademacher),
        ),
    ],
)
def masks_are_coin_flips(
    run: Run,
    *,
    degrees: Callable[[Array, int], Array] = lambda active, width: active.astype(float),
    share: float = 0.5,
    masks_of: float = 1.0,
    init: Initialiser = he,
) -> Finding:
    """At one fixed input a ReLU net's masks are fair coins, independent of the sizes of what they let through.

    Over Gaussian weights at fixed input and tangent (the first unit vector); exact at any width. Three uneven layers:
    given the number K of units active at x, the tangent's norm ratio is chi-square with K degrees of freedom, layer by
    layer and independently; and K of the last layer is binomial, given that the layer below is alive.
    """
    run, widths = run.share(2), (6, 9, 7, 10)
    law, count = run.chi_square(binomial_degrees(min(widths[1:])), error=0.027), run.count(0.5, error=0.027)
    draws = int(1.05 * max(law.draws / 3, count.trials / widths[-1]))  # a layer of 7 is dead in 1 % of the draws
    norms, active = run.once(_tangents, widths, init, masks_of, draws)
    alive = np.concatenate([np.ones((len(active), 1), dtype=bool), active[:, :-1] > 0], axis=1)
    alive &= norms[:, :-1] > 0  # the same, unless the masks are of another input
    ratios = norms[:, 1:] / np.where(alive, norms[:, :-1], 1)
    statistics = ratios * np.array(widths[:-1]) / 2
    told = np.stack([degrees(active[:, layer], width) for layer, width in enumerate(widths[1:])], axis=1)
    last = active[alive[:, -1], -1]
    return all_of([law(statistics[alive], told[alive]), count(int(last.sum()), widths[-1] * len(last), expected=share)])


def _rows(run: Run, widths: tuple[int, ...], slope: float, draws: int) -> Array:
    """The mean fourth power of the entries of a row of the Jacobian, over the squared mean square, (draws,)."""
    network = mlp(widths, activation=LeakyReLU(slope), classes=1)
    rows = first_rows(network, run.inputs.narrowed(widths[0]), draws=draws, rng=run.rng("rows", *widths))
    mean_square = number(jacobian_entries.jacobian_second_moment(sp.Rational(1, widths[-1]), widths[0], widths[-1]))
    fourths: Array = (rows**4).mean(axis=1) / mean_square**2
    return fourths


@claim(
    "C15",
    paper=HANIN,
    where="Hanin 2018, theorem 1; exact form derived here",
    states=r"\frac{\mathbb E J_{pq}^4}{(\mathbb E J_{pq}^2)^2}=3\prod_{l=1}^{L}\Bigl(1+\frac5{n_l}\Bigr)",
    derivation=[jacobian_entries.decoupling, jacobian_entries.entry_kurtosis],
    mutants=[
        mutant(
            "normal entries",
            "Given the layers above, an entry is normal; its variance is random as well.",
            kurtosis=lambda widths: sp.Integer(3),
        ),
        mutant(
            "without the 3",
            "The fluctuation of a whole row's norm; one entry is normal on top of that.",
            kurtosis=lambda widths: jacobian_entries.jacobian_kurtosis(widths) / 3,
        ),
        mutant(
            "3 for every layer",
            "As if each layer had a single unit: the kurtosis of a product of normals.",
            kurtosis=lambda widths: sp.Integer(3) ** (len(widths) + 1),
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", slope=1.0),
    ],
)
def jacobian_entries_have_heavy_tails(
    run: Run,
    *,
    kurtosis: Callable[[Sequence[int]], sp.Expr] = jacobian_entries.jacobian_kurtosis,
    slope: float = 0.0,
) -> Finding:
    """The kurtosis of an entry of the Jacobian is 3 times a factor 1 + 5/n for every hidden layer.

    Averages over Gaussian weights and a Gaussian readout at fixed input; exact at any width. One hidden layer of 6
    units, and two of 12 to a coarser error; fourth powers are averaged over the 8 entries of a row. The variance is
    exact.
    """
    run, findings = run.share(2), []
    for hidden, error in (((6,), 0.09), ((12, 12), 0.25)):
        truth = number(jacobian_entries.jacobian_kurtosis(hidden))
        variance = truth**2 * number(jacobian_entries.row_fourth_moment_relative_variance(hidden, 8))
        test = run.mean(truth, variance=variance, error=error)
        findings.append(test(run.once(_rows, (8, *hidden), slope, test.draws), expected=kurtosis(hidden)))
    return all_of(findings)
