"""T-Fixup's exponent -1/4: free of depth for weights and inputs together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.attention.heads import tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Network, lecun
from simulations.layers.dense import Dense, Gradients, Layer
from simulations.layers.network import Residual, Sequential
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.transformer import scaled_inputs as theory

HUANG = "Huang et al. 2020 (T-Fixup)"
WIDTH, HIDDEN = 6, 9
DEPTHS = (1, 9)


def _trace(run: Run, depth: int, exponents: tuple[float, float], draws: int) -> Array:
    """The trace over branches of two layers, weights and a real input of norm 1 times powers of the depth: (draws,)."""
    init = lecun.scaled(depth ** exponents[0])

    def block(number: int) -> Layer:
        first = Dense(f"first{number}", WIDTH, HIDDEN, init)
        return Residual(Sequential((first, Dense(f"last{number}", HIDDEN, WIDTH, init))))

    network, name = Network(tuple(map(block, range(depth)))), f"{depth}"
    x = tokens(run, name, draws, 1, WIDTH)
    x *= depth ** exponents[1] / np.linalg.norm(x, axis=2, keepdims=True)
    readout, into = run.rng("readout", name).standard_normal(x.shape), Gradients()
    network.run(network.draw(run.rng("weights", name), draws), x).backward(readout, into)
    whole = sum((one.square_norm for one in into.values()), np.zeros(draws))
    return np.asarray(whole / np.square(readout).sum(axis=(1, 2)))


def _spread(depth: int) -> float:
    """A bound on the relative variance of the trace, by Minkowski's inequality over its terms.

    A term is a product of independent square norms: those of blocks, E R^2 = 1 + 2 s^4 + 4 s^4 / d + s^8 (1 + 2/d)
    (1 + 2/h), s^4 = 1 / L, and that of a layer, whose square has 1 + 2 / n, n its units.
    """
    fourth = 1 / depth
    square = 1 + 2 * fourth + 4 * fourth / WIDTH + fourth**2 * (1 + 2 / WIDTH) * (1 + 2 / HIDDEN)
    return float((1 + 2 / HIDDEN) * (square / (1 + fourth) ** 2) ** (depth - 1) - 1)


Trace = Callable[[int, int, int], sp.Expr]
QUARTERS = (-1 / 4, -1 / 4)


@claim(
    "V22",
    paper=HUANG,
    where="the exponent -1/4 for weights and embeddings (section not checked with the text); linear branches here",
    states=r"s=L^{-\frac14}:\quad\frac{\mathbb E\operatorname{tr}K}{\|v\|^2\|x\|^2}=\sqrt L\,\Bigl(1+\frac hd\Bigr)"
    r"\Bigl(1+\frac1L\Bigr)^{L-1},\qquad\|x\|=L^{-\frac14}\Longrightarrow\ \sqrt L\text{ drops out}",
    derivation=theory.DERIVATIONS,
    mutants=[
        mutant(
            "weights alone",
            "The stream is then bounded at every depth, but not the step: a layer's gradient has s^2, not s^4.",
            trace=lambda depth, width, hidden: theory.kernel_trace(depth, width, hidden, sp.root(depth, -4)),
        ),
        mutant(
            "branches add up",
            "(1 + 1/L)^(L - 1) left out: branches see what others have added, up to e times.",
            trace=lambda depth, width, hidden: 1 + sp.Rational(hidden, width),
        ),
        mutant(
            "one layer a branch",
            "Both layers have gradients, that of the last with as many units as there are hidden ones.",
            trace=lambda depth, width, hidden: (
                theory.t_fixup_trace(depth, width, hidden) / (1 + sp.Rational(hidden, width))
            ),
        ),
        mutant("inputs as they are", "The simulated inputs are not scaled.", exponents=(-1 / 4, 0.0)),
    ],
)
def t_fixup_scales_inputs_too(
    run: Run, *, trace: Trace = theory.t_fixup_trace, exponents: tuple[float, float] = QUARTERS
) -> Finding:
    """T-Fixup's L^(-1/4) keeps the first step free of depth for weights and inputs together, not for weights alone.

    The trace of the tangent kernel over L branches of two linear layers, none of which starts at 0; between 1 and e
    times 1 + h/d. Averages over weights; exact at every width and depth. The exponents alone are T-Fixup's: constants,
    attention and activations are not in it. Variances of the tests are bounds for Gaussian weights.
    """
    run, findings = run.share(len(DEPTHS)), []
    for depth in DEPTHS:
        truth = number(theory.t_fixup_trace(depth, WIDTH, HIDDEN))
        test = run.mean(1, variance=_spread(depth), error=0.2, at_most=0.25)
        found = run.once(_trace, depth, exponents, test.draws)
        findings.append(test(found / truth, expected=number(trace(depth, WIDTH, HIDDEN)) / truth))
    return all_of(findings)
