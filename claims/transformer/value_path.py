"""Fixup in a Transformer: a branch of attention multiplies two layers, not four."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from claims.attention.heads import unlike
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import zero
from simulations.attention.attend import attend, split
from simulations.attention.layer import Attention
from simulations.layers.dense import Gradients, Parameters
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import fixup
from simulations.transformer.stack import transformer
from theory.domain import number
from theory.fixup.scale import fixup_exponent
from theory.transformer import value_path as theory

WIDTH, HIDDEN, POSITIONS = 4, 8, 3
CASES = ((1, True), (4, True), (4, False))
"""Layers, of two branches each, and whether W_Q is 0."""
Scales = Callable[[Run, int], tuple[float, float]]
"""From the number of branches to the factors of W_V and W_1."""


@dataclass(frozen=True)
class Traces:
    """Traces over the branches of each kind, and what they are told from, the same in all draws."""

    traces: dict[str, Array]
    """(draws,), of "attention" and "mlp"."""
    readout: float
    """||v||^2."""
    token: float
    """||x||^2 of the token that is read, the first."""
    averaged: float
    """a^T G a of that token, averaged over the layers; with zero queries ||x||^2 of the mean token."""


def _averaged(layer: Attention, parameters: Parameters, x: Array) -> float:
    """a^T G a of the first token of one draw."""
    queries, keys, values = (split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3])
    weights = attend(queries, keys, values)[1][:, 0, 0, :1]
    return float(np.square(weights @ x).sum())


def _traces(run: Run, layers: int, zero_queries: bool, four: bool, draws: int) -> Traces:
    """Draw W_V and W_1 anew in every draw; tokens, readout, W_Q and W_K are the same in all."""
    recipe = replace(fixup(layers, 0, all_projections=four)[0], scalars=False)
    if zero_queries:
        recipe = replace(recipe, projections=replace(recipe.projections, query=zero))
    network = transformer(WIDTH, layers, recipe, hidden=HIDDEN, positions=POSITIONS)
    name = f"{layers} {zero_queries}"
    parameters, x = network.draw(run.rng("weights", name), draws), unlike(run, name, 1, POSITIONS, WIDTH)
    heads = [Attention(f"block{i}.attention", WIDTH, 1, POSITIONS) for i in range(layers)]
    for query, key, *_ in (head.parts for head in heads):
        parameters |= {part.weight: np.repeat(parameters[part.weight][:1], draws, axis=0) for part in (query, key)}
    one = {part: value[:1] for part, value in parameters.items()}
    cotangent, into = np.zeros((draws, POSITIONS, WIDTH)), Gradients()
    cotangent[:, 0] = run.rng("readout", name).standard_normal(WIDTH)
    network.run(parameters, np.repeat(x, draws, axis=0)).backward(cotangent, into)
    mean = float(np.square(x.mean(axis=1)).sum())
    traces = {kind: np.zeros(draws) for kind in ("attention", "mlp")}
    for part, slope in into.items():
        traces[part.split(".")[1]] += slope.square_norm
    return Traces(
        traces,
        float(np.square(cotangent[0]).sum()),
        float(np.square(x[:, 0]).sum()),
        mean if zero_queries else float(np.mean([_averaged(head, one, x) for head in heads])),
    )


def _formulas(run: Run) -> tuple[Callable[..., float], Callable[..., float]]:
    """From ||v||^2, a^T G a or ||x||^2, and the factor of W_V or W_1, to the trace of a branch of each kind."""
    names = sp.symbols("v a f", positive=True)
    readout, square, factor = names
    attention = theory.attention_trace(readout, square, factor)
    perceptron = theory.perceptron_trace(readout, square, WIDTH, HIDDEN, factor)
    return sp.lambdify(names, attention), sp.lambdify(names, perceptron)


def _two(run: Run, branches: int) -> tuple[float, float]:
    exponent = run.once(_exponent, 2)
    return branches**exponent, branches**exponent


def _exponent(run: Run, layers: int) -> float:
    return number(fixup_exponent(layers))


@claim(
    "V10",
    paper=FIXUP,
    where="section 3, rule 2, as a public code applies it to attention; derived here",
    states=r"\mathbb E\sum_\theta\Bigl(\frac{\partial f}{\partial\theta}\Bigr)^2=\|v\|^2\,\frac L2\,L^{2e}"
    r"\Bigl(a^{\mathsf T}G\,a+\frac hd\|x\|^2\Bigr),\qquad e=-\tfrac12\ (m=2)",
    derivation=theory.DERIVATIONS,
    mutants=[
        mutant(
            "attention has four layers",
            "L^(-1/6) for W_V: W_Q and W_K are behind a softmax, whose weights add up to 1, and are no factors.",
            scales=lambda run, branches: (branches ** run.once(_exponent, 4), branches ** run.once(_exponent, 2)),
        ),
        mutant(
            "zeros alone",
            "Without rule 2 the branches add up: the trace grows like L.",
            scales=lambda run, branches: (1, 1),
        ),
        mutant(
            "L counts layers",
            "L is the number of branches, two to a layer of an encoder.",
            scales=lambda run, branches: _two(run, branches // 2),
        ),
        mutant(
            "a public recipe",
            "The simulated net has W_Q, W_K and W_V times L^(-1/6), as if a branch multiplied all four.",
            four=True,
        ),
    ],
)
def attention_multiplies_two_layers(run: Run, *, scales: Scales = _two, four: bool = False) -> Finding:
    """With L^(-1/2) on W_V and W_1, Fixup for m = 2, a Transformer's branches have one trace at every depth.

    The trace of the tangent kernel over the branches, at the start, when their last layers are 0. Averages over W_V and
    W_1 at given tokens, W_Q and W_K; exact at every width and depth. At 2 and 8 branches with
    W_Q = 0, where a^T G a is the square norm of the mean token, and at 8 with random W_Q. Attention and perceptrons
    are tested apart. No norms, one head.
    """
    run, findings, formulas = run.share(2 * len(CASES)), [], run.once(_formulas)
    spread = max(2 / WIDTH, 5 / HIDDEN)  # of chi-square values and of rectified squares, by their means
    test = run.mean(1, variance=spread, error=0.25, at_most=0.25)
    for layers, zero_queries in CASES:
        found = run.once(_traces, layers, zero_queries, four, test.draws)
        factors = zip(_two(run, 2 * layers), scales(run, 2 * layers), strict=True)
        parts = zip(formulas, found.traces.values(), (found.averaged, found.token), factors, strict=True)
        for formula, trace, square, (factor, other) in parts:
            truth, told = (formula(found.readout, square, one) for one in (factor, other))
            findings.append(test(trace / (layers * truth), expected=told / truth))
    return all_of(findings)
