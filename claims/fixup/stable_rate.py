"""How large a rate may be, by depth: with and without Fixup's scale."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.fixup.first_step import Scales, fixup_scales, standard, zeros
from claims.fixup.scale import sizes_of_inputs
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations.experiments import scalar_branch
from simulations.layers.losses import EPS
from theory.fixup import stable_rate

AWAY = 1e-5
"""How far the net is from its target at first, as a share of its output."""
DEPTHS = {"fixup": (1, 10, 100, 1000), "zeros": (1, 10, 100, 1000), "standard": (1, 2, 10, 40)}
Largest = Callable[[str, sp.Expr, sp.Expr, sp.Expr], sp.Expr]
L, M, X = (
    sp.Symbol("L", positive=True, integer=True),
    sp.Symbol("m", positive=True, integer=True),
    sp.Symbol("x", positive=True),
)


def _derived(start: str, branches: sp.Expr, m: sp.Expr, x: sp.Expr) -> sp.Expr:
    return stable_rate.largest_rate(getattr(stable_rate, start), branches, m, x)


def _largest(run: Run, scales: Scales, branches: int, m: int, x: float) -> float:
    """Bisect for the rate at which a step overshoots the target by as much as the net was short of it."""
    a = np.empty((branches, m))
    a[:, :-1], a[:, -1] = scales(branches, m)
    start, gradient = float(scalar_branch.forward(a, x)), scalar_branch.gradient(a, x)
    short = AWAY * start

    def covered(rate: float) -> float:
        """By how much a step moves the output, over the way to the target."""
        return float(scalar_branch.forward(a + rate * short * gradient, x) - start) / short

    low, high = 0.0, 1.0 / float(np.square(gradient).max())
    while covered(high) < 2:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if covered(middle) < 2 else (low, middle)
    return low


def _left(run: Run, scales: Scales, branches: int, m: int, x: float, rate: float) -> float:
    """Descend for ten steps at `rate`; return the way to the target that is left, over that at first."""
    a = np.empty((branches, m))
    a[:, :-1], a[:, -1] = scales(branches, m)
    target = (1 + AWAY) * float(scalar_branch.forward(a, x))
    first = target - float(scalar_branch.forward(a, x))
    for _ in range(10):
        a = scalar_branch.step(a, x, float(scalar_branch.forward(a, x)) - target, rate)
    return abs(target - float(scalar_branch.forward(a, x))) / first


def _bias(branches: int, m: int) -> float:
    """Bound the relative error of the rate, from what the first order leaves out and from rounding.

    To first order a step multiplies the output by 1 + z, z = 2 AWAY. Behind zeros it multiplies it by (1 + z/L)^L, with
    all weights 1 by ((1 + (1 + 2z/(L m))^m) / 2)^L; as log((1 + e^y) / 2) <= y/2 + y^2/8, by at most exp(z + z^2/2).
    The output rounds 2 L m times, over the way AWAY.
    """
    z = 2 * AWAY
    return (math.exp(z + z * z / 2) - 1 - z) / z + (4 * branches * m + 40) * EPS / AWAY


@claim(
    "F18",
    paper=FIXUP,
    where="section 3, what the scale is for; derived here",
    states=r"\eta<\frac2\lambda,\quad \lambda=\|\nabla f\|^2=x^2\text{ (Fixup)},\quad L\,x^2\text{ (zeros alone)},\quad"
    r" m\,L\,4^{L-1}x^2\text{ (all weights 1)}",
    derivation=stable_rate.DERIVATIONS,
    exact=False,
    mutants=[
        mutant(
            "1 / lambda",
            "At 1 / lambda a step lands on the target; stability ends where it overshoots by the whole way.",
            largest=lambda start, branches, m, x: _derived(start, branches, m, x) / 2,
        ),
        mutant(
            "zeros are enough",
            "With the zeros alone the stream is as small, but L branches move it together: the rate falls like 1/L.",
            largest=lambda start, branches, m, x: _derived("fixup" if start == "zeros" else start, branches, m, x),
        ),
        mutant(
            "the shortcut passes gradients unchanged",
            "m L: each weight sees the stream, and its cotangent, doubled by every other block.",
            largest=lambda start, branches, m, x: (
                _derived(start, branches, m, x) * (4 ** (branches - 1) if start == "standard" else 1)
            ),
        ),
        mutant(
            "rate in proportion to the number of weights",
            "m - 1 weights of a branch have no gradient behind a zero: it is one a branch.",
            largest=lambda start, branches, m, x: _derived(start, branches, m, x) / (1 if start == "standard" else m),
        ),
        mutant(
            "L^(-1/m)",
            "The simulated scale; it agrees with Fixup's at m = 2, where it is usually tested.",
            scale=lambda branches, m: (branches ** (-1 / m), 0.0),
        ),
    ],
)
def fixup_keeps_the_largest_rate(run: Run, *, largest: Largest = _derived, scale: Scales = fixup_scales) -> Finding:
    """Under Fixup the largest stable rate does not depend on the depth; with its zeros alone it falls like 1/L.

    Nothing is averaged. The squared loss and scalar nets with 2 to 4 layers a branch near a minimum, L = 1 to 1000;
    with all weights 1, up to 40, it falls exponentially. Exact in the limit of a short way to the minimum, with a bound
    on what a step of finite length leaves out. Ten steps at 0.9 times the rate found come closer, at 1.1 times not.
    """
    starts: dict[str, Scales] = {"fixup": scale, "zeros": zeros, "standard": standard}
    findings = []
    for name, scales in starts.items():
        claimed = sp.lambdify([L, M, X], largest(name, L, M, X))
        for m in (2, 3, 4):
            for branches, x in zip(DEPTHS[name], sizes_of_inputs(run, 4), strict=True):
                rate = run.once(_largest, scales, branches, m, float(x))
                expected = float(claimed(branches, m, x))
                below, above = (run.once(_left, scales, branches, m, float(x), rate * c) for c in (0.9, 1.1))
                findings += [
                    identity(rate / expected, 1.0, rounding=_bias(branches, m), chance=False),
                    inequality(1.0, below, rounding=0.0, chance=False),
                    inequality(above, 1.0, rounding=0.0, chance=False),
                ]
    return all_of(findings)
