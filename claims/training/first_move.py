"""How the first step moves the square norm at each depth: plain nets with He's and Xavier's variance, and Fixup."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Network, he, lecun, mlp, residual_mlp, zero
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.layers.network import Run as Seen
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fixup import start_kernel
from theory.training import first_move

WIDTH, HIDDEN, LAYERS, BLOCKS, DRAWS, SPREAD = 6, 5, 2, 4, 40, 0.7
"""Sizes of the plain and of the residual net, and s, the deviation of the readout."""
GROWTHS = {"he": 1.0, "xavier": 0.5}
Plain = Callable[[int, int, int, float], sp.Expr]
Residual = Callable[[int, int, int, int], sp.Expr]


def _net(kind: str) -> Network:
    if kind in GROWTHS:  # at equal widths Xavier's variance is LeCun's
        return mlp([WIDTH] * (LAYERS + 1), init=he if kind == "he" else lecun)
    scale = BLOCKS**-0.5 if kind == "fixup" else 1.0
    return residual_mlp(WIDTH, BLOCKS, hidden=HIDDEN, init=he.scaled(scale), last_layer=zero)


def _ran(run: Run, kind: str, draws: int, *address: str | int) -> Seen:
    """Run the net at real rows of length 1, each draw with its own weights and row."""
    network, narrow = _net(kind), run.inputs.narrowed(WIDTH)
    x = narrow[run.rng("rows", kind, *address).integers(len(narrow), size=draws)][:, None, :]
    return network.run(
        network.draw(run.rng("weights", kind, *address), draws), x / np.linalg.norm(x, axis=2)[..., None]
    )


def _gradients(seen: Seen, depth: int) -> Parameters:
    """The gradients of half the square norm of the state at this depth."""
    return Seen(seen.states[: depth + 1], seen.pullbacks[:depth]).gradients(seen.states[depth])


def _inner(left: Parameters, right: Parameters) -> Array:
    shared = left.keys() & right.keys()
    total: Array = np.sum([(left[name] * right[name]).sum(axis=(1, 2)) for name in sorted(shared)], axis=0)
    return total


def _products(run: Run, kind: str, draws: int) -> list[Array]:
    """For every depth the inner product of the gradients of half the square norms there and at the top, (draws,)."""
    seen = _ran(run, kind, draws, "mean")
    top = len(seen.pullbacks)
    at_the_top = _gradients(seen, top)
    return [_inner(_gradients(seen, depth), at_the_top) for depth in range(1, top + 1)]


def _over_readouts(run: Run, kind: str, signs: tuple[float, ...]) -> list[Finding]:
    """Test that the step's mean over readouts descends the square norm of the last state.

    One output with the readout +-sqrt n s along an axis, each sign and axis as likely: of mean 0 and variance s^2. The
    target is drawn once a draw.
    """
    seen = _ran(run, kind, DRAWS, "identity")
    top, last = len(seen.pullbacks), seen.states[-1]
    target, s = run.rng("targets", kind).standard_normal((DRAWS, 1, 1)), SPREAD * WIDTH**0.5
    steps = []
    for sign in signs:
        for axis in np.eye(WIDTH):
            readout = sign * s * axis[:, None]
            steps.append(seen.gradients((last @ readout - target) @ readout.T))
    at_the_top, findings = _gradients(seen, top), []
    for depth in range(1, top + 1):
        here = _gradients(seen, depth)
        moved = np.mean([-2 * _inner(here, step) for step in steps], axis=0)
        told = -2 * SPREAD**2 * _inner(here, at_the_top)
        sizes = np.sqrt(_inner(here, here) * np.mean([_inner(step, step) for step in steps], axis=0))
        findings.append(identity(moved, told, rounding=512 * EPS * (top + 1) * sizes))
    return findings


@cache
def _plain(depth: int, layers: int, width: int, growth: float) -> sp.Expr:
    return first_move.plain_move(depth, layers, width, growth)


@cache
def _truth(kind: str, depth: int) -> tuple[sp.Expr, sp.Expr]:
    """The mean over weights, and a bound on the variance."""
    if kind not in GROWTHS:
        truth = first_move.fixup_move(depth, BLOCKS, WIDTH, HIDDEN)
        return truth, start_kernel.relative_variance(depth, HIDDEN) * truth**2
    growth = GROWTHS[kind]
    truth, factor = _plain(depth, LAYERS, WIDTH, growth), growth ** (LAYERS + depth - 1)
    return truth, first_move.plain_move_second_moment(depth, LAYERS, WIDTH) * factor**2 - truth**2


@claim(
    "T4",
    paper=FIXUP,
    where="sections 2 and 3, followed through the first step; derived here",
    states=r"\frac{d}{dt}\mathbb E\|x_l\|^2=-2cs^2\|x_0\|^4\cdot\Bigl\{g^{L+l-1}\tau_l\ \text{(plain)},\quad"
    r"\frac hn\frac lL\ \text{(Fixup)}\Bigr\},\qquad \tau_l\to\tfrac{l(l+1)}2\text{ as }n\to\infty",
    derivation=first_move.DERIVATIONS,
    mutants=[
        mutant(
            "in proportion to the depth",
            "l for l (l + 1) / 2: a state's own gradient grows on its way back through the weights that made it.",
            plain=lambda depth, layers, n, g: _plain(depth, layers, n, g) * 2 / (depth + 1),
        ),
        mutant(
            "as the square norm itself",
            "g^l for g^(L + l - 1): with Xavier's variance the gradient has vanished on its way to the state, too.",
            plain=lambda depth, layers, n, g: _plain(depth, layers, n, 1) * g**depth,
        ),
        mutant(
            "every block as much",
            "h l / n: that is so with the zeros alone; Fixup's scale divides it by the number of blocks.",
            residual=lambda depth, blocks, n, h: first_move.fixup_move(depth, blocks, n, h) * blocks,
        ),
        mutant(
            "the top alone",
            "A state below has seen fewer blocks move: l / L of the top's.",
            residual=lambda depth, blocks, n, h: first_move.fixup_move(blocks, blocks, n, h),
        ),
        mutant(
            "zeros without the scale", "The simulated branches are not scaled by 1/sqrt L.", of_residual="zeros alone"
        ),
        mutant(
            "a readout of one sign",
            "The simulated readouts have a mean, so the target counts, and the norm need not fall.",
            signs=(1.0,),
        ),
    ],
)
def first_move_of_the_square_norms(
    run: Run,
    *,
    plain: Plain = _plain,
    residual: Residual = first_move.fixup_move,
    of_residual: str = "fixup",
    signs: tuple[float, ...] = (1.0, -1.0),
) -> Finding:
    """A first step moves the square norm at depth l like l (l + 1) / 2 in wide He nets, like l / L under Fixup.

    Averages over Gaussian weights and over a readout of mean 0, at one input, with the squared loss and any target;
    exact at any width, for the derivative along the step. Over the readout alone, in every draw, the step descends
    c s^2 ||x_L||^2 / 2: all states shrink on average. Xavier's variance has the factor 2^-(L+l-1). Plain nets of 2
    layers, 6 wide; 4 blocks. A Fixup readout of 0 moves none of them in its first step (F17).
    """
    findings = [one for kind in (*GROWTHS, of_residual) for one in run.once(_over_readouts, kind, signs)]
    run = run.share(len(GROWTHS) * LAYERS + 2)
    for kind, growth in GROWTHS.items():
        tests = []
        for depth in range(1, LAYERS + 1):
            truth, variance = _truth(kind, depth)
            error = 0.2 if (kind, depth) == ("he", LAYERS) else 0.3
            tests.append(run.mean(truth, variance=variance, error=error, at_most=error))
        samples = run.once(_products, kind, max(test.draws for test in tests))
        findings += [
            test(one, expected=number(plain(depth, LAYERS, WIDTH, growth)))
            for depth, (test, one) in enumerate(zip(tests, samples, strict=True), 1)
        ]
    for depth in (BLOCKS // 2, BLOCKS):
        truth, variance = _truth("fixup", depth)
        test = run.mean(truth, variance=variance, error=0.2, at_most=0.25)
        samples = run.once(_products, of_residual, test.draws)
        findings.append(test(samples[depth - 1], expected=number(residual(depth, BLOCKS, WIDTH, HIDDEN))))
    return all_of(findings)
