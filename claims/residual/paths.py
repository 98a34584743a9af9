"""The paths through a residual net: through how many branches the variance of the stream went."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, Network, he, lecun, residual_mlp
from simulations.experiments.paths import path_states
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.residual import paths

WIDTH, HIDDEN, BLOCKS = 8, 6, 3
ERRORS = (0.1, 0.15, 0.25)
"""Of the variance through one, two and three branches, of which the last is the rarest."""
Gains = tuple[sp.Expr, ...]
Variances = Callable[[Gains], Sequence[sp.Expr]]

EQUAL: Gains = (sp.Rational(1, 2),) * BLOCKS
NORMALISED: Gains = tuple(paths.normalised_gain(block) for block in range(1, BLOCKS + 1))


def _square_norms(run: Run, gains: Gains, last_layer: Initialiser, draws: int) -> Array:
    """Squared norms of the parts of the stream that went through k branches, over the input's, (draws, BLOCKS + 1)."""
    rng, found = run.rng("paths", *map(str, gains)), []
    scales = [float(sp.sqrt(gain)) for gain in gains]
    layers = [
        residual_mlp(WIDTH, BLOCKS, hidden=HIDDEN, last_layer=last_layer.scaled(scale)).layers[block]
        for block, scale in enumerate(scales)
    ]
    network, rows = Network(tuple(layers)), run.inputs.narrowed(WIDTH)
    rows = rows / norm(rows)[:, None]
    for start in range(0, draws, 1000):
        count = min(1000, draws - start)
        x = rows[rng.integers(len(rows), size=count), None]
        parts = path_states(network, network.draw(rng, count), x)
        found.append(np.vecdot(parts, parts))
    return np.concatenate(found)


@claim(
    "R13",
    paper="De & Smith 2020",
    where="section 2; paths as in Veit et al. 2016; exact form derived here",
    states=r"\frac{\mathbb E\|u_k\|^2}{\mathbb E\|x_L\|^2}=\binom Lk p^k(1-p)^{L-k},\ p=\frac{\eta^2}{1+\eta^2},"
    r"\qquad\text{normalised: mean }k=\sum_{l=1}^L\frac1{l+1}",
    derivation=paths.DERIVATIONS,
    mutants=[
        mutant(
            "every number of branches alike",
            "The variance shared equally by 0, 1, ..., L branches: most paths go through about half of them.",
            variances=lambda gains: [sp.prod(1 + g for g in gains) / (BLOCKS + 1)] * (BLOCKS + 1),
        ),
        mutant(
            "amplitudes for squares",
            "A path through k branches given the variance eta^k: variances multiply by the gain, eta^2.",
            variances=lambda gains: paths.path_variances([sp.sqrt(gain) for gain in gains]),
        ),
        mutant(
            "one path a number",
            "The variance eta^(2k) of one path through k branches, without the number of such paths.",
            variances=lambda gains: [gains[0] ** k for k in range(BLOCKS + 1)],
        ),
        mutant(
            "half of the branches",
            "Bin(L, 1/2), right at gain 1: weaker branches carry less.",
            variances=lambda gains: [
                sp.prod(1 + g for g in gains) * sp.binomial(BLOCKS, k) / 2**BLOCKS for k in range(BLOCKS + 1)
            ],
        ),
        mutant(
            "He on the last branch layer",
            "Branches simulated with twice the gain: paths go deeper.",
            last_layer=he,
        ),
    ],
)
def variance_takes_a_binomial_number_of_branches(
    run: Run, *, variances: Variances = paths.path_variances, last_layer: Initialiser = lecun
) -> Finding:
    """The variance of a residual stream went through Bin(L, p) branches, p = eta^2/(1 + eta^2): log-few if normalised.

    Averages over Gaussian weights at a fixed input; exact at every width. Blocks of gain 1/2, and blocks of gain
    1, 1/2, 1/3, which add 1 to the variance each, as normalised ones do (their sizes set in advance, not by a batch).
    The bound of the variance is rigorous, by Cauchy and Schwarz.
    """
    run, findings = run.share(2 * BLOCKS), []
    for gains in (EQUAL, NORMALISED):
        truths = [number(value) for value in paths.path_variances(gains)]
        seconds = [number(value) for value in paths.fourth_moment_bounds(gains, WIDTH, HIDDEN)]
        claimed, total = [number(value) for value in variances(gains)], sum(truths)
        tests = {
            k: run.mean(truths[k] / total, variance=(seconds[k] - truths[k] ** 2) / total**2, error=error)
            for k, error in enumerate(ERRORS, start=1)
        }
        squares = run.once(_square_norms, gains, last_layer, max(test.draws for test in tests.values()))
        findings += [test(squares[:, k] / total, expected=claimed[k] / total) for k, test in tests.items()]
    return all_of(findings)
