"""What layer and root-mean-square normalisation make of one input: its norm, the law of an entry, its fourth moment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.normalisation.shares import Law, ShareTest, normal, uniform
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.layers.losses import EPS
from simulations.layers.normalisation import LayerNorm
from simulations.layers.row_norms import RMSNorm
from simulations.numbers.arrays import Array
from theory.normalisation import layer_norm

LAYER = "Ba, Kiros & Hinton 2016 (Layer Normalization); Zhang & Sennrich 2019 (RMSNorm)"
DRAWS = 200
Kind = Callable[[str, int, float], LayerNorm]
NORMS: tuple[Kind, ...] = (LayerNorm, RMSNorm)


def _rows(run: Run, width: int) -> Array:
    """Real rows, scaled to entries of at most 1, (DRAWS, 1, width)."""
    rows = run.inputs.narrowed(width)
    rows = rows[np.ptp(rows, axis=1) > 0]
    chosen = rows[run.rng("rows").integers(len(rows), size=DRAWS)][:, None]
    scaled: Array = chosen / np.abs(chosen).max(axis=2, keepdims=True)
    return scaled


@claim(
    "L1",
    paper=LAYER,
    where="the definitions; what follows for norm and mean, with epsilon",
    states=r"\|y\|^2=\frac{d\,v}{v+\epsilon},\ v=\tfrac1d\|Px\|^2\ \text{(LayerNorm)},\ \tfrac1d\|x\|^2\ "
    r"\text{(RMSNorm)};\qquad\sum_iy_i=0\ \text{(LayerNorm)}",
    derivation=[*layer_norm.DERIVATIONS[:3]],
    mutants=[
        mutant(
            "a unit vector",
            "Norms divide by the root of the mean square, not of the sum: what comes out has length sqrt d.",
            square=lambda width, size, eps: sp.Integer(1),
        ),
        mutant("without epsilon", "d is the limit of small epsilon.", square=lambda width, size, eps: width),
        mutant(
            "epsilon outside the root",
            "sqrt(v) + epsilon in the denominator, as in Adam.",
            square=lambda width, size, eps: width * size / (sp.sqrt(size) + eps) ** 2,
        ),
        mutant(
            "the unbiased variance",
            "d - 1 for d: libraries divide by the number of features.",
            square=lambda width, size, eps: (width - 1) * size / (size + eps),
        ),
        mutant("RMSNorm for both", "The simulated LayerNorm leaves the mean where it is.", norms=(RMSNorm, RMSNorm)),
    ],
)
def norms_put_inputs_on_a_sphere(
    run: Run,
    *,
    square: Callable[[int, sp.Expr, sp.Expr], sp.Expr] = layer_norm.output_square_norm,
    norms: tuple[Kind, ...] = NORMS,
) -> Finding:
    """LayerNorm and RMSNorm send every input to the sphere of radius sqrt d, at epsilon 0, and LayerNorm to mean 0.

    Nothing is averaged; exact at every epsilon (0 and 0.1 here) with sqrt(v / (v + epsilon)) of that radius. Real rows.
    """
    v, epsilon = sp.symbols("v epsilon", positive=True)
    findings = []
    for width in run.widths(2, least=3, most=12):
        x = run.once(_rows, width)
        told = sp.lambdify([v, epsilon], square(width, v, epsilon))
        for eps in (0.0, 0.1):
            y, z = (norm("norm", width, eps).forward({}, x)[0][:, 0] for norm in norms)
            sizes = np.stack([x.var(axis=2)[:, 0], np.square(x).mean(axis=2)[:, 0]])
            # Entries round by EPS of the largest, at most 1, a few times for each that the mean adds.
            rounding = 32 * width**2 * EPS / sizes[0] if eps == 0 else 32 * width**2 * EPS * np.ones(DRAWS) / eps
            squares = np.stack([np.square(y).sum(axis=1), np.square(z).sum(axis=1)])
            claimed = np.broadcast_to(told(sizes, eps), squares.shape)
            findings.append(identity(squares.T, claimed.T, rounding=rounding[:, None]))
            length = np.sqrt(squares[0])
            findings.append(identity(length + y.sum(axis=1), length, rounding=rounding))
    return all_of(findings)


def _entries(run: Run, width: int, norms: tuple[Kind, ...], power: int, eps: float, draws: int) -> list[Array]:
    """Normalised powers of normal inputs, (draws, width) a norm, their variance drawn as well."""
    rng = run.rng("inputs", width)
    x = np.exp(rng.normal(size=(draws, 1, 1))) * rng.standard_normal((draws, 1, width)) ** power
    return [norm("norm", width, eps).forward({}, x)[0][:, 0] for norm in norms]


@claim(
    "L2",
    paper=LAYER,
    where="the law of one normalised entry; derived here",
    states=r"x\sim N(0,\tau^2I):\quad\frac{y_i^2}{n}\sim\mathrm{Beta}\bigl(\tfrac12,\tfrac{n-1}2\bigr),\qquad n=d-1\ "
    r"\text{(LayerNorm)},\ n=d\ \text{(RMSNorm)}",
    derivation=[layer_norm.entry, layer_norm.share],
    mutants=[
        mutant("normal", "The limit of wide inputs: an entry is at most sqrt n.", told=normal),
        mutant(
            "RMSNorm's law for both",
            "LayerNorm has a direction less: the mean is gone.",
            free=lambda width, takes_mean: width,
        ),
        mutant("uniform", "Archimedes' law, of three dimensions, for every width.", told=uniform),
        mutant("heavy tails", "The simulated inputs are cubes of normals: no norm makes them normal.", power=3),
        mutant("a large epsilon", "The simulated norm adds 0.5 to the variance: entries are smaller.", eps=0.5),
    ],
)
def normalised_entries_have_a_beta_law(
    run: Run,
    *,
    told: Law = layer_norm.share_cdf,
    free: Callable[[int, bool], sp.Expr] = layer_norm.free_directions,
    power: int = 1,
    eps: float = 0.0,
) -> Finding:
    """Of Gaussian inputs, an entry behind LayerNorm or RMSNorm has a squared Beta law: bounded, and normal when wide.

    Over inputs of independent normal features, whatever their variance (drawn too); epsilon 0. Exact at every width.
    """
    run = run.share(2)
    (width,) = run.widths(1, least=4, most=5)
    tests = [ShareTest(run, int(layer_norm.free_directions(width, mean)), 0.09, 0.1) for mean in (True, False)]
    seen = run.once(_entries, width, NORMS, power, eps, max(test.draws for test in tests))
    return all_of(
        test(entries[: test.draws, 0] ** 2 / test.free, told, int(free(width, mean)))
        for test, entries, mean in zip(tests, seen, (True, False), strict=True)
    )


@claim(
    "L3",
    paper=LAYER,
    where="the fourth moment of a normalised entry; derived here",
    states=r"\mathbb E\,y_i^4=\frac{3(d-1)}{d+1}\ \text{(LayerNorm)},\qquad\frac{3d}{d+2}\ \text{(RMSNorm)}",
    derivation=[layer_norm.share_moment, layer_norm.fourth_moment],
    mutants=[
        mutant(
            "3",
            "The kurtosis of normal features: normalisation takes from it.",
            moment=lambda order, free: sp.Integer(3),
        ),
        mutant("one norm for both", "LayerNorm has d - 1 directions, not d.", free=lambda width, takes_mean: width),
        mutant(
            "plus 6/n",
            "The sign of the correction turned about: products of normals are heavier than normal, shares lighter.",
            moment=lambda order, free: 3 + 6 / sp.sympify(free),
        ),
        mutant("heavy tails", "The simulated inputs are cubes of normals: no norm makes them normal.", power=3),
    ],
)
def fourth_moment_of_a_normalised_entry(
    run: Run,
    *,
    moment: Callable[[int, sp.Expr], sp.Expr] = layer_norm.entry_moment,
    free: Callable[[int, bool], sp.Expr] = layer_norm.free_directions,
    power: int = 1,
) -> Finding:
    """Normalised Gaussian features have the kurtosis 3n/(n + 2), n = d - 1 for LayerNorm and d for RMSNorm.

    Over inputs of independent normal features; epsilon 0. Exact at every width. The mean over an input's entries is
    measured; its variance is at most that of one entry.
    """
    run = run.share(2)
    (width,) = run.widths(1, least=4, most=5)
    tests = []
    for mean in (True, False):
        known = [layer_norm.entry_moment(order, layer_norm.free_directions(width, mean)) for order in (2, 4)]
        tests.append(run.mean(known[0], variance=known[1] - known[0] ** 2, error=0.04, at_most=0.045))
    seen = run.once(_entries, width, NORMS, power, 0.0, max(test.draws for test in tests))
    return all_of(
        test((entries[: test.draws] ** 4).mean(axis=1), expected=moment(2, free(width, mean)))
        for test, entries, mean in zip(tests, seen, (True, False), strict=True)
    )
