"""Fixup, theorem 3: a step moves the outputs by a sum over branches, each of which lowers the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import LeakyReLU, Network, residual_mlp, softmax_loss
from simulations.layers.dense import Gradients, Layer, Parameters
from simulations.layers.losses import EPS
from simulations.networks.blocks import RELU
from simulations.numbers.arrays import Array
from simulations.weights.kinds import factors
from theory.fixup import in_sync

DRAWS, WIDTH, HIDDEN, BLOCKS, CLASSES = 256, 5, 4, 3, 3
RATE = 1e-4
SQUARE, INNER, ETA, ENTRY, SLOPE = sp.symbols("S P eta K g", real=True)
Kernel = Callable[[sp.Expr, sp.Expr], sp.Expr]
Direction = Callable[[Array], Array]


def _network(bias: float | None, activation: Layer = RELU) -> Network:
    return residual_mlp(
        WIDTH, BLOCKS, hidden=HIDDEN, activation=activation, stem=WIDTH, classes=CLASSES, bias_deviation=bias
    )


@dataclass(frozen=True)
class _Step:
    """What is seen of one real row a draw, and of a step on its loss at the rate and at twice the rate."""

    squares: dict[str, Array]
    """||x||^2 of what each layer sees, (draws,)."""
    inner: dict[str, Array]
    """Inner products of the cotangents of all pairs of outputs, (draws, CLASSES, CLASSES)."""
    gram: Array
    """The sum over all weights of products of derivatives, (draws, CLASSES, CLASSES)."""
    slope: Array
    """The gradient of the loss in the outputs, (draws, CLASSES)."""
    changes: tuple[Array, Array]
    """Changes of the outputs, (draws, CLASSES)."""
    remainders: tuple[Array, Array]
    """Bounds on all terms of those changes beyond the first order in the rate."""
    rounding: Array


def _jacobian(network: Network, parameters: Parameters, x: Array) -> tuple[Array, list[Gradients]]:
    """Outputs (draws, CLASSES), and the gradients of each."""
    run, gradients = network.run(parameters, x), []
    for one in np.eye(CLASSES):
        into = Gradients()
        run.backward(np.broadcast_to(one, run.output.shape), into)
        gradients.append(into)
    return run.output[:, 0], gradients


def _majorant(bias: float | None, parameters: Parameters, steps: Parameters, x: Array, rate: float) -> Array:
    """Bound what lies beyond the first order: with fixed masks the outputs are polynomials in the parameters.

    The same polynomial with absolute values, and without masks, has larger coefficients.
    """
    network = _network(bias, LeakyReLU(1.0))
    sizes = {name: np.abs(value) for name, value in parameters.items()}
    moves = {name: rate * np.abs(value) for name, value in steps.items()}
    before, gradients = _jacobian(network, sizes, np.abs(x))
    after = network.run({name: sizes[name] + moves[name] for name in sizes}, np.abs(x)).output[:, 0]
    first = [sum((one.array * moves[name]).sum(axis=(1, 2)) for name, one in each.items()) for each in gradients]
    beyond: Array = np.maximum(after - before - np.stack(first, axis=1), 0)  # rounding may leave less
    return beyond


def _step(run: Run, bias: float | None, direction: Direction) -> _Step:
    network, rows, rng = _network(bias), run.inputs.narrowed(WIDTH), run.rng("rows")
    x = rows[rng.integers(len(rows), size=DRAWS)][:, None]
    x = x / np.abs(x).max(axis=2, keepdims=True)
    y = np.eye(CLASSES)[rng.integers(CLASSES, size=DRAWS)][:, None]
    parameters = network.draw(run.rng("weights"), DRAWS)
    output, jacobian = _jacobian(network, parameters, x)
    loss_slope = softmax_loss(output[:, None], y).logit_gradient
    slopes = network.run(parameters, x).gradients(loss_slope)
    steps = {name: direction(slope) for name, slope in slopes.items()}
    weights = [dense.weight for dense in network.weights()]
    kept, changes, remainders = np.ones(DRAWS, dtype=bool), [], []
    for rate in (RATE, 2 * RATE):
        moved = {name: value - rate * steps[name] for name, value in parameters.items()}
        after, there = _jacobian(network, moved, x)
        for name in weights:  # a unit that goes on or off takes the outputs to another polynomial
            kept &= ((factors(there[0][name]).x > 0) == (factors(jacobian[0][name]).x > 0)).all(axis=(1, 2))
        changes.append(after - output)
        remainders.append(_majorant(bias, parameters, steps, x, rate))
    sizes = {name: np.abs(value) for name, value in parameters.items()}
    largest = _network(bias, LeakyReLU(1.0)).run(sizes, np.abs(x)).output[:, 0]
    stacked = {name: np.concatenate([factors(one[name]).dy for one in jacobian], axis=1)[kept] for name in weights}
    arrays = {
        name: np.stack([one[name].array.reshape(DRAWS, -1) for one in jacobian], axis=1)[kept] for name in weights
    }
    return _Step(
        {name: (factors(jacobian[0][name]).x ** 2).sum(axis=(1, 2))[kept] for name in weights},
        {name: dy @ dy.mT for name, dy in stacked.items()},
        sum((one @ one.mT for one in arrays.values()), start=np.zeros((int(kept.sum()), CLASSES, CLASSES))),
        loss_slope[kept, 0],
        (changes[0][kept], changes[1][kept]),
        (remainders[0][kept], remainders[1][kept]),
        64 * (2 * BLOCKS + 2) * (WIDTH + HIDDEN) * EPS * largest[kept],
    )


def _downhill(gradient: Array) -> Array:
    return gradient


@claim(
    "F2",
    paper=FIXUP,
    where="theorem 3, the update of the logits as a sum over branches and layers (number not checked with the text)",
    states=r"\Delta f=-\eta\Bigl(\sum_l\sum_iJ_l^i\Bigr)\frac{\partial\ell}{\partial z}+O(\eta^2),\qquad "
    r"J_l^i=\|F_l^{(i-)}\|^2\,\Bigl(\tfrac{\partial f}{\partial x_l}\Bigr)^{\!\top}F_l^{(i+)}F_l^{(i+)\top}"
    r"\tfrac{\partial f}{\partial x_l}\succeq0",
    derivation=in_sync.DERIVATIONS,
    exact=False,
    mutants=[
        mutant(
            "branches of random sign",
            "Terms of random sign would cancel; they are semi-definite, and what they take off the loss adds up.",
            signs=(1.0, -1.0),
        ),
        mutant(
            "the norm for its square",
            "||x|| enters once with the gradient and once with the output.",
            kernel=lambda square, inner: sp.sqrt(square) * inner,
        ),
        mutant(
            "gradients of equal length",
            "A kernel without the square norm of the layer's input is that of layers that see unit vectors.",
            kernel=lambda square, inner: inner,
        ),
        mutant(
            "semi-definite, hence aligned",
            "Each term lowers the loss, but semi-definite matrices turn one gradient into directions that may be more "
            "than a right angle apart.",
            aligned=True,
        ),
        mutant(
            "with biases",
            "The simulated layers have biases that learn too, and are not in the sum over weights.",
            bias=0.0,
        ),
        mutant(
            "signs of gradients",
            "The simulated step moves every weight by the rate, as sign descent and early Adam do.",
            direction=np.sign,
        ),
    ],
)
def branches_move_the_outputs_in_sync(
    run: Run,
    *,
    kernel: Kernel = in_sync.layer_kernel,
    change: Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr] = in_sync.output_change,
    signs: tuple[float, ...] = (1.0,),
    bias: float | None = None,
    direction: Direction = _downhill,
    aligned: bool = False,
) -> Finding:
    """A small step moves the outputs by a sum of semi-definite matrices, one a layer, times the gradient of the loss.

    Nothing is averaged. The sum is the Gram matrix of all derivatives, exactly; the change of the outputs is it to
    first order. While no unit goes on or off (draws in which one does are left out) the outputs are polynomials in the
    rate. What lies beyond the first order is bounded by the same polynomial with absolute values, and grows by 4 where
    the rate is doubled, up to a bound of the third order. Each layer's term alone lowers the loss, though two of them
    may move the outputs at an obtuse angle. Three blocks of two layers, stem and readout.
    """
    step = run.once(_step, bias, direction)
    one = sp.lambdify([SQUARE, INNER], kernel(sp.Abs(SQUARE), INNER))
    terms = {
        name: signs[position % len(signs)] * np.asarray(one(step.squares[name][:, None, None], inner))
        for position, (name, inner) in enumerate(step.inner.items())
    }
    whole = sum(terms.values(), start=np.zeros_like(step.gram))
    size = np.trace(step.gram, axis1=1, axis2=2)[:, None]
    moved = sp.lambdify([ETA, ENTRY, SLOPE], change(sp.Abs(ETA), ENTRY, SLOPE))
    first, second = (moved(rate, whole, step.slope[:, None, :]).sum(axis=2) for rate in (RATE, 2 * RATE))
    loose = 64 * (WIDTH + HIDDEN) * CLASSES * EPS * size
    lowest = np.stack([np.linalg.eigvalsh(term)[:, 0] for term in terms.values()], axis=1)
    updates = np.stack([(term @ step.slope[:, :, None])[:, :, 0] for term in terms.values()], axis=1)
    lowers = (updates * step.slope[:, None]).sum(axis=2)
    falls = size * np.square(step.slope).sum(axis=1, keepdims=True)
    (seen, seen_twice), (beyond, beyond_twice) = step.changes, step.remainders
    return all_of(
        [
            identity(whole, step.gram, rounding=loose[:, :, None]),
            inequality(size + lowest, np.broadcast_to(size, lowest.shape), rounding=loose),
            inequality(lowers + falls, np.broadcast_to(falls, lowers.shape), rounding=64 * CLASSES * EPS * falls),
            *([_no_obtuse_angle(updates)] if aligned else []),
            identity(seen, first, rounding=beyond + step.rounding),
            identity(
                seen_twice,
                second + 4 * (seen - first),
                rounding=np.maximum(beyond_twice - 4 * beyond, 0) + 8 * step.rounding,
            ),
        ]
    )


def _no_obtuse_angle(updates: Array) -> Finding:
    """Test that no two layers' updates (draws, layers, CLASSES) have a negative product."""
    products = updates @ updates.mT
    sizes = np.linalg.norm(updates, axis=2)
    scale = sizes[:, :, None] * sizes[:, None]
    return inequality(scale + products, scale, rounding=1e-9 * scale)
