"""What is true of gradients through attention for every draw, and that theorem 1 of Fixup is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from claims.attention.heads import unlike
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import one_hot, softmax_loss
from simulations.attention.layer import Attention
from simulations.layers.dense import Gradients, Parameters
from simulations.layers.losses import EPS, SoftmaxLoss
from simulations.layers.network import Residual
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import NONE
from simulations.transformer.stack import transformer
from theory.attention import counterexample
from theory.attention import gradients as theory
from theory.domain import number

DRAWS, POSITIONS, LAYERS, HEADS, WIDTH, CLASSES = 128, 4, 2, 2, 6, 3
LOUD = replace(
    NONE,
    projections=replace(NONE.projections, query=NONE.projections.query.scaled(2), key=NONE.projections.key.scaled(2)),
)
"""A net without norms whose logits are large enough to matter."""
ATTENTION = ("block0.attention", "block1.attention")


@dataclass(frozen=True)
class Passed:
    """A net of attention and perceptrons, a batch of one input a draw, and its gradients by name (draws, ...)."""

    parameters: Parameters
    slopes: dict[str, Array]
    along_states: Array
    """<dl/dX, X> at the input of every block, (draws, blocks)."""
    loss: SoftmaxLoss
    rounding: Array
    """A bound on the rounding of these, and of the gradients' inner products with what they are of, (draws,)."""

    def along(self, name: str) -> Array:
        """<dl/dW, W>, (draws,)."""
        return np.asarray((self.slopes[name] * self.parameters[name]).sum(axis=(1, 2)))


def passed(run: Run, bias: float | None) -> Passed:
    """Draw the net, run it on real tokens and pull the loss of random labels back; `bias` is a deviation of biases."""
    network = transformer(
        WIDTH, LAYERS, replace(LOUD, bias=bias), heads=HEADS, hidden=8, positions=POSITIONS, classes=CLASSES
    )
    parameters = network.draw(run.rng("weights"), DRAWS)
    x = unlike(run, "gradients", DRAWS, POSITIONS, WIDTH)
    targets = one_hot(run.rng("labels").integers(CLASSES, size=(DRAWS, POSITIONS)), CLASSES)
    forward = network.run(parameters, x)
    loss, into = softmax_loss(forward.output, targets), Gradients()
    cotangents = forward.backward(loss.logit_gradient, into)
    slopes = {name: gradient.array for name, gradient in into.items()}
    inner = [(state * back).sum(axis=(1, 2)) for state, back in zip(forward.states, cotangents, strict=True)]
    # Each product and sum rounds at most as often as it has terms. Errors in attention's logits come into its weights
    # by a factor of twice their size, at most that of the queries times the keys.
    sizes = [np.abs(state * back).sum(axis=(1, 2)) for state, back in zip(forward.states, cotangents, strict=True)]
    sizes += [np.abs(slopes[name] * parameters[name]).reshape(DRAWS, -1).sum(axis=1) for name in slopes]
    logits = 1 + max(np.square(parameters[f"{name}.query.weight"]).sum(axis=(1, 2)).max() for name in ATTENTION)
    rounding = 16 * (WIDTH + POSITIONS + CLASSES) * EPS * logits * sum(sizes) + loss.rounding.sum(axis=1)
    return Passed(parameters, slopes, np.stack(inner[:-1], axis=1), loss, rounding)


def _slope(excess: Array, kappa: Array) -> Array:
    told = theory.stream_slope(sp.Symbol("e", real=True), sp.Symbol("k", real=True))
    return np.asarray(sp.lambdify(sp.symbols("e k", real=True), told, "numpy")(excess, kappa))


@claim(
    "Q15",
    paper=FIXUP,
    where="section 2, theorem 1, through attention; derived here",
    states=r"\Bigl\langle\frac{\partial\ell}{\partial X_i},X_i\Bigr\rangle=\ell-H+2\sum_{\text{layers}\ge i}\kappa,"
    r"\qquad\kappa=\Bigl\langle\frac{\partial\ell}{\partial W_Q},W_Q\Bigr\rangle",
    derivation=[theory.along_the_stream, theory.along_the_queries],
    mutants=[
        mutant(
            "Euler's identity",
            "l - H alone: but attention's logits have two factors of the stream, and softmax no degree.",
            slope=lambda excess, kappa: excess,
        ),
        mutant(
            "one kappa",
            "The stream enters the logits twice, by queries and by keys.",
            slope=lambda excess, kappa: excess + kappa,
        ),
        mutant(
            "the other sign",
            "kappa taken away, as if softmax worked against the stream.",
            slope=lambda excess, kappa: excess - 2 * kappa,
        ),
        mutant("biases", "The simulated layers have biases: nothing has a degree then.", bias=1.0),
    ],
)
def theorem_1_with_attention(
    run: Run, *, slope: Callable[[Array, Array], Array] = _slope, bias: float | None = None
) -> Finding:
    """Along the stream the gradient is loss less entropy plus twice kappa, the slope of attention's logits, a layer.

    No average: every draw, every block input, at every width; no norms, no biases, ReLU perceptrons, two heads. Kappa
    is <dl/dW_Q, W_Q> = <dl/dW_K, W_K>, added over the layers of attention behind the block input.
    """
    found = run.once(passed, bias)
    kappas = np.stack([found.along(f"{name}.query.weight") for name in ATTENTION], axis=1)
    keys = np.stack([found.along(f"{name}.key.weight") for name in ATTENTION], axis=1)
    behind = [kappas.sum(axis=1), *[kappas[:, 1]] * 2, *[np.zeros(DRAWS)] * 2]
    excess = (found.loss.loss - found.loss.entropy).sum(axis=1)
    told = np.stack([slope(excess, kappa) for kappa in behind], axis=1)
    rounding = found.rounding[:, None]
    return all_of([identity(found.along_states, told, rounding=rounding), identity(kappas, keys, rounding=rounding)])


def _example(run: Run, queries: float, skip: bool) -> tuple[float, float]:
    """The norm of the gradient in both tokens, and l - H, of two classes with the logits f and 0."""
    point = {name: number(value) for name, value in counterexample.POINT.items()}
    layer = Attention("attention", 1, 1, 2, scale=1.0)
    values = (queries * point[counterexample.PRODUCT], 1.0, point[counterexample.VALUE], 1.0)
    parameters = {part.weight: np.full((1, 1, 1), value) for part, value in zip(layer.parts, values, strict=True)}
    x = np.array([[[point[token]] for token in counterexample.TOKENS]])
    outputs, pullback = (Residual(layer) if skip else layer).forward(parameters, x)
    logits = np.array([[[outputs[0, 0, 0], 0.0]]])
    loss = softmax_loss(logits, np.array([[[1.0, 0.0]]]))
    cotangent = np.array([[[loss.logit_gradient[0, 0, 0]], [0.0]]])
    return float(np.linalg.norm(pullback(cotangent, None))), float(loss.loss[0, 0] - loss.entropy[0, 0])


@claim(
    "Q16",
    paper=FIXUP,
    where="section 2, theorem 1, through attention; the counterexample derived here",
    states=r"x=(1,3),\ b=-\tfrac{1+W}2,\ v=-\tfrac{1+W}{1-W},\ W=\mathrm W(e^{-1}):\qquad"
    r"\frac{\partial\ell}{\partial X}=0,\quad\ell-H=1.27",
    derivation=counterexample.DERIVATIONS,
    mutants=[
        mutant(
            "theorem 1",
            "The gradient is at least (l - H) / ||X||: true of layers with a degree, which attention has not.",
            theorem=True,
        ),
        mutant("uniform attention", "The simulated head has no logits; then theorem 1 holds.", queries=0.0),
        mutant("no skip", "The simulated head stands alone; its slopes are others.", skip=False),
    ],
)
def theorem_1_fails_through_attention(
    run: Run, *, theorem: bool = False, queries: float = 1.0, skip: bool = True
) -> Finding:
    """Two tokens and one head with a skip have a state whose gradient is 0, where theorem 1 demands at least 0.40.

    No average; one network with weights in closed form, up to rounding. The loss exceeds the entropy by 1.27 there.
    """
    gradient, excess = run.once(_example, queries, skip)
    bound, rounding = number(counterexample.theorem_1_there()), 256 * EPS
    if theorem:
        return inequality(gradient, bound, rounding=rounding, chance=False)
    same = identity(excess, number(counterexample.excess().result), rounding=rounding, chance=False)
    return all_of([same, identity(bound - gradient, bound, rounding=rounding, chance=False)])
