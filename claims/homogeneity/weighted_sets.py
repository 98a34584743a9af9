"""Which parameters of a Transformer may be scaled together, and what that says of their gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import softmax_loss
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import NONE, PRE, Recipe
from simulations.transformer.translator import Input, Translator, translator
from simulations.transformer.weighted_sets import WeightedSet, weighted_sets
from theory.domain import number
from theory.homogeneity import weighted as theory

DRAWS, WIDTH, HEADS, POSITIONS, TOKENS, MEMBERS = 128, 4, 2, 3, 5, 8
LAYERS = (1, 1)
SOME = 16
"""Draws in which all sets are tried."""
BARE = replace(NONE, sinusoid=0.0)
EXACT = replace(PRE, eps=0.0, sinusoid=0.0)
"""LayerNorm before each branch, without what is added to its variance."""
Dimension = Callable[[int, int], sp.Expr]


def _net(recipe: Recipe, layers: tuple[int, int] = LAYERS) -> Translator:
    return translator(WIDTH, layers, (recipe, recipe), heads=HEADS, hidden=6, tokens=(TOKENS, TOKENS))


def _sentences(run: Run) -> tuple[Input, Input]:
    rng = run.rng("sentences")
    source, target = (rng.integers(1, TOKENS, size=(DRAWS, 1, POSITIONS)) for _ in range(2))
    return source, target


@dataclass(frozen=True)
class Slopes:
    """<gradient, parameter> by name, l - H over the tokens, and a bound on the rounding of their sums, (draws,)."""

    inner: dict[str, Array]
    excess: Array
    rounding: Array


def _slopes(run: Run, recipe: Recipe) -> Slopes:
    net, (source, target) = _net(recipe), _sentences(run)
    parameters = net.draw(run.rng("weights"), DRAWS)
    forward = net.run(parameters, source, target)
    labels = np.eye(TOKENS)[run.rng("labels").integers(TOKENS, size=forward.output.shape[:2])]
    loss = softmax_loss(forward.output, labels)
    gradients = forward.gradients(loss.logit_gradient)
    products = {name: (gradients[name] * parameters[name]).reshape(DRAWS, -1) for name in gradients}
    sizes = sum((np.abs(one).sum(axis=1) for one in products.values()), np.abs(loss.loss).sum(axis=1))
    rounding = 1e4 * (WIDTH + POSITIONS + TOKENS) * EPS * sizes + loss.rounding.sum(axis=1)
    inner = {name: one.sum(axis=1) for name, one in products.items()}
    return Slopes(inner, (loss.loss - loss.entropy).sum(axis=1), rounding)


def _members(run: Run, recipe: Recipe) -> list[WeightedSet]:
    """Add up random multiples of a basis of the exponents."""
    basis, rng, found = weighted_sets(_net(recipe)), run.rng("members"), []
    for _ in range(MEMBERS):
        factors = rng.integers(-2, 3, size=len(basis)).tolist()
        total: dict[str, int] = {}
        for factor, one in zip(factors, basis, strict=True):
            for name, exponent in one.exponents.items():
                total[name] = total.get(name, 0) + factor * exponent
        found.append(WeightedSet(total, sum(f * one.output for f, one in zip(factors, basis, strict=True))))
    return found


@claim(
    "P18",
    paper=FIXUP,
    where="section 2, definition 2, for Transformers; derived here",
    states=r"f(c^{w_1}\theta_1,c^{w_2}\theta_2,\dots)=c^kf(\theta)\ \Rightarrow\ "
    r"\sum_gw_g\langle\nabla_g\ell,\theta_g\rangle=k\,(\ell-H),\qquad\dim=3+3N+5M",
    derivation=[theory.euler, theory.dimension],
    mutants=[
        mutant(
            "every k is 1",
            "Members of the space have logits of any exponent, most of them of 0: identities without the loss.",
            degree=lambda k: 1,
        ),
        mutant(
            "values left out",
            "W_V and W_O cancel in a branch: with the one goes the other.",
            without="value",
        ),
        mutant(
            "one exponent a layer",
            "As of a plain net. A layer of a decoder has five: two for each softmax' logits and branch, and one.",
            dimension=lambda encoder, decoder: sp.Integer(1 + encoder + decoder),
        ),
        mutant(
            "a norm with eps",
            "What is added to the variance, here 0.1, has a scale: the simulated norms have no degree then.",
            recipe=replace(EXACT, eps=0.1),
            exponents_of=EXACT,
        ),
    ],
)
def exponents_give_identities(
    run: Run,
    *,
    degree: Callable[[int], int] = int,
    without: str = "",
    dimension: Dimension = theory.exponents,
    recipe: Recipe = EXACT,
    exponents_of: Recipe = EXACT,
) -> Finding:
    """Exponents under which an encoder-decoder's logits scale give identities of its gradients, 3 + 3 N + 5 M of them.

    No average: every draw, 8 random members of the space, without norms and with LayerNorm before each branch (eps = 0,
    gains but no biases), at every width. The dimension counts exponents without norms and biases. With norms they say,
    among others, that a norm's gain learns what the matrices behind it learn together.
    """
    findings = []
    for ran, ruled in ((BARE, BARE), (recipe, exponents_of)):
        found = run.once(_slopes, ran)
        for member in run.once(_members, ruled):
            kept = {name: w for name, w in member.exponents.items() if not (without and without in name)}
            total = sum((w * found.inner[name] for name, w in kept.items()), np.zeros(DRAWS))
            size = 1 + max(map(abs, member.exponents.values()), default=0)
            told, more = degree(member.output) * found.excess, (1 + abs(member.output)) * found.excess
            # both sides on top of more of l - H, so that a right side of 0 has a size to be compared with
            findings.append(identity(total + more, told + more, rounding=size * found.rounding))
    sizes = [(1, 1), (2, 1), (1, 3)]
    counted = np.array([float(len(weighted_sets(_net(BARE, layers)))) for layers in sizes])
    claimed = np.array([number(dimension(*layers)) for layers in sizes])
    return all_of([*findings, identity(counted, claimed, rounding=0.0, chance=False)])


def _scaled(run: Run, names: frozenset[str]) -> tuple[Array, Array, Array]:
    """Logits before and after the parameters of these groups are doubled, and a bound on their rounding."""
    net, (source, target) = _net(BARE), (sentences[:SOME] for sentences in _sentences(run))
    parameters = net.draw(run.rng("weights"), SOME)
    doubled = {name: 2 * value if name in names else value for name, value in parameters.items()}
    before, after = (net.run(of, source, target).output for of in (parameters, doubled))
    return before, after, 1e4 * EPS * np.abs(after).max(axis=(1, 2), keepdims=True)


def _pairs() -> list[frozenset[str]]:
    names = _net(BARE).parameter_names()
    return [frozenset(some) for size in (1, 2) for some in combinations(names, size)]


def _readout(names: frozenset[str]) -> bool:
    return names == {"decoder.readout.weight"}


@claim(
    "P19",
    paper=FIXUP,
    where="section 2, definition 2 and figure 2, for Transformers; derived here",
    states=r"f(\theta\setminus\theta_{ph},\,c\,\theta_{ph})=c\,f(\theta)\ \Leftrightarrow\ \theta_{ph}=W_{out}",
    derivation=theory.sets,
    mutants=[
        mutant(
            "embeddings too",
            "The first layer is a p.h. set of a residual net; here its scale changes where attention looks.",
            homogeneous=lambda names: _readout(names) or names == {"decoder.embedding.weight"},
        ),
        mutant(
            "values and outputs",
            "Each has degree 1 in its branch, but the shortcut beside it does not grow with them.",
            homogeneous=lambda names: _readout(names) or names == {"decoder.block0.attention.value.weight"},
        ),
        mutant("none", "The output layer is one, whatever is below it.", homogeneous=lambda names: False),
    ],
)
def the_output_layer_is_the_only_set(run: Run, *, homogeneous: Callable[[frozenset[str]], bool] = _readout) -> Finding:
    """Of an encoder-decoder without norms the output layer is the only positively homogeneous set of degree 1.

    No average: every draw, at every width. Derived for all sets of the 19 groups of one layer a side; measured for all
    190 of one or two groups: doubled, all logits of all draws are doubled, up to rounding, for that layer alone.
    """
    sets, doubled = _pairs(), []
    for names in sets:
        before, after, rounding = run.once(_scaled, names)
        doubled.append((np.abs(after - 2 * before) <= rounding).all(axis=(1, 2)))
    # by set, over all draws: in some a perceptron is dead, and what scales it changes nothing
    found = np.stack(doubled).all(axis=1).astype(float)
    told = np.array([float(homogeneous(names)) for names in sets])
    return identity(found, told, rounding=0.0, chance=False)
