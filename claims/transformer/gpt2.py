"""The stream of GPT-2 small as it is drawn: what attention and perceptrons add to a first token."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.transformer.streams import GPT2, real_row
from evidence import Finding, all_of
from simulations.layers.activations import GELU
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser
from theory.domain import number
from theory.transformer import perceptrons, random_walk, streams

NARROW, DEPTH = 48, 2
GPT2_WIDTH, GPT2_HIDDEN, DEVIATION = 768, 3072, 0.02


def _gpt2(run: Run, root: int, draws: int) -> Array:
    """Mean squares of what attention and perceptrons add, (draws, 2), with GPT-2's d s^2 at a narrow width."""
    spread = Initialiser(lambda fan_in, fan_out: DEVIATION**2 * GPT2_WIDTH / NARROW)
    last = spread.scaled((root * DEPTH) ** -0.5)
    rng, x = run.rng("gpt2"), np.repeat(real_row(run, NARROW), draws, axis=0)
    parts = np.zeros((2, draws, 1, NARROW))
    for _ in range(DEPTH):
        for branch in (0, 1):
            y = LayerNorm("norm", NARROW, 0.0).forward({}, x)[0]
            inner = y @ spread.draw(rng, draws, NARROW, (NARROW, 4 * NARROW)[branch])
            step = (GELU().forward({}, inner)[0] if branch else inner) @ last.draw(rng, draws, inner.shape[2], NARROW)
            parts[branch] += step
            x = x + step
    squares: Array = np.square(parts).mean(axis=(2, 3)).T
    return squares


@claim(
    "V4",
    paper=GPT2,
    where="section 2.3, and the released sizes of GPT-2 small: d = 768, h = 3072, deviation 0.02; derived here",
    states=r"\tfrac1d\mathbb E\|x\|^2=s_e^2+s_p^2+\tfrac12d^2s^4+\tfrac12h\,s^2\,\mathbb E\,\mathrm{GELU}(z)^2,\ z\sim "
    r"N(0,ds^2):\quad.0005+.0472+.0654\text{ (one token)}",
    derivation=[streams.scaled_layers, perceptrons.below_squared, perceptrons.gelu],
    mutants=[
        mutant(
            "GELU like ReLU",
            "Half of the variance: GELU lets part of the negative side through and takes from the positive one.",
            gelu=lambda variance: variance / 2,
        ),
        mutant(
            "GELU's constant",
            "E gelu(t)^2 = .425 at variance 1, times the variance: GELU has no degree.",
            gelu=lambda variance: perceptrons.gelu_mean_square(1) * variance,
        ),
        mutant(
            "1 / sqrt N", "The simulated last layers are divided by the root of the layers, not of branches.", root=1
        ),
    ],
)
def gpt2_small_starts_small(
    run: Run,
    *,
    gelu: Callable[[float], sp.Expr] = perceptrons.gelu_mean_square,
    root: int = 2,
) -> Finding:
    """In GPT-2 small as drawn, attention adds .047 and the perceptrons .065 to a first token of mean square .0005.

    Averages over Gaussian weights of deviation 0.02 (last layers over sqrt(2N)) at a token that sees itself alone, per
    coordinate; exact for any number of layers, epsilon 0, and any width at the same d s^2 and h s^2: 48 is drawn here,
    two layers. Embeddings .02 and positions .01 are the start's .0005. So the stream is all branches, and where the
    start came from is lost to the first norm. Later tokens average values and get less from attention.
    """
    run, findings = run.share(2), []
    q = GPT2_WIDTH * DEVIATION**2
    tests = []
    for hidden, square, fourth in (
        (NARROW, q, 3 * q**2),
        (4 * NARROW, number(perceptrons.gelu_mean_square(q)), 1.5 * q**2),
    ):
        # Given their size the steps are normal: the parts are walks whose sizes stray by those of the hidden units.
        size = hidden * q / NARROW * square / 2
        moved = (hidden * q / NARROW / 2) ** 2 * (fourth - square**2) / (hidden * DEPTH)
        variance = random_walk.norm_variance(0, NARROW, size, moved) / NARROW**2
        tests.append(run.mean(size, variance=variance, error=0.08, at_most=0.1))
    seen = run.once(_gpt2, root, max(test.draws for test in tests))
    told = (q**2 / 2, GPT2_HIDDEN * DEVIATION**2 * gelu(q) / 2)
    for part, (test, expected) in enumerate(zip(tests, told, strict=True)):
        findings.append(test(seen[: test.draws, part], expected=expected))
    return all_of(findings)
