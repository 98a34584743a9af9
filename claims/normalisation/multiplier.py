"""Weights below Fixup's multiplier: in what they move as below a normalisation, and in what not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, he, lecun
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.layers.network import Residual, Sequential
from simulations.layers.scalars import ScalarBias
from simulations.networks.fixup import FixupRules
from simulations.numbers.arrays import Array
from theory.normalisation import multiplier, scale_invariance

DRAWS, WIDTH, HIDDEN, OUTPUTS, BATCH, STEPS = 64, 5, 6, 3, 4, 3
ETA, KAPPA = 0.25, 0.125
DECAY_RATE, DECAY = 0.5, 0.5
SCALAR, LAST, FIRST = "block0.multiplier", "block0.layer1.weight", "block0.layer0.weight"
S, G_S, SQUARE = sp.symbols("s g_s G", real=True)
C, NORM = sp.symbols("c N", positive=True)
Along = Callable[[sp.Expr, sp.Expr], sp.Expr]


@dataclass(frozen=True)
class _Regression:
    """Half the squared loss of a net with one Fixup branch; every draw has its own rows, targets and weights."""

    network: Network
    parameters: Parameters
    x: Array
    targets: Array
    layer: str

    def gradients(self, s: Array, w: Array) -> tuple[Array, Array]:
        """The gradients in the layer's weights and in the multiplier, each with its draws first."""
        run = self.network.run(self.parameters | {SCALAR: s, self.layer: w}, self.x)
        found = run.gradients(run.output - self.targets)
        return found[self.layer], found[SCALAR]

    def rounding(self, s: Array, w: Array) -> Array:
        """A bound on the rounding of <w, g> and of s g_s: some roundings for each term of a forward and a way back."""
        sizes = {name: np.abs(value) for name, value in self.parameters.items()}
        run = self.network.run(sizes | {SCALAR: np.abs(s), self.layer: np.abs(w)}, np.abs(self.x))
        found = run.gradients(run.output + np.abs(self.targets))
        terms = (np.abs(w) * np.abs(found[self.layer])).sum(axis=(1, 2))
        bound: Array = 8 * (WIDTH + HIDDEN + OUTPUTS + BATCH) * EPS * terms
        return bound

    def at_rest(self, s: Array, w: Array) -> Array:
        """The multiplier with no gradient: the loss is a square in it, so its gradient is a line."""
        slope = [self.gradients(np.full_like(s, value), w)[1] for value in (0.0, 1.0)]
        rest: Array = slope[0] / (slope[0] - slope[1])
        return rest


def _regression(run: Run, layer: str) -> tuple[_Regression, Array, Array]:
    """The net, with its biases off 0; a multiplier and the layer's weights."""
    rules = FixupRules(zero_last=False, bias=lambda name: ScalarBias(name, 0.3))
    layers = [[Dense("block0.layer0", WIDTH, HIDDEN, he)], [Dense("block0.layer1", HIDDEN, WIDTH, he)]]
    branch = Sequential(rules.branch("block0", layers, LeakyReLU()))
    network = Network((Residual(branch), Dense("readout", WIDTH, OUTPUTS, lecun)))
    rng, rows = run.rng("net"), run.inputs.narrowed(WIDTH)
    x = rows[run.rng("rows").integers(len(rows), size=(DRAWS, BATCH))]
    x = x / np.maximum(np.abs(x).max(), 1e-300)
    drawn = network.draw(rng, DRAWS)
    targets = rng.standard_normal((DRAWS, BATCH, OUTPUTS))
    return _Regression(network, drawn, x, targets, layer), rng.uniform(0.5, 2, (DRAWS, 1, 1)), drawn[layer]


def _square(w: Array) -> Array:
    total: Array = np.square(w).sum(axis=(1, 2))
    return total


@claim(
    "F23",
    paper=FIXUP,
    where="section 3, the effects of multipliers: that one gives the norm dynamics of normalised weights; derived here",
    states=r"f(\tfrac sc,cw)=f(s,w):\ \nabla_wf(\tfrac sc,cw)=\tfrac1c\nabla_wf,\ \frac w{\|w\|}\text{ with rate }\frac"
    r"\eta{\|w\|^2};\quad\text{but }\langle w,g\rangle=s\,g_s,\quad \Delta\Bigl(\|w\|^2-\frac{s^2}\kappa\Bigr)=\eta^2"
    r"(\|g\|^2-\kappa g_s^2)",
    derivation=[*multiplier.DERIVATIONS, scale_invariance.effective_rate, scale_invariance.equilibrium],
    mutants=[
        mutant(
            "orthogonal, as below a normalisation",
            "That is so where the multiplier is at rest; else the weights' length matters as it does.",
            along=lambda s, slope: sp.S.Zero,
        ),
        mutant(
            "the multiplier does all of it",
            "s and w share what scales the branch: w moves along itself as s does, at 1 / kappa times the rate.",
            drift=lambda eta, kappa, slope, square: multiplier.drift(eta, kappa, slope, square) + 2 * eta * slope**2,
        ),
        mutant(
            "one rate for both",
            "||w||^2 - s^2: with kappa = 1/10, as in the authors' code, ||w||^2 moves ten times as far as s^2.",
            kappa=1.0,
        ),
        mutant(
            "eta / ||w||",
            "The gradient is smaller by 1/||w||, and so is what a step of given length does to the direction.",
            rate=lambda eta, norm: eta / norm,
        ),
        mutant(
            "any layer of the branch",
            "The simulated layer is the first: behind it a bias is added, which does not scale with it.",
            layer=FIRST,
        ),
        mutant(
            "at rest by itself",
            "The simulated multiplier stays where it starts: decay and gradient then balance at another norm.",
            resting=False,
        ),
    ],
)
def a_multiplier_is_half_a_normalisation(
    run: Run,
    *,
    along: Along = multiplier.gradient_along,
    drift: Callable[[sp.Expr, sp.Expr, sp.Expr, sp.Expr], sp.Expr] = multiplier.drift,
    rate: Callable[[sp.Expr, sp.Expr], sp.Expr] = scale_invariance.rate_of_direction,
    kappa: float = KAPPA,
    layer: str = LAST,
    resting: bool = True,
) -> Finding:
    """Below Fixup's multiplier directions move as below a normalisation; norms do so where the multiplier is at rest.

    Nothing is averaged; exact. A residual net with one Fixup branch, biases off 0, the squared loss and real rows; the
    last layer of the branch. With s w kept, gradients and three steps at c w agree bit for bit with those at w and the
    rate eta / c^2. The gradient has the part s g_s along w, so ||w||^2 - s^2 / kappa is what steps leave alone to first
    order; with s at its optimum that part is gone, and weight decay balances the gradient at F14's norm.
    """
    net, s, w = _regression(run, layer)
    g, slope = net.gradients(s, w)
    rounding = net.rounding(s, w)
    told = sp.lambdify([S, G_S], along(S, G_S))(s, slope)[..., 0, 0] if along(S, G_S) != 0 else 0.0
    c = run.rng("scales").choice([0.25, 0.5, 2.0, 4.0], size=(DRAWS, 1, 1))
    slower = np.broadcast_to(sp.lambdify([C], rate(sp.Float(ETA), C))(c), c.shape)
    here, there = w, c * w
    for _ in range(STEPS):
        here, there = here - slower * net.gradients(s, here)[0], there - ETA * net.gradients(s / c, there)[0]
    after, s_after = w - ETA * g, s - ETA * KAPPA * slope
    gap = [_square(one) - two[:, 0, 0] ** 2 / kappa for one, two in ((w, s), (after, s_after))]
    moves = sp.lambdify([G_S, SQUARE], drift(sp.Float(ETA), sp.Float(kappa), G_S, SQUARE))(slope[:, 0, 0], _square(g))
    sizes = _square(w) + _square(after) + (s[:, 0, 0] ** 2 + s_after[:, 0, 0] ** 2) / KAPPA
    return all_of(
        [
            identity((w * g).sum(axis=(1, 2)), told, rounding=rounding),
            identity(
                net.gradients(s / c, c * w)[0],
                sp.lambdify(C, multiplier.gradient_factor(C))(c) * g,
                rounding=0.0,
            ),
            identity(there / c, here, rounding=0.0),
            identity(gap[1] - gap[0], moves, rounding=4 * ETA * rounding + 64 * EPS * sizes),
            _kept(net, s, w, resting),
        ]
    )


def _kept(net: _Regression, s: Array, w: Array, resting: bool) -> Finding:
    """Test that decay keeps the norm at which F14 has it, with the multiplier at rest and s ||w|| kept."""
    unit = w / np.sqrt(_square(w))[:, None, None]
    gain = net.at_rest(s, unit) if resting else s
    squares = _square(net.gradients(gain, unit)[0])
    fourth = scale_invariance.equilibrium_fourth_power(sp.Float(DECAY_RATE), sp.Float(DECAY), SQUARE)
    size = (sp.lambdify(SQUARE, fourth)(squares) ** 0.25)[:, None, None]
    g = net.gradients(gain / size, size * unit)[0]
    after = _square((1 - DECAY_RATE * DECAY) * size * unit - DECAY_RATE * g)
    rounding = 4 * DECAY_RATE * net.rounding(gain / size, size * unit) + 64 * HIDDEN * WIDTH * EPS * size[:, 0, 0] ** 2
    return identity(after, size[:, 0, 0] ** 2, rounding=rounding)
